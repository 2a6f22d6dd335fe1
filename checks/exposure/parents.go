// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// parentsOf returns the parents of a Gateway API route; false for any other
// object.
func parentsOf(o inventory.Object) ([]parentOf, bool) {
	var refs []gatewayv1.ParentReference
	switch r := o.(type) {
	case *gatewayv1.HTTPRoute:
		refs = r.Spec.ParentRefs
	case *gatewayv1.GRPCRoute:
		refs = r.Spec.ParentRefs
	case *gatewayv1.TLSRoute:
		refs = r.Spec.ParentRefs
	case *gatewayv1.TCPRoute:
		refs = r.Spec.ParentRefs
	case *gatewayv1.UDPRoute:
		refs = r.Spec.ParentRefs
	default:
		return nil, false
	}
	out := make([]parentOf, 0, len(refs))
	for i, ref := range refs {
		p := parentOf{group: inventory.GatewayGroup, kind: "Gateway", namespace: o.GetNamespace(), name: string(ref.Name), field: fmt.Sprintf("spec.parentRefs[%d]", i)}
		if ref.Group != nil {
			p.group = string(*ref.Group)
		}
		if ref.Kind != nil {
			p.kind = string(*ref.Kind)
		}
		if ref.Namespace != nil {
			p.namespace = string(*ref.Namespace)
		}
		out = append(out, p)
	}
	return out, true
}

// routeAttached reports whether a route is attached to the bundled gateway and
// to nothing else that faces outward. A parent of kind Service is mesh traffic:
// it opens nothing, and attaches nothing.
func routeAttached(o inventory.Object, in checks.Input) bool {
	parents, isRoute := parentsOf(o)
	attached := false
	for _, p := range parents {
		if meshParent(p) {
			continue
		}
		if !parentAttached(p, in) {
			return false
		}
		attached = true
	}
	return isRoute && attached
}

// meshParent reports whether a parent is a Service: GAMMA, traffic between
// workloads. https://gateway-api.sigs.k8s.io/mesh/
func meshParent(p parentOf) bool { return p.group == "" && p.kind == "Service" }
