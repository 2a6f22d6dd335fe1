// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// Name is a namespace and a name.
type Name = types.NamespacedName

// Objects are what there is in a cluster. They are not changed, in whatever order they
// come the result is the same.
type Objects struct {
	Classes         []*gatewayv1.GatewayClass
	Gateways        []*gatewayv1.Gateway
	ListenerSets    []*gatewayv1.ListenerSet
	HTTPRoutes      []*gatewayv1.HTTPRoute
	GRPCRoutes      []*gatewayv1.GRPCRoute
	TLSRoutes       []*gatewayv1.TLSRoute
	TCPRoutes       []*gatewayv1.TCPRoute
	UDPRoutes       []*gatewayv1.UDPRoute
	ReferenceGrants []*gatewayv1.ReferenceGrant
	Policies        []*gatewayv1.BackendTLSPolicy
	Namespaces      []*corev1.Namespace
	Services        []*corev1.Service
	EndpointSlices  []*discoveryv1.EndpointSlice
	Secrets         []*corev1.Secret
	ConfigMaps      []*corev1.ConfigMap
	IngressClasses  []*networkingv1.IngressClass
	Ingresses       []*networkingv1.Ingress
	AccessPolicies  []*v1alpha1.AccessPolicy
	TrafficPolicies []*v1alpha1.TrafficPolicy
	ClientPolicies  []*v1alpha1.ClientPolicy
	Parameters      []*v1alpha1.GatewayParameters
	// UnreadSecrets and UnreadConfigMaps are what was referred to and is not known, and why,
	// as said after its name: "may not be read". It counts as not there.
	UnreadSecrets, UnreadConfigMaps map[Name]string
}

// Result is what follows from Objects, for what belongs to one controller.
type Result struct {
	// Snapshots are the configurations, by Gateway, or by what Builtin calls it. Each is
	// free of faults.
	Snapshots map[Name]*config.Snapshot
	// Classes are the conditions of GatewayClasses, by name.
	Classes map[string][]metav1.Condition
	// Gateways are statuses without addresses and without Programmed, of which only who
	// serves a snapshot knows.
	Gateways map[Name]gatewayv1.GatewayStatus
	// ListenerSets are what is said of those that name a Gateway of ours.
	ListenerSets map[Name]ListenerSet
	// Routes are what is said of each parent that is ours.
	Routes map[Route][]gatewayv1.RouteParentStatus
	// Policies are what is said of BackendTLSPolicies, for each Gateway of ours that
	// speaks to their Services.
	Policies map[Name]gatewayv1.PolicyStatus
	// AccessPolicies, TrafficPolicies and ClientPolicies are what is said of ours, for each
	// Gateway that they concern, or for their targets if there is none.
	AccessPolicies, TrafficPolicies, ClientPolicies map[Name]gatewayv1.PolicyStatus
	// Secrets and ConfigMaps are what is referred to and granted, whether it is there or
	// not: no other one is ever needed.
	Secrets, ConfigMaps map[Name]bool
	// Missing is what of Secrets and ConfigMaps was looked for and not found, by the Gateway
	// that is served without it.
	Missing map[Name]Missing
	// Faults are what the data plane would refuse a Gateway's configuration for: there is
	// no snapshot then, and the one before stays. A Gateway without a snapshot that is not
	// here has nothing to serve.
	Faults map[Name]string
	// Ingresses are the Gateways at which Ingresses are served, as Snapshots calls them:
	// their addresses are the Ingress's.
	Ingresses map[Name][]Name
	// Events are what is said of Ingresses and Services, in order.
	Events []Event
}

// Missing are Secrets and ConfigMaps, in order and each once.
type Missing struct{ Secrets, ConfigMaps []Name }

// ListenerSet is what became of a ListenerSet, but whether it is Programmed.
type ListenerSet struct {
	Gateway Name
	Status  gatewayv1.ListenerSetStatus
}

// Route is a kind of routes, such as HTTPRoute, and the name of one.
type Route struct {
	Kind string
	Name
}

// index finds objects by name.
type index struct {
	classes    map[string]bool   // that are ours
	unknown    map[string]string // of these, why their Gateways are not served
	namespaces map[string]map[string]string
	services   map[Name]*corev1.Service
	slices     map[Name][]*discoveryv1.EndpointSlice // by Service
	secrets    map[Name]*corev1.Secret
	configMaps map[Name]*corev1.ConfigMap
	unread     map[kind]map[Name]string               // why, see Objects
	grants     map[string][]*gatewayv1.ReferenceGrant // by the namespace that is granted
	sets       map[Name][]*gatewayv1.ListenerSet      // by the Gateway that they name, in order of age
	policies   []*tlsPolicy
	secured    map[secured][]*tlsPolicy // the first holds

	joined map[Name]*listenerSet // by its name

	wantedSecrets, wantedConfigMaps map[Name]bool
	missed                          Missing // in the order in which they were looked for

	guarded   map[Name]Name   // Services that AccessPolicies are for, and one of these
	servicing map[string]Name // Services by the names of backends

	memory     *memory
	routes     slab[route]
	parents    slab[parent]
	said       slab[[2]metav1.Condition] // of parents, of which most have two
	builder    ruleBuilder               // of the rule that is read
	ready      map[*corev1.ServicePort][]netip.AddrPort
	parameters []*v1alpha1.GatewayParameters

	parametersOf map[string]*v1alpha1.GatewayParameters // by classes that are ours
}

