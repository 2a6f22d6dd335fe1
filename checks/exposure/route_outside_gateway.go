// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// gatewayRoutes are the routes of the Gateway API.
var gatewayRoutes = []schema.GroupKind{
	{Group: inventory.GatewayGroup, Kind: "HTTPRoute"},
	{Group: inventory.GatewayGroup, Kind: "GRPCRoute"},
	{Group: inventory.GatewayGroup, Kind: "TLSRoute"},
	{Group: inventory.GatewayGroup, Kind: "TCPRoute"},
	{Group: inventory.GatewayGroup, Kind: "UDPRoute"},
}

// routeOutsideGateway flags Gateway API routes with a parent that is not the
// bundled gateway (EXP-030).
func routeOutsideGateway() checks.Check {
	return checks.Check{
		ID: "EXP-030", Name: "route-outside-gateway",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    gatewayRoutes,
		Doc: checks.Doc{
			Title: "Gateway API routes attach to the bundled gateway only",
			Why: "A route publishes its Services through every Gateway that its parentRefs name. A parent other than the bundled gateway is a second door, " +
				"with its own idea of TLS, authentication and limits, or none. " +
				"Parents are followed through a ListenerSet to its Gateway, and spec.useDefaultGateways counts as a parent. " +
				"A parent of kind Service (traffic between workloads) and an Istio waypoint open nothing, and a route without parents is served by nobody. " +
				"A Gateway or ListenerSet that Gatehouse has not seen cannot be judged: that is reported as undetermined, not as a violation. " +
				"Whether the other gateway accepts the route (its allowedRoutes) is not considered, because it can change later.",
			Attack: "reaches the Services behind the route through a door that the gateway's policies do not cover",
			Fix:    "let every entry of spec.parentRefs name the bundled gateway",
			Exempt: "Routes of a platform team to a second gateway that is operated and secured as such.",
			Sources: []string{
				"https://gateway-api.sigs.k8s.io/api-types/httproute/#attaching-to-gateways",
				"https://gateway-api.sigs.k8s.io/concepts/security-model/",
				"https://gateway-api.sigs.k8s.io/mesh/",
				"https://gateway-api.sigs.k8s.io/geps/gep-1713/",
				"https://gateway-api.sigs.k8s.io/geps/gep-3793/",
			},
		},
		Run: judgeParents,
	}
}

func judgeParents(in checks.Input) []checks.Finding {
	parents, isRoute := parentsOf(in.Object)
	if !isRoute {
		return []checks.Finding{{Certainty: checks.Undetermined, Message: "is not a route that this check can read"}}
	}
	var out []checks.Finding
	for _, p := range parents {
		where, gw := parentIs(p, in)
		switch where {
		case bundled, inMesh:
		case unknown:
			out = append(out, checks.Finding{
				Certainty: checks.Undetermined, Subject: p.subject(), Field: p.field,
				Message: "attaches to " + p.String() + ", which is not known here, so it may be another door than the bundled gateway",
			})
		case elsewhere:
			out = append(out, outside(p, gw, in))
		}
	}
	return out
}

func outside(p parentOf, gw *gatewayv1.Gateway, in checks.Input) checks.Finding {
	f := checks.Finding{
		Subject: p.subject(), Field: p.field,
		Message: "attaches to " + p.String() + ", not to the bundled gateway",
		Path:    []string{"internet", p.String(), inputName(in)},
	}
	if gw != nil {
		class := string(gw.Spec.GatewayClassName)
		door := inventory.KeyOf(gw).String() + " (class " + class + ")"
		f.Message = "attaches to " + door + ", not to the bundled gateway"
		if p.kind != "Gateway" {
			f.Message = "attaches through " + p.String() + " to " + door + ", not to the bundled gateway"
		}
		f.Path = []string{doorFrom(class), door, inputName(in)}
	}
	if in.Old != nil {
		before := in
		before.Object, before.Old = in.Old, nil
		if routeAttached(in.Old, before) {
			f.Message += "; before this update every parent was the bundled gateway"
		}
	}
	if refs := inventory.Backends(in.Object); len(refs) > 0 {
		f.Path = append(f.Path, "Service "+refs[0].Namespace+"/"+refs[0].Name)
	}
	return f
}
