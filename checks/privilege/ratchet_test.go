// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"math/rand/v2"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// some draws one to most different words.
func some(r *rand.Rand, most int, from ...string) []string {
	var out []string
	for range 1 + r.IntN(most) {
		out = addOnce(out, from[r.IntN(len(from))])
	}
	return out
}

func randomRule(r *rand.Rand) rbacv1.PolicyRule {
	out := rbacv1.PolicyRule{
		Verbs:     some(r, 4, "*", "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "bind", "escalate", "impersonate"),
		APIGroups: some(r, 2, "", "", "apps", rbacv1.GroupName, "*", "example.com"),
		Resources: some(r, 3, "*", "pods", "secrets", "pods/exec", "*/exec", "deployments", "roles", "clusterroles", "rolebindings", "serviceaccounts", "serviceaccounts/token", "nodes", "namespaces", "widgets", "configmaps"),
	}
	if r.IntN(10) == 0 {
		out.Verbs = []string{"get", "list", "watch", "create", "update", "patch", "delete"}
	}
	if r.IntN(4) == 0 {
		out.ResourceNames = some(r, 2, "a", "b", "cluster-admin", "coredns")
	}
	return out
}

// narrowed takes something away: rules, or words of them.
func narrowed(r *rand.Rand, rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	drop := func(list []string) []string {
		if len(list) < 2 || r.IntN(2) == 0 {
			return list
		}
		i := r.IntN(len(list))
		return slices.Delete(slices.Clone(list), i, i+1)
	}
	// A star is every word, so one of them is less.
	named := func(list []string, words ...string) []string {
		if i := slices.Index(list, "*"); i >= 0 && r.IntN(2) == 0 {
			list = slices.Clone(list)
			list[i] = words[r.IntN(len(words))]
		}
		return list
	}
	for _, rule := range rules {
		if r.IntN(5) == 0 {
			continue
		}
		out = append(out, rbacv1.PolicyRule{
			Verbs:         named(drop(rule.Verbs), "get", "create", "delete"),
			APIGroups:     named(drop(rule.APIGroups), "", "apps"),
			Resources:     named(drop(rule.Resources), "pods", "secrets", "*/exec", "deployments"),
			ResourceNames: drop(rule.ResourceNames),
		})
	}
	return out
}

func roleWith(kind string, rules []rbacv1.PolicyRule) inventory.Object {
	if kind == "Role" {
		return &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "app"}, Rules: rules}
	}
	return &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "app"}, Rules: rules}
}

func judged(p *policy.Policy, o, old inventory.Object) policy.Verdict {
	q := verdict.Question{Object: o, Inventory: inventory.New(), Mode: policy.Enforce, Profile: policy.Strict}
	if old != nil {
		q.Old, q.Request.Operation = old, checks.Update
	}
	return verdict.Judge{Policy: p}.Of(q)
}

// An update that only takes away is never refused, whatever the role grants.
func TestTakingAwayIsNeverRefused(t *testing.T) {
	t.Parallel()
	p, r := newPolicy(t), rand.New(rand.NewPCG(1, 2))
	refused, tried := 0, 0
	for range 4000 {
		var rules []rbacv1.PolicyRule
		for range 1 + r.IntN(3) {
			rules = append(rules, randomRule(r))
		}
		for _, kind := range []string{"Role", "ClusterRole"} {
			old, less := roleWith(kind, rules), roleWith(kind, narrowed(r, rules))
			if !judged(p, less, nil).Denied() {
				continue // says nothing
			}
			tried++
			if v := judged(p, less, old); v.Denied() {
				refused++
				t.Errorf("%s: %s %s: %s\nbefore %v\nafter  %v", kind, v[0].Check, v[0].Subject, v[0].Message, rules, rulesOf(less))
				if refused > 3 {
					t.FailNow()
				}
			}
		}
	}
	if tried < 1000 {
		t.Fatalf("only %d updates left a role that would be refused", tried)
	}
	t.Logf("%d updates", tried)
}

// An update that adds a permission of a power is refused when a role of that
// permission alone would be, unless the role allowed everything before.
func TestAddingIsRefusedLikeCreating(t *testing.T) {
	t.Parallel()
	p, r := newPolicy(t), rand.New(rand.NewPCG(3, 4))
	tried := 0
	for range 6000 {
		rules := []rbacv1.PolicyRule{randomRule(r)}
		more := randomRule(r)
		for _, kind := range []string{"Role", "ClusterRole"} {
			scope := power.Scope{Namespace: roleWith(kind, nil).GetNamespace()}
			alone := judged(p, roleWith(kind, []rbacv1.PolicyRule{more}), nil)
			if !alone.Denied() || covers(checks.Input{}, rules, &more) || power.Everything(&rules[0]) || !adds(rules, more, alone, scope) {
				continue
			}
			tried++
			if v := judged(p, roleWith(kind, append(slices.Clone(rules), more)), roleWith(kind, rules)); !v.Denied() {
				t.Fatalf("%s: an update is accepted\nbefore %v\nadded  %v\n%v", kind, rules, more, v)
			}
		}
	}
	if tried < 300 {
		t.Fatalf("only %d updates added what would be refused alone", tried)
	}
	t.Logf("%d updates", tried)
}

// adds reports whether a rule brings a permission of a power that is denied by
// itself, and that the rules do not have.
func adds(rules []rbacv1.PolicyRule, more rbacv1.PolicyRule, alone policy.Verdict, scope power.Scope) bool {
	for _, j := range alone.With(checks.Deny) {
		p, known := power.Lookup(j.Check)
		if !known || p.Combined() {
			continue
		}
		before := p.Permissions(rules, scope)
		for _, q := range p.Permissions([]rbacv1.PolicyRule{more}, scope) {
			if q.Severity == j.Severity && !slices.ContainsFunc(before, func(b power.Permission) bool { return includes(b, q) }) {
				return true
			}
		}
	}
	return false
}

func newPolicy(t *testing.T) *policy.Policy {
	t.Helper()
	set, err := checks.NewSet(All()...)
	if err != nil {
		t.Fatal(err)
	}
	return policy.Default(set)
}
