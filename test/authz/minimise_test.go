// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	smaller "github.com/gatehouse-sh/gatehouse/internal/minimise"
)

// dispute is a universe and a question to which two answers differ.
type dispute struct {
	universe *universe
	question question
}

// minimise removes one thing after another as long as the answers differ, until
// nothing can be removed.
func minimise(d dispute, differ func(dispute) bool) dispute {
	return smaller.Smallest(d, dispute.without, differ)
}

// describe is what a person needs to see and repeat a dispute.
func (d dispute) describe(t testing.TB, answers string) string {
	t.Helper()
	return fmt.Sprintf("%s\n%s%s", answers, d.universe.yaml(t), d.question.yaml(t))
}

// without returns a copy of the dispute over which it leads the knife.
func (d dispute) without(by *smaller.Knife) dispute {
	out, k := dispute{d.universe.clone(), d.question}, knife{by}
	u := out.universe
	u.roles = smaller.Remove(k.Knife, u.roles, func(r **rbacv1.Role) { (*r).Rules = smaller.Remove(k.Knife, (*r).Rules, k.rule) })
	u.clusterRoles = smaller.Remove(k.Knife, u.clusterRoles, func(r **rbacv1.ClusterRole) { k.clusterRole(*r) })
	u.roleBindings = smaller.Remove(k.Knife, u.roleBindings, func(b **rbacv1.RoleBinding) { (*b).Subjects = smaller.Remove(k.Knife, (*b).Subjects, nil) })
	u.clusterRoleBindings = smaller.Remove(k.Knife, u.clusterRoleBindings, func(b **rbacv1.ClusterRoleBinding) { (*b).Subjects = smaller.Remove(k.Knife, (*b).Subjects, nil) })
	q := &out.question
	q.groups = smaller.Remove(k.Knife, slices.Clone(q.groups), nil)
	for _, field := range []*string{&q.Subresource, &q.Name, &q.Namespace, &q.Group} {
		if *field != "" && k.Cuts() {
			*field = ""
		}
	}
	return out
}

// knife walks over everything removable and removes one thing.
type knife struct{ *smaller.Knife }

func (k knife) rule(r *rbacv1.PolicyRule) {
	for _, list := range []*[]string{&r.Verbs, &r.APIGroups, &r.Resources, &r.ResourceNames, &r.NonResourceURLs} {
		*list = smaller.Remove(k.Knife, *list, nil)
	}
}

func (k knife) clusterRole(r *rbacv1.ClusterRole) {
	r.Rules = smaller.Remove(k.Knife, r.Rules, k.rule)
	k.labels(r.Labels)
	if r.AggregationRule == nil {
		return
	}
	r.AggregationRule.ClusterRoleSelectors = smaller.Remove(k.Knife, r.AggregationRule.ClusterRoleSelectors, func(s *metav1.LabelSelector) {
		k.labels(s.MatchLabels)
		s.MatchExpressions = smaller.Remove(k.Knife, s.MatchExpressions, func(r *metav1.LabelSelectorRequirement) {
			if len(r.Values) > 1 { // without any it would not parse
				r.Values = smaller.Remove(k.Knife, r.Values, nil)
			}
		})
	})
	if k.Cuts() {
		r.AggregationRule = nil
	}
}

func (k knife) labels(pairs map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		if k.Cuts() {
			delete(pairs, key)
			return
		}
	}
}

// TestMinimise gives the minimiser a difference of a known mistake, and expects
// what a person would write down: one binding, one role, one rule.
func TestMinimise(t *testing.T) {
	t.Parallel()
	seed := seedOf(t)
	spoil := faults["the resource name * is a wildcard"]
	differ := func(d dispute) bool {
		settled := settle(t, d.universe)
		spoiled := settled.clone()
		spoil(t, spoiled)
		return inTree(t, settled)(d.question) != inTree(t, spoiled)(d.question)
	}
	u, d := universeAt(seed, 0)
	near := grants(settle(t, u))
	found := dispute{universe: u}
	for n := 0; found.question.Verb == ""; n++ {
		if n == faultLimit {
			t.Fatalf("no difference with %d questions", n)
		}
		if q := ask(d, near); differ(dispute{u, q}) {
			found.question = q
		}
	}
	small := minimise(found, differ)
	if !differ(small) {
		t.Fatal("the minimised case does not differ")
	}
	for less := range smaller.OneLess(small, dispute.without) {
		if differ(less) {
			t.Errorf("something removable was left: the same differs in\n%s", less.describe(t, ""))
		}
	}
	if n := len(small.universe.objects()); n > 3 { // a binding and a role, or an aggregated role and its source
		t.Errorf("%d objects are left", n)
	}
	t.Logf("from %d objects to %d:\n%s", len(u.objects()), len(small.universe.objects()), small.describe(t, "differs"))
}
