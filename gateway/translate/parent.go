// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// attachment is a route at a listener, with the hosts for which it is asked there.
type attachment struct {
	listener *listener
	hosts    []string
}

// parent is one parent of a route, as far as it is ours.
type parent struct {
	ref        gatewayv1.ParentReference
	gateway    *gateway
	set        *listenerSet // that it names; nil: the Gateway
	conditions conditions
	at         []attachment
}

// attach finds the listeners of a route. Parents that are not ours are left out: what
// is said of them is for others to say.
func (x *index) attach(gateways map[Name]*gateway, of kind, route metav1.Object, refs []gatewayv1.ParentReference, hostnames []gatewayv1.Hostname) []*parent {
	var out []*parent
	for _, ref := range refs {
		p := x.parents.one()
		p.ref, p.conditions = ref, conditions{generation: route.GetGeneration(), list: x.said.one()[:0]}
		name := referTo(of, route.GetNamespace(), gatewayKind, ref.Namespace, ref.Name).name
		switch kindOf(ref.Group, ref.Kind, gatewayKind) {
		case gatewayKind:
			p.gateway = gateways[name]
		case listenerSetKind:
			if p.set = x.joined[name]; p.set != nil {
				p.gateway = p.set.gateway
			}
		}
		if p.gateway == nil {
			continue
		}
		x.listeners(p, of, route.GetNamespace(), hostnames)
		out = append(out, p)
	}
	return out
}

// listeners finds those of a parent that take a route.
func (x *index) listeners(p *parent, of kind, namespace string, hostnames []gatewayv1.Hostname) {
	named, allowed := false, false
	for _, l := range p.named() {
		if p.ref.SectionName != nil && *p.ref.SectionName != l.spec.Name || p.ref.Port != nil && *p.ref.Port != l.spec.Port {
			continue
		}
		named = true
		if !l.allows(x, of, namespace) {
			continue
		}
		allowed = true
		if hosts := meet(l.host(), hostnames); len(hosts) > 0 {
			l.attached++
			p.at = append(p.at, attachment{l, hosts})
		}
	}
	refuse := func(reason gatewayv1.RouteConditionReason, message string) {
		p.conditions.set(accepted, metav1.ConditionFalse, string(reason), message)
	}
	switch {
	case !named:
		refuse(gatewayv1.RouteReasonNoMatchingParent, fmt.Sprintf("the %s has no listener of that name and port", kindOf(p.ref.Group, p.ref.Kind, gatewayKind).kind))
	case !allowed:
		refuse(gatewayv1.RouteReasonNotAllowedByListeners, fmt.Sprintf("no listener takes routes of kind %s from namespace %s (allowedRoutes)", of.kind, namespace))
	case len(p.at) == 0:
		refuse(gatewayv1.RouteReasonNoMatchingListenerHostname, "no hostname of the route is one of a listener's")
	default:
		p.conditions.set(accepted, metav1.ConditionTrue, string(gatewayv1.RouteReasonAccepted), "")
	}
}

// named are the listeners of what a parent names, whether they can be served or not.
func (p *parent) named() []*listener {
	if p.set != nil {
		return p.set.listeners
	}
	all := p.gateway.listeners
	if n := slices.IndexFunc(all, func(l *listener) bool { return l.set != nil }); n >= 0 {
		return all[:n] // those of sets are the last ones
	}
	return all
}

// meet returns the hosts that a listener and a route have in common. Without hostnames
// a route has those of the listener.
func meet(listener string, hostnames []gatewayv1.Hostname) []string {
	if len(hostnames) == 0 {
		return []string{listener}
	}
	var out []string
	for _, h := range hostnames {
		if c := common(listener, string(h)); c != "" {
			out = append(out, c)
		}
	}
	return out
}
