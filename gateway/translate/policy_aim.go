// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// aim is what a policy is for.
type aim struct {
	of      kind
	name    Name
	section string // "" is all
}

func (a aim) String() string {
	out := fmt.Sprintf("%s %s", a.of.kind, a.name)
	if a.section != "" {
		out += "/" + a.section
	}
	return out
}

// aim is what names a listener: one of a ListenerSet may be called as one of the Gateway
// is, and is not that one.
func (l *listener) aim() aim {
	return aim{of: l.homeKind(), name: nameOf(l.home()), section: string(l.spec.Name)}
}

// aimsOf are all that a policy can be for.
func aimsOf(o *Objects) map[aim]bool {
	out := map[aim]bool{}
	for _, g := range o.Gateways {
		a := aim{of: gatewayKind, name: nameOf(g)}
		out[a] = true
		for i := range g.Spec.Listeners {
			a.section = string(g.Spec.Listeners[i].Name)
			out[a] = true
		}
	}
	section := func(a aim, name *gatewayv1.SectionName) {
		if name != nil && *name != "" {
			a.section = string(*name)
			out[a] = true
		}
	}
	for _, r := range o.HTTPRoutes {
		a := aim{of: httpRouteKind, name: nameOf(r)}
		out[a] = true
		for i := range r.Spec.Rules {
			section(a, r.Spec.Rules[i].Name)
		}
	}
	for _, r := range o.GRPCRoutes {
		a := aim{of: grpcRouteKind, name: nameOf(r)}
		out[a] = true
		for i := range r.Spec.Rules {
			section(a, r.Spec.Rules[i].Name)
		}
	}
	for _, s := range o.Services {
		out[aim{of: serviceKind, name: nameOf(s)}] = true
	}
	return out
}
