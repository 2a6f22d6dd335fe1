// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// unguardedRoute reports, for each Gateway of ours, the Services that it sends to by rules
// that no AccessPolicy is in force for at some listener.
func unguardedRoute(in checks.Input, g *guards) []checks.Finding {
	rules := rulesOf(in.Object)
	open := openRules(rules, in, g)
	if len(open) == 0 {
		return nil
	}
	var out []*unguarded
	for _, d := range doorsOf(in) {
		// A listener of what is passed on unread is not served if a policy is for it.
		if g.has(d.gateway, d.section) {
			continue
		}
		for i := range open {
			for _, s := range open[i].services {
				if !g.has(serviceOf(s), "") {
					out = open[i].at(d, serviceOf(s), out)
				}
			}
		}
	}
	findings := make([]checks.Finding, 0, len(out))
	for _, o := range out {
		findings = append(findings, o.finding(in, len(rules), !requestRoute(inventory.KeyOf(in.Object).Kind)))
	}
	return findings
}

// openRule is a rule that no policy is for.
type openRule struct {
	*guardedRule
	certainty checks.Certainty
}

func openRules(rules []guardedRule, in checks.Input, g *guards) []openRule {
	self := inventory.KeyOf(in.Object)
	var open []openRule
	for i := range rules {
		r := &rules[i]
		if r.guarded(g, self) {
			continue
		}
		certainty := checks.Violation
		if requestRoute(self.Kind) {
			var guarded bool
			if guarded, certainty = r.guardedBySome(g, in); guarded {
				continue
			}
		}
		open = append(open, openRule{r, certainty})
	}
	return open
}

// at notes that a rule opens a Service at a door.
func (r *openRule) at(d doorAt, service inventory.Key, out []*unguarded) []*unguarded {
	at := slices.IndexFunc(out, func(o *unguarded) bool { return o.gateway == d.gateway && o.service == service })
	if at < 0 {
		at, out = len(out), append(out, &unguarded{gateway: d.gateway, service: service, field: d.field, certainty: r.certainty})
	}
	o := out[at]
	o.certainty = min(o.certainty, r.certainty)
	if !slices.Contains(o.listeners, d.listener) {
		o.listeners = append(o.listeners, d.listener)
	}
	if !slices.Contains(o.rules, r.field) {
		o.rules = append(o.rules, r.field)
	}
	return out
}

// requestRoute reports whether routes of a kind are of requests, which are read.
func requestRoute(k schema.GroupKind) bool { return k.Kind == "HTTPRoute" || k.Kind == "GRPCRoute" }

// rulesOf returns the rules of a route that send anything to a Service.
func rulesOf(o inventory.Object) []guardedRule {
	var out []guardedRule
	names := map[int]string{}
	named := func(i int, n *gatewayv1.SectionName) {
		if n != nil {
			names[i] = string(*n)
		}
	}
	count := 0
	switch r := o.(type) {
	case *gatewayv1.HTTPRoute:
		count = len(r.Spec.Rules)
		for i := range r.Spec.Rules {
			named(i, r.Spec.Rules[i].Name)
		}
	case *gatewayv1.GRPCRoute:
		count = len(r.Spec.Rules)
		for i := range r.Spec.Rules {
			named(i, r.Spec.Rules[i].Name)
		}
	case *gatewayv1.TLSRoute:
		count = len(r.Spec.Rules)
	case *gatewayv1.TCPRoute:
		count = len(r.Spec.Rules)
	case *gatewayv1.UDPRoute:
		count = len(r.Spec.Rules)
	}
	all := make([]guardedRule, count)
	for _, ref := range inventory.Backends(o) {
		var at int
		if _, err := fmt.Sscanf(ref.Field, "spec.rules[%d]", &at); err != nil || at >= count {
			continue
		}
		all[at].services = append(all[at].services, ref)
	}
	for i := range all {
		if len(all[i].services) > 0 {
			all[i].name, all[i].field = names[i], fmt.Sprintf("spec.rules[%d]", i)
			out = append(out, all[i])
		}
	}
	return out
}

