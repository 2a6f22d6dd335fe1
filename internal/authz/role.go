// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"cmp"
	"iter"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// roleRules is the key under which the rules of an aggregated role are kept.
type roleRules struct{ name string }

// Rules returns the rules of a role; false when the inventory does not hold it.
//
// The rules of an aggregated ClusterRole are its own and those of the roles that
// it selects, whether or not the aggregation controller has copied them yet: a
// role that is about to be selected counts at once, and files hold no copies.
// The slice is shared and read-only.
func (v View) Rules(role inventory.Key) ([]rbacv1.PolicyRule, bool) {
	e := v.inv.Entry(role)
	if e == nil {
		return nil, false
	}
	switch o := e.Object.(type) {
	case *rbacv1.Role:
		return o.Rules, true
	case *rbacv1.ClusterRole:
		if o.AggregationRule == nil {
			return o.Rules, true
		}
		return v.aggregated(o), true
	}
	return nil, false
}

func (v View) aggregated(o *rbacv1.ClusterRole) []rbacv1.PolicyRule {
	rules, _ := v.inv.Once(roleRules{o.Name}, func(inv *inventory.Inventory) any {
		rules := slices.Clone(o.Rules)
		for _, source := range Over(inv).Sources(o) {
			rules = append(rules, source.Rules...)
		}
		return rules
	}).([]rbacv1.PolicyRule)
	return rules
}

// Sources returns the roles that an aggregated role collects, those that they
// collect in turn included; nil for a role that is not aggregated. A cycle ends where it began: the controller copies
// rules around it until all members have the same.
func (v View) Sources(o *rbacv1.ClusterRole) []*rbacv1.ClusterRole {
	seen := map[string]bool{o.Name: true}
	var out []*rbacv1.ClusterRole
	for queue := []*rbacv1.ClusterRole{o}; len(queue) > 0; queue = queue[1:] {
		for _, s := range selectors(queue[0].AggregationRule) {
			for r := range v.clusterRoles() {
				if seen[r.Name] || !s.Matches(labels.Set(r.Labels)) {
					continue
				}
				seen[r.Name] = true
				out = append(out, r)
				if r.AggregationRule != nil {
					queue = append(queue, r)
				}
			}
		}
	}
	return out
}

func (v View) clusterRoles() iter.Seq[*rbacv1.ClusterRole] {
	return inventory.List[*rbacv1.ClusterRole](v.inv, inventory.ClusterRoleKind, "")
}

// selectors compiles the selectors of an aggregated role. One that does not
// compile selects nothing, as in the controller, which then leaves the role
// alone; an empty one selects every role.
func selectors(rule *rbacv1.AggregationRule) []labels.Selector {
	if rule == nil {
		return nil
	}
	var out []labels.Selector
	for i := range rule.ClusterRoleSelectors {
		if s, err := metav1.LabelSelectorAsSelector(&rule.ClusterRoleSelectors[i]); err == nil {
			out = append(out, s)
		}
	}
	return out
}

// Aggregators returns the aggregated ClusterRoles that a ClusterRole with these
// labels feeds, directly or through others, ordered by name.
func (v View) Aggregators(name string, set map[string]string) []*rbacv1.ClusterRole {
	type collector struct {
		role      *rbacv1.ClusterRole
		selectors []labels.Selector
	}
	var all []collector
	for r := range v.clusterRoles() {
		if s := selectors(r.AggregationRule); len(s) > 0 {
			all = append(all, collector{r, s})
		}
	}
	seen := map[string]bool{name: true}
	var out []*rbacv1.ClusterRole
	for queue := []labels.Set{set}; len(queue) > 0; queue = queue[1:] {
		for _, c := range all {
			if !seen[c.role.Name] && slices.ContainsFunc(c.selectors, func(s labels.Selector) bool { return s.Matches(queue[0]) }) {
				seen[c.role.Name] = true
				out = append(out, c.role)
				queue = append(queue, labels.Set(c.role.Labels))
			}
		}
	}
	slices.SortFunc(out, func(a, b *rbacv1.ClusterRole) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func compareHolders(a, b Holder) int {
	return cmp.Or(
		cmp.Compare(a.Subject.Kind, b.Subject.Kind),
		cmp.Compare(a.Subject.Namespace, b.Subject.Namespace),
		cmp.Compare(a.Subject.Name, b.Subject.Name),
		a.Grant.Binding.Compare(b.Grant.Binding),
	)
}
