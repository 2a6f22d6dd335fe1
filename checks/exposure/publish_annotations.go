// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// bearer is a set of kinds that an annotation is read from.
type bearer uint8

const (
	onService      bearer = 1 << iota
	onLoadBalancer        // a Service of type LoadBalancer
	onIngress
	onWorkload
)

// A publishKey is an annotation by which a controller opens an object to the
// outside, past Services and routes.
type publishKey struct {
	key      string // the name, or with prefix its beginning
	prefix   bool
	on       bearer
	set      valueTest       // whether the controller acts on the value
	severity checks.Severity // unset: the check's own
	byClass  bool            // of an Ingress: only the vendor's own class acts on it
	says     string          // the message; %s is the value
}

// A valueTest is a condition on the value of an annotation, once more in CEL for
// the backstop, where the value is named v.
type valueTest struct {
	holds func(value string) bool
	cel   string
}

var (
	isSet       = valueTest{func(v string) bool { return strings.TrimSpace(v) != "" }, `v.trim() != ""`}
	isTrue      = valueTest{func(v string) bool { return v == "true" }, `v == "true"`}
	isBoolean   = valueTest{func(v string) bool { b, err := strconv.ParseBool(v); return err == nil && b }, "v in " + trueTexts}
	isPublicURL = valueTest{func(v string) bool { return isSet.holds(v) && !internalURL(v) }, `v.trim() != "" && !v.lowerAscii().contains(".internal")`}
)

// publishKeys are read as their controllers read them:
// https://github.com/tailscale/tailscale/blob/main/cmd/k8s-operator/sts.go
// https://github.com/inlets/inlets-operator
// https://skupper.io/docs/
// https://emissary-ingress.dev/docs/
// https://ngrok.com/docs/k8s/guides/annotations
// https://metallb.io/usage/#ip-address-sharing
// https://docs.cilium.io/en/stable/network/lb-ipam/#sharing-keys
// https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/ingress/
var publishKeys = []publishKey{
	{key: "tailscale.com/expose", on: onService, set: isTrue, says: "is opened to the whole tailnet by the Tailscale operator"},
	{key: "tailscale.com/funnel", on: onService | onIngress, set: isBoolean, byClass: true, says: "is opened to the internet through Tailscale Funnel"},
	{key: "tailscale.com/tailnet-fqdn", on: onService, set: isSet, says: "leads out of the cluster to %s on the tailnet"},
	{key: "tailscale.com/tailnet-ip", on: onService, set: isSet, says: "leads out of the cluster to %s on the tailnet"},
	{key: "tailscale.com/ts-tailnet-target-ip", on: onService, set: isSet, says: "leads out of the cluster to %s on the tailnet"},
	{key: "operator.inlets.dev/manage", on: onService, set: isBoolean, says: "is opened to the internet through an inlets tunnel"},
	{key: "skupper.io/proxy", on: onService | onWorkload, set: isSet, says: "is offered to every site of the Skupper network (%s)"},
	{key: "getambassador.io/config", on: onService | onIngress, set: isSet, says: "carries routes for Emissary-ingress in an annotation"},
	{key: "k8s.ngrok.com/url", on: onLoadBalancer, set: isPublicURL, says: "is opened to the internet by ngrok at %s"},
	{key: "k8s.ngrok.com/domain", on: onLoadBalancer, set: isPublicURL, says: "is opened to the internet by ngrok at %s"},
	{key: "ngrok.com/url", on: onLoadBalancer, set: isPublicURL, says: "is opened to the internet by ngrok at %s"},
	{key: "metallb.io/allow-shared-ip", on: onLoadBalancer, set: isSet, says: "shares its address with every Service that has the sharing key %s"},
	{key: "metallb.universe.tf/allow-shared-ip", on: onLoadBalancer, set: isSet, says: "shares its address with every Service that has the sharing key %s"},
	{key: "lbipam.cilium.io/sharing-key", on: onLoadBalancer, set: isSet, says: "shares its address with every Service that has the sharing key %s"},
	{key: "io.cilium/lb-ipam-sharing-key", on: onLoadBalancer, set: isSet, says: "shares its address with every Service that has the sharing key %s"},
	{key: "traefik.ingress.kubernetes.io/service.", prefix: true, on: onService, set: isSet, severity: checks.Low, says: "is prepared for Traefik, past the gateway"},
}

// poolKeys name a MetalLB pool or address; they are approved when the load
// balancer is internal.
var poolKeys = []string{"metallb.io/address-pool", "metallb.io/loadBalancerIPs", "metallb.universe.tf/address-pool", "metallb.universe.tf/loadBalancerIPs"}

