// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// dispute is a universe and a question to which two answers differ.
type dispute struct {
	universe *universe
	question question
}

// minimise removes one thing after another as long as the answers differ, until
// nothing can be removed.
func minimise(d dispute, differ func(dispute) bool) dispute {
	for again := true; again; {
		again = false
		for n := 0; ; {
			smaller, found := d.cut(n)
			switch {
			case !found:
			case differ(smaller):
				d, again = smaller, true
				continue
			default:
				n++
				continue
			}
			break
		}
	}
	return d
}

// describe is what a person needs to see and repeat a dispute.
func (d dispute) describe(t testing.TB, answers string) string {
	t.Helper()
	return fmt.Sprintf("%s\n%s%s", answers, d.universe.yaml(t), d.question.yaml(t))
}

// cut returns the dispute without its n-th removable thing; false when it has
// no more than n.
func (d dispute) cut(n int) (dispute, bool) {
	out, k := dispute{d.universe.clone(), d.question}, &knife{left: n}
	u := out.universe
	u.roles = remove(k, u.roles, func(r **rbacv1.Role) { (*r).Rules = remove(k, (*r).Rules, k.rule) })
	u.clusterRoles = remove(k, u.clusterRoles, func(r **rbacv1.ClusterRole) { k.clusterRole(*r) })
	u.roleBindings = remove(k, u.roleBindings, func(b **rbacv1.RoleBinding) { (*b).Subjects = remove(k, (*b).Subjects, nil) })
	u.clusterRoleBindings = remove(k, u.clusterRoleBindings, func(b **rbacv1.ClusterRoleBinding) { (*b).Subjects = remove(k, (*b).Subjects, nil) })
	q := &out.question
	q.groups = remove(k, slices.Clone(q.groups), nil)
	for _, field := range []*string{&q.Subresource, &q.Name, &q.Namespace, &q.Group} {
		if *field != "" && k.cuts() {
			*field = ""
		}
	}
	return out, k.done
}

// knife walks over everything removable and removes one thing.
type knife struct {
	left int // how many things it passes by
	done bool
}

// cuts says whether to remove what the knife stands at.
func (k *knife) cuts() bool {
	if k.done {
		return false
	}
	k.left--
	k.done = k.left < 0
	return k.done
}

// remove walks over a list, and with inside into its elements.
func remove[T any](k *knife, list []T, inside func(*T)) []T {
	for i := range list {
		if k.cuts() {
			return slices.Delete(list, i, i+1)
		}
		if inside != nil {
			inside(&list[i])
		}
	}
	return list
}

func (k *knife) rule(r *rbacv1.PolicyRule) {
	for _, list := range []*[]string{&r.Verbs, &r.APIGroups, &r.Resources, &r.ResourceNames, &r.NonResourceURLs} {
		*list = remove(k, *list, nil)
	}
}

func (k *knife) clusterRole(r *rbacv1.ClusterRole) {
	r.Rules = remove(k, r.Rules, k.rule)
	k.labels(r.Labels)
	if r.AggregationRule == nil {
		return
	}
	r.AggregationRule.ClusterRoleSelectors = remove(k, r.AggregationRule.ClusterRoleSelectors, func(s *metav1.LabelSelector) {
		k.labels(s.MatchLabels)
		s.MatchExpressions = remove(k, s.MatchExpressions, func(r *metav1.LabelSelectorRequirement) {
			if len(r.Values) > 1 { // without any it would not parse
				r.Values = remove(k, r.Values, nil)
			}
		})
	})
	if k.cuts() {
		r.AggregationRule = nil
	}
}

func (k *knife) labels(pairs map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		if k.cuts() {
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
	for n := 0; ; n++ {
		smaller, more := small.cut(n)
		if !more {
			break
		}
		if differ(smaller) {
			t.Errorf("removable thing %d was left", n)
		}
	}
	if n := len(small.universe.objects()); n > 3 { // a binding and a role, or an aggregated role and its source
		t.Errorf("%d objects are left", n)
	}
	t.Logf("from %d objects to %d:\n%s", len(u.objects()), len(small.universe.objects()), small.describe(t, "differs"))
}
