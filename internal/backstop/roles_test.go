// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// vocabulary is what random rules are made of: the words of the table of powers,
// and some near them.
type vocabulary struct{ groups, resources, verbs, names, urls []string }

func words() vocabulary {
	v := vocabulary{
		groups:    []string{"*", "", "apps", "example.com"},
		resources: []string{"*", "*/exec", "*/*", "pods/*", "configmaps", "*/status", "*/scale", "userextras/scopes", "userextras/*", "Pods"},
		verbs:     []string{"*", "*", "get", "impersonate-on:user-info:list", "impersonate-on:x", "impersonate-on:a:*", "Get", "fly"},
		names:     []string{"one", "two", "*", "system:masters", "system:node:a", "cluster-admin"},
		urls:      []string{"*", "/debug/*", "/deb*", "/debug/pprof", "/metrics", "/metri*", "/healthz", "/de*bug*"},
	}
	all := power.All()
	for i := range all {
		for _, t := range slices.Concat(all[i].Any, slices.Concat(all[i].All...)) {
			v.groups, v.resources, v.verbs = append(v.groups, t.Groups...), append(v.resources, t.Resources...), append(v.verbs, t.Verbs...)
			for _, n := range t.Names {
				v.names = append(v.names, strings.Replace(n, "*", "x", 1))
			}
		}
	}
	return v
}

// some picks up to n of a list, at least one.
func some(r *rand.Rand, list []string, n int) []string {
	out := make([]string, 0, n)
	for range 1 + r.IntN(n) {
		out = append(out, list[r.IntN(len(list))])
	}
	return out
}

// rule makes a rule, most often one that means something to a power.
func (v *vocabulary) rule(r *rand.Rand, urls bool) rbacv1.PolicyRule {
	switch n := r.IntN(20); {
	case n == 0:
		return rbacv1.PolicyRule{Verbs: []string{"*"}, APIGroups: some(r, []string{"*", ""}, 1), Resources: []string{"*"}}
	case n == 1 && urls:
		return rbacv1.PolicyRule{Verbs: some(r, v.verbs, 2), NonResourceURLs: some(r, v.urls, 2)}
	case n < 7:
		return rbacv1.PolicyRule{Verbs: some(r, v.verbs, 3), APIGroups: some(r, v.groups, 2), Resources: some(r, v.resources, 3)}
	}
	all := power.All()
	var patterns []power.Pattern
	for len(patterns) == 0 {
		p := &all[r.IntN(len(all))]
		patterns = slices.DeleteFunc(slices.Concat(p.Any, slices.Concat(p.All...)), func(t power.Pattern) bool { return len(t.Paths) > 0 })
	}
	t := patterns[r.IntN(len(patterns))]
	out := rbacv1.PolicyRule{Verbs: some(r, t.Verbs, 2), APIGroups: some(r, t.Groups, 1), Resources: some(r, t.Resources, 2)}
	if r.IntN(2) == 0 {
		out.ResourceNames = some(r, v.names, 2)
		if len(t.Names) > 0 && r.IntN(2) == 0 {
			out.ResourceNames = append(out.ResourceNames, strings.Replace(t.Names[r.IntN(len(t.Names))], "*", "y", 1))
		}
	}
	return out
}

// edited changes rules a little, as an update does.
func (v *vocabulary) edited(r *rand.Rand, rules []rbacv1.PolicyRule, urls bool) []rbacv1.PolicyRule {
	out := slices.Clone(rules)
	for i := range out {
		one := out[i].DeepCopy()
		switch r.IntN(6) {
		case 0:
			one.ResourceNames = nil
		case 1:
			one.Verbs = append(one.Verbs, v.verbs[r.IntN(len(v.verbs))])
		case 2:
			if len(one.Resources) > 0 {
				one.Resources = append(one.Resources, v.resources[r.IntN(len(v.resources))])
			}
		case 3:
			one.Verbs = one.Verbs[:1]
		}
		out[i] = *one
	}
	if r.IntN(3) == 0 {
		out = append(out, v.rule(r, urls))
	}
	if r.IntN(3) == 0 {
		out = out[1:]
	}
	return out
}

func roleOf(cluster bool, rules []rbacv1.PolicyRule, labels ...string) inventory.Object {
	if cluster {
		out := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "app"}, Rules: rules}
		for _, l := range labels {
			metav1.SetMetaDataLabel(&out.ObjectMeta, "rbac.authorization.k8s.io/aggregate-to-"+l, "true")
		}
		return out
	}
	return &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: "shop"}, Rules: rules}
}