// publishAnnotations flags what publishes past Services and routes (EXP-014).
func publishAnnotations() checks.Check {
	pods := templateKinds()
	return checks.Check{
		ID: "EXP-014", Name: "publish-annotations",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    slices.Concat(services, []schema.GroupKind{inventory.IngressKind}, pods, tunnelKinds),
		Doc: checks.Doc{
			Title: "Nothing is published by vendor annotations or tunnels",
			Why: "Tunnel operators, mesh VPNs and some load balancers open a workload to the outside because of one annotation or one small custom resource; the Service stays a harmless ClusterIP. " +
				"Gatehouse knows those of Tailscale, ngrok, the Cloudflare tunnel operator, inlets, Skupper, Emissary-ingress, MetalLB, Cilium and Traefik, and reads values as their controllers do: where a controller takes only \"true\", \"yes\" is no finding. " +
				"So do annotations of a pod by which its network gives it an address of its own: floating addresses of Calico, and public ones of Alibaba, Tencent and Huawei Cloud. " +
				"A shared load balancer address lets a Service take ports of an address that others are known by. MetalLB pools and addresses are reported where they are not known to be internal, Traefik's Service annotations because somebody expects Traefik to route there: both are milder. " +
				"Whether the controller is installed cannot be seen, and vendors that are not in the table are not covered.",
			Attack: "the pods are reachable from the internet or another network through a tunnel that no firewall and no gateway sees",
			Fix:    "remove the annotation or the resource, and route to the Service through the gateway",
			Exempt: "A tunnel that the platform team runs on purpose, for instance to a support network.",
			Sources: []string{
				"https://tailscale.com/kb/1236/kubernetes-operator",
				"https://docs.tigera.io/calico/latest/networking/ipam/add-floating-ip",
				"https://www.alibabacloud.com/help/en/ack/ack-managed-and-ack-dedicated/user-guide/associate-an-eip-with-a-pod-1",
				"https://github.com/tailscale/tailscale/blob/main/cmd/k8s-operator/sts.go",
				"https://ngrok.com/docs/k8s/guides/bindings",
				"https://github.com/adyanth/cloudflare-operator",
				"https://github.com/inlets/inlets-operator",
				"https://skupper.io/docs/",
				"https://metallb.io/usage/#ip-address-sharing",
				"https://docs.cilium.io/en/stable/network/lb-ipam/",
				"https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/ingress/",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			if slices.Contains(pods, inventory.GroupKindOf(in.Object)) {
				if _, runs := inventory.TemplateOf(in.Object); !runs {
					return nil // a Rollout of a Deployment, a ReplicationController without template
				}
				return append(judgePodKeys(in), publishFindings(in.Object.GetAnnotations(), bearerOf(in.Object), in)...)
			}
			if u, isCustom := in.Object.(*unstructured.Unstructured); isCustom {
				if in.Parameters.Gateway.OwnsService(u) {
					return nil
				}
				return tunnelFindings(u)
			}
			annotations := in.Object.GetAnnotations()
			if len(annotations) == 0 {
				return nil
			}
			return publishFindings(annotations, bearerOf(in.Object), in)
		},
	}
}

func bearerOf(o inventory.Object) bearer {
	switch o := o.(type) {
	case *corev1.Service:
		if o.Spec.Type == corev1.ServiceTypeLoadBalancer {
			return onService | onLoadBalancer
		}
		return onService
	case *networkingv1.Ingress:
		return onIngress
	case *appsv1.Deployment, *appsv1.StatefulSet, *appsv1.DaemonSet:
		return onWorkload
	}
	return 0
}

func publishFindings(annotations map[string]string, on bearer, in checks.Input) []checks.Finding {
	var out []checks.Finding
	for i := range publishKeys {
		k := &publishKeys[i]
		if k.on&on == 0 {
			continue
		}
		if k.prefix {
			for _, key := range withPrefix(annotations, k.key) {
				out = append(out, k.finding(key, annotations[key]))
			}
			continue
		}
		if v, present := annotations[k.key]; present && k.set.holds(v) && !(k.byClass && on == onIngress && throughGateway(in)) {
			out = append(out, k.finding(k.key, v))
		}
	}
	if svc, ok := in.Object.(*corev1.Service); ok && on&onLoadBalancer != 0 {
		out = append(out, poolFindings(svc, in)...)
	}
	if len(out) == 0 || in.Parameters.Gateway.OwnsService(in.Object) {
		return nil
	}
	for i := range out {
		out[i].Path = []string{"outside", inputName(in)}
	}
	return out
}

func (k *publishKey) finding(key, value string) checks.Finding {
	message := k.says
	if strings.Contains(message, "%s") {
		message = fmt.Sprintf(message, clipValue(value))
	}
	return checks.Finding{Severity: k.severity, Subject: "annotation/" + key, Field: annotationField(key), Message: message}
}

// withPrefix returns the keys that begin with a prefix and go on, in order.
func withPrefix(annotations map[string]string, prefix string) []string {
	var out []string
	for key := range annotations {
		if len(key) > len(prefix) && strings.HasPrefix(key, prefix) {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// poolFindings reports MetalLB's choice of a pool or address that is not known
// to be internal.
func poolFindings(svc *corev1.Service, in checks.Input) []checks.Finding {
	var out []checks.Finding
	for _, key := range poolKeys {
		value := svc.Annotations[key]
		if value == "" {
			continue
		}
		if out == nil && classify(svc, in).Scheme == loadbalancer.Internal {
			return nil
		}
		out = append(out, checks.Finding{
			Severity: checks.Medium, Subject: "annotation/" + key, Field: annotationField(key),
			Message: "chooses " + clipValue(value) + " from MetalLB's addresses, which is not known to be internal",
		})
	}
	return out
}

// clipValue quotes a value in a message, at most 80 bytes of it.
func clipValue(v string) string {
	if len(v) > 80 {
		v = strings.ToValidUTF8(v[:80], "") + "..."
	}
	return strconv.Quote(v)
}
