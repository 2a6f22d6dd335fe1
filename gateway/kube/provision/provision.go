// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// Options are what the objects of all Gateways have in common.
type Options struct {
	Image      string // of gatehouse-gateway
	Control    string // host:port of the control plane, as data planes call it
	Controller string // whose GatewayClasses it serves
	Audience   string // of the token by which data planes are known
	Metrics    uint16 // the port at which they answer probes and Prometheus
}

// Gateway is whose objects are made.
type Gateway struct {
	Namespace, Name, Class string
	UID                    types.UID
	Labels, Annotations    map[string]string // of its infrastructure
	Address                string            // that it asks for; "" is any
	Ports                  []Port            // of its listeners, each once, in order
	Parameters             *v1alpha1.GatewayParametersSpec
	Bundle                 []byte // PEM of the authorities that sign for the control plane
	// Keep has all that there is stay as it is, but for the Bundle: nobody knows now what it
	// should be.
	Keep bool
}

// Port is where a Gateway is listened to.
type Port struct {
	Number    uint16
	Datagrams bool
}

// Object is one object as it is to be applied.
type Object struct {
	Resource string // such as apis/apps/v1/deployments, without its namespace
	Name     string
	Body     []byte // JSON
}

// Path is where the API server has an object of a namespace.
func (o *Object) Path(namespace string) string {
	at, resource := o.Resource[:strings.LastIndexByte(o.Resource, '/')], o.Resource[strings.LastIndexByte(o.Resource, '/')+1:]
	return fmt.Sprintf("/%s/namespaces/%s/%s/%s", at, namespace, resource, o.Name)
}

// MarkLabel is on every object that was made for a Gateway, with their name as its value.
const MarkLabel = "gatehouse.sh/gateway"

// ControllerAnnotation is on each of them, with Options.Controller as its value: what
// another one has made is not to be deleted.
const ControllerAnnotation = "gatehouse.sh/controller"

// Resources are the kinds of objects that a Gateway may have, in the order in which they
// are made.
func Resources() []string {
	return []string{serviceAccounts, configMaps, networkPolicies, services, deployments, autoscalers, budgets}
}

// Withdrawn are the same in the order in which they are deleted: by the Service it is known
// that something is left, so it goes last.
func Withdrawn() []string {
	return []string{budgets, autoscalers, deployments, networkPolicies, configMaps, serviceAccounts, services}
}

const (
	serviceAccounts = "api/v1/serviceaccounts"
	configMaps      = "api/v1/configmaps"
	services        = "api/v1/services"
	deployments     = "apis/apps/v1/deployments"
	networkPolicies = "apis/networking.k8s.io/v1/networkpolicies"
	autoscalers     = "apis/autoscaling/v2/horizontalpodautoscalers"
	budgets         = "apis/policy/v1/poddisruptionbudgets"
)

// Objects are those of a Gateway, in the order in which they are to be applied. What
// Resources has and Objects has not is to be deleted, but for a Gateway that is kept.
func Objects(g *Gateway, o *Options) ([]Object, error) {
	b := &builder{gateway: g, options: o, parameters: g.Parameters}
	if b.parameters == nil {
		b.parameters = &v1alpha1.GatewayParametersSpec{}
	}
	if g.Keep {
		b.add(configMaps, b.configMap())
		return b.out, b.err
	}
	b.add(serviceAccounts, b.serviceAccount())
	b.add(configMaps, b.configMap())
	b.add(networkPolicies, b.networkPolicy())
	b.add(services, b.service())
	b.add(deployments, b.deployment())
	if least, most := b.replicas(); least < most {
		b.add(autoscalers, b.autoscaler(least, most))
	}
	b.add(budgets, b.budget())
	return b.out, b.err
}

// builder makes the objects of one Gateway.
type builder struct {
	gateway    *Gateway
	options    *Options
	parameters *v1alpha1.GatewayParametersSpec
	out        []Object
	err        error
}

// add writes an object down, without a status: that is not ours to say.
func (b *builder) add(resource string, object any) {
	raw, err := json.Marshal(object)
	var whole map[string]any
	if err == nil {
		err = json.Unmarshal(raw, &whole)
	}
	if err == nil {
		delete(whole, "status")
		raw, err = json.Marshal(whole)
	}
	if err != nil {
		b.err = cmp.Or(b.err, fmt.Errorf("make %s of Gateway %s/%s: %w", resource, b.gateway.Namespace, b.gateway.Name, err))
		return
	}
	b.out = append(b.out, Object{Resource: resource, Name: Name(b.gateway.Name), Body: raw})
}

// selector finds the Pods of the Gateway.
func (b *builder) selector() map[string]string {
	return map[string]string{MarkLabel: Name(b.gateway.Name)}
}

// own are the labels that say what made an object, and for which Gateway.
func (b *builder) own() map[string]string {
	out := b.selector()
	out["app.kubernetes.io/name"] = "gatehouse-gateway"
	out["app.kubernetes.io/managed-by"] = "gatehouse"
	return out
}

// labels are on everything but the ServiceAccount. What a Gateway asks for gives way to what finds the objects.
func (b *builder) labels() map[string]string {
	out := maps.Clone(b.gateway.Labels)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, b.own())
	for key, value := range map[string]string{gatewayv1.GatewayNameLabelKey: b.gateway.Name, "gateway.networking.k8s.io/gateway-class-name": b.gateway.Class} {
		delete(out, key)
		if len(value) <= maxName { // a longer one cannot be the value of a label
			out[key] = value
		}
	}
	return out
}

func (b *builder) meta() metav1.ObjectMeta {
	is := true
	annotations := map[string]string{}
	maps.Copy(annotations, b.gateway.Annotations)
	annotations[ControllerAnnotation] = b.options.Controller
	return metav1.ObjectMeta{
		Name: Name(b.gateway.Name), Namespace: b.gateway.Namespace, Labels: b.labels(), Annotations: annotations,
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: gatewayv1.GroupVersion.String(), Kind: "Gateway", Name: b.gateway.Name, UID: b.gateway.UID, Controller: &is,
		}},
	}
}

// replicas are how many there are at least and at most.
func (b *builder) replicas() (least, most int32) {
	least, most = 2, 10
	if r := b.parameters.Replicas; r.Min != nil {
		least = *r.Min
	}
	if r := b.parameters.Replicas; r.Max != nil {
		most = *r.Max
	}
	return least, max(least, most)
}

// asked is the address that a Gateway asks for, if it is one.
func (b *builder) asked() string {
	if net.ParseIP(b.gateway.Address) == nil {
		return ""
	}
	return b.gateway.Address
}
