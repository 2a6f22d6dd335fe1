// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// guardedRule is what of a rule decides whether a policy holds for it.
type guardedRule struct {
	name     string
	field    string
	services []inventory.ServiceRef // that it names, also for copies and authorisation
}

// guarded reports whether a policy is for the route, the rule, or all Services that the
// rule names: whatever there is of them, one that is sent to has a policy then.
func (r *guardedRule) guarded(g *guards, route inventory.Key) bool {
	return requestRoute(route.Kind) && g.has(route, r.name) ||
		!slices.ContainsFunc(r.services, func(s inventory.ServiceRef) bool { return !g.has(serviceOf(s), "") })
}

// guardedBySome reports whether one of the Services that a rule of requests names has a
// policy that the bundled gateway asks, which is enough: it is asked of all requests of the
// rule, whether or not the Service can be had. Where it may be, the answer is no, and
// undetermined.
// docs/gateway-api.md
func (r *guardedRule) guardedBySome(g *guards, in checks.Input) (bool, checks.Certainty) {
	certainty := checks.Violation
	for _, s := range r.services {
		if !g.has(serviceOf(s), "") || refused(s) {
			continue
		}
		switch {
		case s.Namespace == in.Object.GetNamespace(), in.Inventory.GrantFor(in.Object, s) != nil:
			return true, checks.Violation
		case in.Inventory.Service(s.Namespace, s.Name) == nil && in.Inventory.Namespace(s.Namespace) == nil:
			certainty = checks.Undetermined
		}
	}
	return false, certainty
}

func serviceOf(s inventory.ServiceRef) inventory.Key {
	return inventory.Key{Kind: inventory.ServiceKind, Namespace: s.Namespace, Name: s.Name}
}

// refused reports whether a reference is of a filter that the bundled gateway does not serve,
// and neither the rule.
func refused(s inventory.ServiceRef) bool {
	filter := strings.Index(s.Field, ".filters[")
	return filter >= 0 && (strings.Contains(s.Field[:filter], ".backendRefs[") || !strings.HasSuffix(s.Field, ".requestMirror.backendRef"))
}
