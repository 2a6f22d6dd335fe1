// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"net/netip"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// Options say how the data plane is reached.
type Options struct {
	Controller string     // whose GatewayClasses are ours
	Address    netip.Addr // on which listeners listen
	// Port is where clients of a listener's port arrive, since a process without
	// privileges cannot listen on 80. Nil: there.
	Port func(gatewayv1.PortNumber) uint16
}

// translate says what the objects mean, with what is remembered of those before.
func translate(o *Objects, options Options, m *memory) *Result {
	o = o.standing()
	x := newIndex(o, options.Controller)
	x.memory = m
	out := &Result{
		Snapshots: map[Name]*config.Snapshot{}, Classes: map[string][]metav1.Condition{},
		Gateways: map[Name]gatewayv1.GatewayStatus{}, Routes: make(map[Route][]gatewayv1.RouteParentStatus, len(o.HTTPRoutes)+len(o.GRPCRoutes)), Policies: map[Name]gatewayv1.PolicyStatus{},
		AccessPolicies: map[Name]gatewayv1.PolicyStatus{}, TrafficPolicies: map[Name]gatewayv1.PolicyStatus{}, ClientPolicies: map[Name]gatewayv1.PolicyStatus{},
		Secrets: x.wantedSecrets, ConfigMaps: x.wantedConfigMaps, Faults: map[Name]string{}, ListenerSets: map[Name]ListenerSet{},
		Ingresses: map[Name][]Name{},
	}
	for _, c := range o.Classes {
		if x.classes[c.Name] {
			out.Classes[c.Name] = x.class(c)
		}
	}
	gateways := map[Name]*gateway{}
	for _, g := range o.Gateways {
		if x.classes[string(g.Spec.GatewayClassName)] {
			var own *gateway
			lacks := x.lacks(func() { own = x.gateway(g) })
			own.missing = lacks
			gateways[nameOf(g)] = own
		}
	}
	routes := x.streamRoutes(gateways, o)
	for _, r := range o.HTTPRoutes {
		if own := x.requestRoute(gateways, httpRouteKind, r); len(own.parents) > 0 {
			routes = append(routes, own)
		}
	}
	for _, r := range o.GRPCRoutes {
		if own := x.requestRoute(gateways, grpcRouteKind, calls(r)); len(own.parents) > 0 {
			routes = append(routes, own)
		}
	}
	doors := x.knock(o, gateways, options.Controller)
	slices.SortFunc(routes, byAge)
	apart(routes) // before paths are taken: who is refused takes none
	doors.settle(routes)
	if len(doors.all) > 0 {
		for _, p := range doors.all {
			routes = append(routes, p.plain, p.secure)
		}
		slices.SortFunc(routes, byAge)
	}
	guards := x.guards(o)
	guards.settle(o, x.servicing, gateways, routes)
	for name, g := range gateways {
		switch s, fault := snapshot(g, routes, guards, &options, m.last.snapshots[name]); {
		case fault != "":
			out.Faults[name] = fault
		case s != nil:
			out.Snapshots[name] = s
		}
		doors.events = append(doors.events, g.events...)
		if !g.builtin {
			out.Gateways[name] = g.status()
		}
		for _, s := range g.sets {
			out.ListenerSets[nameOf(s.object)] = ListenerSet{name, s.status()}
		}
	}
	for _, p := range x.policies {
		if len(p.gateways) > 0 {
			out.Policies[nameOf(p.object)] = p.status(options.Controller)
		}
	}
	out.Missing = x.missing(gateways, guards)
	doors.tell(out)
	guards.tell(out, options.Controller)
	for _, r := range routes {
		if r.of.isDoor() {
			continue // which has no conditions
		}
		for _, p := range r.parents {
			of := Route{r.of.kind, r.name}
			out.Routes[of] = append(out.Routes[of], gatewayv1.RouteParentStatus{
				ParentRef: p.ref, ControllerName: gatewayv1.GatewayController(options.Controller), Conditions: p.conditions.all(),
			})
		}
	}
	return out
}