func newIndex(o *Objects, controller string) *index {
	x := &index{
		classes: map[string]bool{}, unknown: map[string]string{}, namespaces: map[string]map[string]string{}, services: map[Name]*corev1.Service{},
		slices: map[Name][]*discoveryv1.EndpointSlice{}, secrets: map[Name]*corev1.Secret{}, configMaps: map[Name]*corev1.ConfigMap{}, secured: map[secured][]*tlsPolicy{}, grants: map[string][]*gatewayv1.ReferenceGrant{},
		joined: map[Name]*listenerSet{}, parametersOf: map[string]*v1alpha1.GatewayParameters{}, wantedSecrets: map[Name]bool{}, wantedConfigMaps: map[Name]bool{}, guarded: map[Name]Name{}, servicing: map[string]Name{},
		ready: map[*corev1.ServicePort][]netip.AddrPort{}, parameters: o.Parameters,
	}
	x.unread = map[kind]map[Name]string{secretKind: o.UnreadSecrets, configMapKind: o.UnreadConfigMaps}
	for _, c := range o.Classes {
		x.classes[c.Name] = string(c.Spec.ControllerName) == controller
	}
	for _, n := range o.Namespaces {
		x.namespaces[n.Name] = n.Labels
	}
	for _, s := range o.Services {
		x.services[nameOf(s)] = s
	}
	for _, s := range o.EndpointSlices {
		of := Name{Namespace: s.Namespace, Name: s.Labels[discoveryv1.LabelServiceName]}
		x.slices[of] = append(x.slices[of], s)
	}
	for _, s := range o.Secrets {
		x.secrets[nameOf(s)] = s
	}
	for _, m := range o.ConfigMaps {
		x.configMaps[nameOf(m)] = m
	}
	x.sets = setsOf(o.ListenerSets)
	x.secure(o.Policies)
	for _, p := range o.AccessPolicies {
		for _, t := range p.Spec.TargetRefs {
			if at := (Name{Namespace: p.Namespace, Name: t.Name}); (kind{t.Group, t.Kind}) == serviceKind && (x.guarded[at] == Name{} || p.Name < x.guarded[at].Name) {
				x.guarded[at] = nameOf(p)
			}
		}
	}
	for _, g := range o.ReferenceGrants {
		x.grants[g.Namespace] = append(x.grants[g.Namespace], g)
	}
	return x
}

// secret returns a Secret, nil if it is not there, and notes that it is wanted: it is
// asked for when the reference was granted, and not before.
func (x *index) secret(name Name) *corev1.Secret {
	x.wantedSecrets[name] = true
	s := x.secrets[name]
	if s == nil {
		x.missed.Secrets = append(x.missed.Secrets, name)
	}
	return s
}

// configMap is secret, of ConfigMaps.
func (x *index) configMap(name Name) *corev1.ConfigMap {
	x.wantedConfigMaps[name] = true
	m := x.configMaps[name]
	if m == nil {
		x.missed.ConfigMaps = append(x.missed.ConfigMaps, name)
	}
	return m
}

// absent says of what was asked for and not found that it is not there, or why that is
// not known.
func (x *index) absent(k kind, name Name) string {
	if why := x.unread[k][name]; why != "" {
		return fmt.Sprintf("%s %s %s", k, name, why)
	}
	return fmt.Sprintf("there is no %s %s", k, name)
}

func nameOf(o metav1.Object) Name { return Name{Namespace: o.GetNamespace(), Name: o.GetName()} }

// compareNames is the order of "namespace/name" (GEP-713), without writing these: "a-b/x"
// comes before "a/x", though "a" comes before "a-b".
func compareNames(a, b Name) int {
	n := min(len(a.Namespace), len(b.Namespace))
	switch {
	case a.Namespace == b.Namespace:
		return strings.Compare(a.Name, b.Name)
	case a.Namespace[:n] != b.Namespace[:n]:
		return strings.Compare(a.Namespace, b.Namespace)
	}
	return strings.Compare(a.String(), b.String())
}
