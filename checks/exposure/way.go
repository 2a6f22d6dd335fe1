// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// What other packages of checks ask about ways from outside.

// ExposeAnnotation publishes a Service through the bundled gateway.
const ExposeAnnotation = exposeAnnotation

// Certainty is Undetermined when the inventory lacks the Gateway that a route
// attaches to: it may be the bundled one.
func (w Way) Certainty() checks.Certainty { return w.certainty }

// Doubt is what a message adds when the way is not certain; empty otherwise.
func (w Way) Doubt() string { return w.doubt() }

// Referrer returns the Ingress or route that opens the way, nil for a way that a
// Service or a pod opens itself.
func (w Way) Referrer() *inventory.Entry { return w.referrer }

// Relays returns what stands between the Ingress or route and the Service, the
// outermost first; it must not be changed.
func (w Way) Relays() []*inventory.Entry { return w.relays }

// HostWays returns the ways that a pod opens by taking its node's addresses: the
// node's whole network, or single ports of it. Name is how messages call what
// runs the pod. A port of the loopback address opens nothing.
func HostWays(name string, spec *corev1.PodSpec) []Way {
	if spec == nil {
		return nil
	}
	if spec.HostNetwork {
		return []Way{{From: "any node address", By: name + " (hostNetwork)"}}
	}
	var out []Way
	eachContainer(spec, func(_ containerList, _ int, c *corev1.Container) {
		for i := range c.Ports {
			if p := &c.Ports[i]; p.HostPort != 0 && !loopback(p.HostIP) {
				out = append(out, Way{From: "any node address", By: fmt.Sprintf("%s (hostPort %d)", name, p.HostPort)})
			}
		}
	})
	return out
}

// RouteKinds are the kinds that can expose a Service without being one.
func RouteKinds() []schema.GroupKind { return routeKinds() }

// TemplateKinds are pods and every kind that carries a pod template.
func TemplateKinds() []schema.GroupKind { return templateKinds() }

// Attaches reports whether a Gateway API route leads through a Gateway, directly,
// through a ListenerSet or as one of the default Gateways, or names a
// ListenerSet. Whether the listeners admit the route is not looked at.
func Attaches(route inventory.Object, to inventory.Key, in checks.Input) bool {
	parents, _ := parentsOf(route)
	return slices.ContainsFunc(parents, func(p parentOf) bool {
		if p.kind == defaultGateways {
			return to.Kind == inventory.GatewayKind
		}
		at := inventory.Key{Kind: schema.GroupKind{Group: p.group, Kind: p.kind}, Namespace: p.namespace, Name: p.name}
		if at == to {
			return true
		}
		if to.Kind != inventory.GatewayKind || at.Kind != listenerSetKind && at.Kind != xListenerSetKind {
			return false
		}
		_, gw := parentIs(p, in)
		return gw != nil && gw.Namespace == to.Namespace && gw.Name == to.Name
	})
}

// ServiceOfEndpoints returns the name of the Service that an EndpointSlice or
// Endpoints belongs to; false for a slice that belongs to none.
func ServiceOfEndpoints(o inventory.Object) (string, bool) { return serviceOfEndpoints(o) }

// EndpointAddresses returns the IP addresses of an EndpointSlice or Endpoints in
// the form in which the inventory indexes those of pods, each once.
func EndpointAddresses(o inventory.Object) []string {
	var out []string
	seen := map[string]bool{}
	for _, a := range endpointAddresses(o) {
		addr, ok := parseEndpoint(a.text)
		if text := addr.String(); ok && !a.name && !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
	}
	return out
}

// SelectedOnly reports whether an EndpointSlice of a Service holds nothing but
// the pods that the Service's selector chooses: it says that Kubernetes' own
// controller manages it. Whether somebody else wrote that is the business of
// endpoint-slice-hijack (EXP-010).
func SelectedOnly(s *discoveryv1.EndpointSlice, of *corev1.Service) bool {
	_, claims := claimedController(s)
	return claims && len(of.Spec.Selector) > 0
}

// OnPods adapts a function over a pod template to Check.Run for pods and every
// kind that carries a template. Mirror pods, which stand for files of a node, and
// custom resources without a template yield nothing.
func OnPods(run func(inventory.Template, checks.Input) []checks.Finding) func(checks.Input) []checks.Finding {
	return onPods(run)
}