// doorAt is a listener of the bundled gateway at which a route is.
type doorAt struct {
	gateway  inventory.Key // also of a listener that a ListenerSet adds
	section  string        // the listener as policies name it; empty for one of a ListenerSet, which they cannot name
	listener string
	field    string // of the parent in the route
}

// doorsOf returns the listeners of the bundled gateway that take the route under
// judgement.
func doorsOf(in checks.Input) []doorAt {
	route := in.Object
	common, isRoute := commonSpec(route)
	if !isRoute {
		return nil
	}
	parents, _ := parentsOf(route)
	hosts := claimedHosts(route)
	var out []doorAt
	for i, p := range parents {
		_, gw := parentIs(p, in)
		if gw == nil || !ownGatewayClass(string(gw.Spec.GatewayClassName), in) || i >= len(common.ParentRefs) {
			continue // default Gateways are none of ours
		}
		all, _ := parentListeners(p, in)
		ref := &common.ParentRefs[i]
		for _, l := range all {
			if ref.SectionName != nil && l.name != string(*ref.SectionName) || ref.Port != nil && l.port != *ref.Port ||
				!carriesKind(&l, inventory.KeyOf(route).Kind) || !l.admits(route) || !l.sharesHost(hosts) {
				continue
			}
			d := doorAt{gateway: inventory.KeyOf(gw), listener: l.String(), field: p.field}
			if l.home == d.gateway {
				d.section = l.name
			}
			out = append(out, d)
		}
	}
	return out
}

func claimedHosts(route inventory.Object) []string {
	hosts := inventory.Hosts(route)
	out := make([]string, 0, len(hosts))
	for _, h := range hosts {
		out = append(out, h.Name)
	}
	return out
}

// sharesHost reports whether a listener is asked for one of the hosts; no host at all is
// a route that knows none.
func (l *listenerOf) sharesHost(hosts []string) bool {
	return len(hosts) == 0 || slices.ContainsFunc(hosts, func(h string) bool {
		_, shared := narrow(h, l.host)
		return shared
	})
}

// carriesKind reports whether a listener's protocol is that of a kind of routes.
func carriesKind(l *listenerOf, k schema.GroupKind) bool {
	switch l.protocol {
	case gatewayv1.HTTPProtocolType, gatewayv1.HTTPSProtocolType:
		return requestRoute(k)
	case gatewayv1.TLSProtocolType:
		return k.Kind == "TLSRoute"
	case gatewayv1.TCPProtocolType:
		return k.Kind == "TCPRoute"
	case gatewayv1.UDPProtocolType:
		return k.Kind == "UDPRoute"
	}
	return false
}

// admits reports whether a listener takes a route by its allowedRoutes.
func (l *listenerOf) admits(route inventory.Object) bool {
	if l.allowed == nil {
		return route.GetNamespace() == l.home.Namespace
	}
	kind := inventory.KeyOf(route).Kind
	if len(l.allowed.Kinds) > 0 && !slices.ContainsFunc(l.allowed.Kinds, func(k gatewayv1.RouteGroupKind) bool {
		return string(k.Kind) == kind.Kind && (k.Group == nil || string(*k.Group) == kind.Group)
	}) {
		return false
	}
	return l.admitsFrom(route.GetNamespace())
}

// admitsFrom reports whether a listener takes routes of a namespace. A selector may: the
// labels of namespaces change.
func (l *listenerOf) admitsFrom(namespace string) bool {
	from := gatewayv1.NamespacesFromSame
	if l.allowed != nil && l.allowed.Namespaces != nil && l.allowed.Namespaces.From != nil {
		from = *l.allowed.Namespaces.From
	}
	switch from {
	case gatewayv1.NamespacesFromAll, gatewayv1.NamespacesFromSelector:
		return true
	case gatewayv1.NamespacesFromSame:
		return namespace == l.home.Namespace
	case gatewayv1.NamespacesFromNone:
	}
	return false
}