// TestRolesAreJudgedAsByTheChecks compares, over random roles and updates, what the
// policies say with what the checks say: never more and never worse, and of a
// creation all that is not made of parts which names limit.
func TestRolesAreJudgedAsByTheChecks(t *testing.T) {
	t.Parallel()
	set := catalogue(t)
	list, p := accessPolicies(t, set)
	v, random := words(), rand.New(rand.NewPCG(7, 11))
	equal, missed, agreed := 0, 0, 0
	const each = 600
	for n := range each {
		cluster := n%2 == 0
		rules := make([]rbacv1.PolicyRule, 0, 4)
		for range 1 + random.IntN(4) {
			rules = append(rules, v.rule(random, cluster))
		}
		var labels []string
		if random.IntN(3) == 0 {
			labels = some(random, []string{"view", "edit", "admin", "other"}, 2)
		}
		in := checks.Input{Object: roleOf(cluster, rules, labels...), Request: checks.Request{Operation: checks.Create, User: "ann"}}
		if n%3 > 0 {
			in.Old, in.Request.Operation = in.Object, checks.Update
			in.Object = roleOf(cluster, v.edited(random, rules, cluster), labels...)
		}
		in.Inventory = inventory.New()
		want, got := found(p, in), ask(t, list, in)
		for id, severity := range got.checks {
			if want[id] < severity {
				t.Errorf("%d: the policy says %s %s, the checks %v\nnow %+v\nold %+v\n%s", n, id, severity, want, in.Object, in.Old, strings.Join(got.texts, "\n"))
			}
		}
		for id, severity := range want {
			c, _ := set.Lookup(id)
			if c.Backstop == nil {
				continue
			}
			one, known := power.Lookup(id)
			partial := known && one.Combined() || id == "RBAC-014"
			switch {
			case got.checks[id] == severity:
				agreed++
			case in.Old == nil && !partial:
				t.Errorf("%d: the checks say %s %s of a creation, the policy %s\n%+v\n%s", n, id, severity, got.checks[id], in.Object, strings.Join(got.texts, "\n"))
			default:
				missed++
			}
		}
		if len(want) == len(got.checks) {
			equal++
		}
	}
	t.Logf("%d roles: %d with the same checks, %d findings of both, %d left to the webhook", each, equal, agreed, missed)
	if agreed < each/2 || missed*5 > agreed {
		t.Errorf("%d findings of both and %d left to the webhook: that is too little", agreed, missed)
	}
}

// TestLargeRolesStayWithinTheCostLimits judges roles of about as many rules as fit
// into an object, of the sorts that cost most. An expression that costs too much
// would refuse.
func TestLargeRolesStayWithinTheCostLimits(t *testing.T) {
	t.Parallel()
	list, _ := accessPolicies(t, catalogue(t))
	repeat := func(n int, rule func(i int) rbacv1.PolicyRule) []rbacv1.PolicyRule {
		out := make([]rbacv1.PolicyRule, 0, n)
		for i := range n {
			out = append(out, rule(i))
		}
		return out
	}
	for name, rules := range map[string][]rbacv1.PolicyRule{
		"500 rules of an operator": repeat(500, func(i int) rbacv1.PolicyRule {
			return rbacv1.PolicyRule{Verbs: []string{"get", "list", "watch"}, APIGroups: []string{fmt.Sprintf("g%d.example.com", i)}, Resources: []string{"as", "bs/status"}}
		}),
		"500 rules that grant": repeat(500, func(i int) rbacv1.PolicyRule {
			return rbacv1.PolicyRule{Verbs: []string{"get", "list", "watch", "create", "update", "patch", "delete"}, APIGroups: []string{"", "apps"}, Resources: []string{"secrets", "pods/exec", "deployments", fmt.Sprintf("r%d", i)}}
		}),
		"500 rules of every group": repeat(500, func(i int) rbacv1.PolicyRule {
			return rbacv1.PolicyRule{Verbs: []string{"create", "patch"}, APIGroups: []string{"*"}, Resources: []string{fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i)}}
		}),
		"500 rules with names": repeat(500, func(i int) rbacv1.PolicyRule {
			return rbacv1.PolicyRule{Verbs: []string{"*"}, APIGroups: []string{""}, Resources: []string{"secrets", "pods"}, ResourceNames: []string{fmt.Sprintf("n%d", i)}}
		}),
		"2,000 rules": repeat(2000, func(i int) rbacv1.PolicyRule {
			return rbacv1.PolicyRule{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{fmt.Sprintf("r%d", i)}}
		}),
		"one rule of 5,000 resources": {{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: func() []string {
			var out []string
			for i := range 5000 {
				out = append(out, fmt.Sprintf("r%d", i))
			}
			return out
		}()}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, cluster := range []bool{false, true} {
				in := checks.Input{Object: roleOf(cluster, rules), Inventory: inventory.New(), Request: checks.Request{User: "ann"}}
				start := time.Now()
				created := ask(t, list, in)
				took := time.Since(start)
				in.Old = in.Object
				in.Object = roleOf(cluster, append([]rbacv1.PolicyRule{{Verbs: []string{"patch"}, APIGroups: []string{"batch"}, Resources: []string{"jobs"}}}, rules...))
				start = time.Now()
				updated := ask(t, list, in)
				t.Logf("cluster %v: creation %d units, %s, %d checks; update %d units, %s, %d checks", cluster, created.cost, took, len(created.checks), updated.cost, time.Since(start), len(updated.checks))
			}
		})
	}
}
