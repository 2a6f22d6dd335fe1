// SPDX-License-Identifier: Apache-2.0

// Package blast holds the XR checks: what is reachable from outside and able to
// do harm. Neither half is a fault by itself, so a finding is reported on the
// object that brings them together, whichever of the chain it is: the Service,
// the route, the workload, its ServiceAccount, the role or the binding.
//
// A workload is exposed when a way of checks/exposure leads to its pods. What it
// can do is the worst of three: what its ServiceAccount is allowed and can become
// (internal/authz/power), the cloud identity of that account, and getting out of
// its containers onto the node.
//
// Like every package of checks it judges one object against an inventory and
// knows nothing of webhooks, policies or files.
package blast

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// All lists the checks of this package.
func All() []checks.Check {
	return []checks.Check{
		exposedAndPrivileged(), gatewayAndPrivileged(), exposedEscape(), exposedCloudIdentity(),
		exposedWithoutToken(), reachableInside(), namespaceHolds(),
	}
}

var (
	endpointsKind   = schema.GroupKind{Kind: "Endpoints"}
	listenerSetKind = schema.GroupKind{Group: inventory.GatewayGroup, Kind: "ListenerSet"}
)

// kinds are those whose objects can be the last link of a chain.
func kinds() []schema.GroupKind {
	return slices.Concat(
		[]schema.GroupKind{
			inventory.ServiceKind, inventory.EndpointSliceKind, endpointsKind,
			inventory.GatewayKind, listenerSetKind, inventory.ReferenceGrantKind,
		},
		exposure.RouteKinds(), exposure.TemplateKinds(),
		[]schema.GroupKind{
			inventory.ServiceAccountKind, inventory.SecretKind,
			inventory.RoleKind, inventory.ClusterRoleKind, inventory.RoleBindingKind, inventory.ClusterBindingKind,
		},
	)
}

// chain is one of the checks: the chains of a kind.
type chain struct {
	reach reach
	holds func(h *hazard, in checks.Input) bool // of hazards of that reach
}

// run reports the chains that the object under judgement is part of.
func (c chain) run(in checks.Input) []checks.Finding {
	now := c.of(hazardsOf(in), in)
	if len(now) == 0 {
		return nil
	}
	if in.Old == nil {
		return report{in: in}.of(now, nil)
	}
	return report{in: in, updated: true}.of(now, c.of(hazardsBefore(in), in))
}

func (c chain) of(all []*hazard, in checks.Input) []*hazard {
	var out []*hazard
	for i, h := range all {
		if c.takes(h, in) {
			if out == nil {
				out = make([]*hazard, 0, len(all)-i)
			}
			out = append(out, h)
		}
	}
	return out
}

func (c chain) takes(h *hazard, in checks.Input) bool {
	return (c.reach == anywhere || h.reach == c.reach) && c.holds(h, in)
}
