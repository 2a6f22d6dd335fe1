// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// ReferenceGrantKind is by which a namespace lets objects of others use its own
// (gateway-api.sigs.k8s.io/api-types/referencegrant).
var ReferenceGrantKind = schema.GroupKind{Group: GatewayGroup, Kind: "ReferenceGrant"}

// GrantFor returns a ReferenceGrant of the Service's namespace that lets an object
// use it; nil when there is none. Who stays in its own namespace needs none: that is
// not asked here.
func (inv *Inventory) GrantFor(o Object, ref ServiceRef) *gatewayv1.ReferenceGrant {
	kind := GroupKindOf(o)
	for g := range List[*gatewayv1.ReferenceGrant](inv, ReferenceGrantKind, ref.Namespace) {
		from := slices.ContainsFunc(g.Spec.From, func(f gatewayv1.ReferenceGrantFrom) bool {
			return string(f.Group) == kind.Group && string(f.Kind) == kind.Kind && string(f.Namespace) == o.GetNamespace()
		})
		to := from && slices.ContainsFunc(g.Spec.To, func(t gatewayv1.ReferenceGrantTo) bool {
			return t.Group == "" && t.Kind == "Service" && (t.Name == nil || *t.Name == "" || string(*t.Name) == ref.Name)
		})
		if to {
			return g
		}
	}
	return nil
}
