// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"cmp"
	"iter"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// reuseByRole is RBAC-086 for a role that bindings refer to already: it lets their
// subjects create accounts which others wait for, or is what they wait for.
func reuseByRole(in checks.Input) []checks.Finding {
	r, ok := roleOf(in)
	if !ok {
		return unreadable(in)
	}
	inv := in.Inventory.Sweep()
	v := authz.Over(inv)
	waits := map[string][]wait{}
	wait := func(namespace string) []wait {
		list, known := waits[namespace]
		if !known {
			list = waiting(in.Inventory, namespace)
			waits[namespace] = list
		}
		return list
	}
	var out []checks.Finding
	for bound := range r.bindings(v) {
		creates := allows(r.judged, createAccount(cmp.Or(bound.Key.Namespace, "any")))
		missing := slices.ContainsFunc(bound.Subjects, func(s rbacv1.Subject) bool {
			namespace, name, account := meant(&s, bound.Key.Namespace)
			return account && !exists(inv, namespace, name)
		})
		if !creates && !missing {
			continue
		}
		b := resolve(v, bound)
		var found []checks.Finding
		if creates {
			found = b.claims(in, wait)
		}
		// What other roles give by the binding is not this one's doing.
		b.holds = power.Of(r.judged, b.scope)
		for _, f := range append(found, b.waits(in)...) {
			f.Field = "rules"
			f.Subject += " by " + bound.Key.String()
			out = append(out, f)
		}
	}
	return out
}

// bindings yields those that refer to the role, or to one that collects it.
func (r *role) bindings(v authz.View) iter.Seq[authz.Bound] {
	return func(yield func(authz.Bound) bool) {
		if !slices.ContainsFunc(r.judged, func(rule rbacv1.PolicyRule) bool { return len(rule.Verbs) > 0 }) {
			return
		}
		for _, key := range r.holding(v) {
			for e := range v.Inventory().BindingsTo(key) {
				if b, ok := authz.BoundOf(e.Object); ok && !yield(b) {
					return
				}
			}
		}
	}
}

// holding returns the role and those that collect it.
func (r *role) holding(v authz.View) []inventory.Key {
	holding := []inventory.Key{r.key}
	if r.key.Kind == inventory.ClusterRoleKind {
		for _, to := range v.Aggregators(r.key.Name, r.object.GetLabels()) {
			holding = append(holding, inventory.KeyOf(to))
		}
	}
	return holding
}

// allows reports whether one of a list of rules allows a request where they hold.
func allows(rules []rbacv1.PolicyRule, r authz.Request) bool {
	return slices.ContainsFunc(rules, func(rule rbacv1.PolicyRule) bool { return authz.Allows(&rule, r) })
}
