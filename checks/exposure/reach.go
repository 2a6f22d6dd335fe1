// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
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

	// certainty is Undetermined when the inventory lacks the Gateway that a route
	// attaches to: it may be the bundled one.
	certainty checks.Certainty

	// referrer is the Ingress or route that opens the way, nil for a way that the
	// Service opens itself.
	referrer *inventory.Entry

	// relays stand between the referrer and the Service, the outermost first. The
	// list is shared.
	relays []*inventory.Entry
}

// Path returns the chain of a way for a Finding, followed by more steps.
func (w Way) Path(more ...string) []string {
	out := make([]string, 0, 2+len(w.relays)+len(more))
	out = append(out, w.From, w.By)
	for _, e := range w.relays {
		name := e.Key.String()
		if e.Key.Kind == inventory.ServiceKind {
			name += " (ExternalName)"
		}
		out = append(out, name)
	}
	return append(out, more...)
}

// doubt is what a message adds when the way itself is not certain.
func (w Way) doubt() string {
	if w.certainty == checks.Undetermined {
		return ", unless its Gateway, which is not known, is the bundled one"
	}
	return ""
}

// severity is what a fault of severity s weighs that this way makes reachable:
// one step less when only an internal network or the bundled gateway leads to
// it.
func (w Way) severity(s checks.Severity) checks.Severity {
	if rank(w) > 0 && s > checks.Info {
		return s - 1
	}
	return s
}

// Ways returns every way from outside to a Service, those that do not pass
// through the bundled gateway first. The Service's own fields count, and so do
// the annotations by which the bundled gateway publishes it, and the Ingresses and
// routes of the inventory that send traffic to it, directly or through relays. A Service
// with a cluster address and nothing that refers to it costs one look-up. The
// checks of one evaluation share the answer, which must not be changed.
func Ways(svc *corev1.Service, in checks.Input) []Way {
	return checks.Shared(in, svc, func() []Way { return waysOf(svc, in) })
}

// Selected returns the workloads that a Service selects, ordered as the
// inventory does. The checks of one evaluation share the list, which must not be
// changed.
func Selected(svc *corev1.Service, in checks.Input) []*inventory.Workload {
	if len(svc.Spec.Selector) == 0 {
		return nil
	}
	return checks.Shared(in, svc, func() []*inventory.Workload {
		return slices.AppendSeq(make([]*inventory.Workload, 0, few), in.Inventory.Selected(svc.Namespace, svc.Spec.Selector))
	})
}

func waysOf(svc *corev1.Service, in checks.Input) []Way {
	if in.Parameters.Gateway.OwnsService(svc) {
		return nil
	}
	out := ownWays(svc, in)
	if w, published := annotatedWay(svc, in); published {
		out = append(out, w)
	}
	for e := range in.Inventory.Referrers(svc.Namespace, svc.Name) {
		if relays(e) {
			if means(e, svc.Namespace, svc.Name, in) {
				out = relayed(out, e, in)
			}
		} else if w, opens := referrerWay(e, in); opens {
			out = append(out, w)
		}
	}
	sortWays(out)
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

// bypassing returns the first way that does not pass through the bundled gateway,
// an internal one included.
func bypassing(ways []Way) (Way, bool) {
	if len(ways) > 0 && !ways[0].Gateway {
		return ways[0], true
	}
	return Way{}, false
}

func serviceName(svc *corev1.Service) string {
	return inventory.Key{Kind: inventory.ServiceKind, Namespace: svc.Namespace, Name: svc.Name}.String()
}

// ownWays are the ways that a Service opens by itself.
func ownWays(svc *corev1.Service, in checks.Input) []Way {
	var out []Way
	if svc.Spec.Type != corev1.ServiceTypeNodePort && svc.Spec.Type != corev1.ServiceTypeLoadBalancer && len(svc.Spec.ExternalIPs) == 0 {
		return nil
	}
	name := serviceName(svc)
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
// and the like send traffic to a Service without opening it to anyone, a
// route of a mesh only leads from workload to workload, and a relay opens nothing
// that no route leads to.
func referrerWay(e *inventory.Entry, in checks.Input) (Way, bool) {
	if ing, isIngress := e.Object.(*networkingv1.Ingress); isIngress {
		w := Way{From: "internet", By: e.Key.String(), Gateway: ingressAttached(ing, in), referrer: e}
		if !w.Gateway {
			class, _ := classOf(ing, in.Inventory)
			if w.Internal = internalIngress(class, ing, in); w.Internal {
				w.From = "internal network"
			}
		}
		return w, true
	}
	if parents, isRoute := parentsOf(e.Object); isRoute {
		return routeWay(e, parents, in)
	}
	if relays(e) || !opensCustom(e) {
		return Way{}, false
	}
	return Way{From: "internet", By: e.Key.String(), referrer: e}, true
}

// routeWay follows the parents of a Gateway API route. One that leads to a
// Gateway which the inventory does not hold may be anything.
func routeWay(e *inventory.Entry, parents []parentOf, in checks.Input) (Way, bool) {
	w := Way{From: "internet", By: e.Key.String(), referrer: e}
	var outside, doubtful, attached bool
	for _, p := range parents {
		switch where, _ := parentIs(p, in); where {
		case elsewhere:
			outside = true
		case unknown:
			doubtful = true
		case bundled:
			attached = true
		case inMesh:
		}
	}
	w.Gateway = attached && !outside && !doubtful
	if doubtful && !outside {
		w.certainty = checks.Undetermined
	}
	return w, outside || doubtful || attached
}
