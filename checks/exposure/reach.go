// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Way is one way from outside to a Service.
type Way struct {
	// From is where a caller stands: "internet", "internal network", "any node
	// address".
	From string

	// By is the object and the means: "Service shop/web (LoadBalancer)".
	By string

	// Internal ways are not reachable from the internet: an internal load
	// balancer.
	Internal bool

	// Gateway ways pass through the bundled gateway.
	Gateway bool
}

// Path returns the chain of a way for a Finding, followed by more steps.
func (w Way) Path(more ...string) []string {
	return append([]string{w.From, w.By}, more...)
}

// Ways returns every way from outside to a Service, those that do not pass
// through the bundled gateway first. The Service's own fields count, and so do
// the Ingresses and routes of the inventory that send traffic to it.
func Ways(svc *corev1.Service, in checks.Input) []Way {
	if in.Parameters.Gateway.OwnsService(svc) {
		return nil
	}
	out := ownWays(svc, in)
	for e := range in.Inventory.Referrers(svc.Namespace, svc.Name) {
		if w, opens := referrerWay(e, in); opens {
			out = append(out, w)
		}
	}
	slices.SortStableFunc(out, func(a, b Way) int { return cmp.Or(rank(a)-rank(b), cmp.Compare(a.By, b.By)) })
	return out
}

func rank(w Way) int {
	switch {
	case w.Gateway:
		return 2
	case w.Internal:
		return 1
	}
	return 0
}

// Open returns the first way that does not pass through the bundled gateway and
// is not internal.
func Open(ways []Way) (Way, bool) {
	if len(ways) > 0 && rank(ways[0]) == 0 {
		return ways[0], true
	}
	return Way{}, false
}

// ownWays are the ways that a Service opens by itself.
func ownWays(svc *corev1.Service, in checks.Input) []Way {
	var out []Way
	name := inventory.Key{Kind: inventory.ServiceKind, Namespace: svc.Namespace, Name: svc.Name}.String()
	switch svc.Spec.Type {
	case corev1.ServiceTypeNodePort:
		out = append(out, Way{From: "any node address", By: name + " (NodePort)"})
	case corev1.ServiceTypeLoadBalancer:
		if classify(svc, in).Scheme == loadbalancer.Internal {
			out = append(out, Way{From: "internal network", By: name + " (internal LoadBalancer)", Internal: true})
		} else {
			out = append(out, Way{From: "internet", By: name + " (LoadBalancer)"})
		}
	case corev1.ServiceTypeClusterIP, corev1.ServiceTypeExternalName:
	}
	if len(svc.Spec.ExternalIPs) > 0 {
		out = append(out, Way{From: "external IP " + svc.Spec.ExternalIPs[0], By: name + " (externalIPs)"})
	}
	return out
}

// referrerWay turns an Ingress or a route into a way. Webhook configurations
// and the like send traffic to a Service without opening it to anyone.
func referrerWay(e *inventory.Entry, in checks.Input) (Way, bool) {
	switch o := e.Object.(type) {
	case *networkingv1.Ingress:
		return Way{From: "internet", By: e.Key.String(), Gateway: ingressAttached(o, in)}, true
	case *discoveryv1.EndpointSlice:
		return Way{}, false
	}
	if parents, isRoute := parentsOf(e.Object); isRoute {
		if !slices.ContainsFunc(parents, func(p parentOf) bool { return !meshParent(p) }) {
			return Way{}, false
		}
		return Way{From: "internet", By: e.Key.String(), Gateway: routeAttached(e.Object, in)}, true
	}
	if opensCustom(e) {
		return Way{From: "internet", By: e.Key.String()}, true
	}
	return Way{}, false
}
