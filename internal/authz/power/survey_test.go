// SPDX-License-Identifier: Apache-2.0

package power

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// plainEffective is Effective without any short cut: every account of a namespace is
// searched, and all grants are put together.
func plainEffective(v authz.View, who authz.Subject) *Effect {
	type stop struct {
		subject authz.Subject
		way     []Step
	}
	e := &Effect{Subject: who, Direct: plainDirect(v, who)}
	seen, namespaces := map[string]bool{who.String(): true}, map[string]bool{}
	for queue := []stop{{subject: who}}; len(queue) > 0 && !e.Everyone; queue = queue[1:] {
		at := queue[0]
		way := func(h Held) []Step { return append(slices.Clone(at.way), Step{at.subject, h}) }
		push := func(to authz.Subject, by Held) {
			if !seen[to.String()] {
				seen[to.String()] = true
				queue = append(queue, stop{to, way(by)})
			}
		}
		for _, h := range plainDirect(v, at.subject) {
			if h.Severity > e.Severity {
				e.Severity, e.Steps = h.Severity, way(h)
			}
			switch {
			case h.Power.Becomes == Nobody:
			case h.Named:
				for _, to := range becomesNamed(v, at.subject, h) {
					push(to, h)
				}
			case h.Grant.Namespace == "" || h.Power.Becomes == Anyone:
				e.Everyone = true
				if e.Severity < checks.Critical {
					e.Severity, e.Steps = checks.Critical, way(h)
				}
			case !namespaces[h.Grant.Namespace]:
				namespaces[h.Grant.Namespace] = true
				e.Reaches = append(e.Reaches, h.Grant.Namespace)
				for _, name := range accounts(v, h.Grant.Namespace) {
					push(authz.ServiceAccount(h.Grant.Namespace, name), h)
				}
			}
		}
	}
	if e.Everyone {
		e.Reaches = nil
	}
	slices.Sort(e.Reaches)
	return e
}

func plainDirect(v authz.View, s authz.Subject) []Held {
	var grants []authz.Grant
	for g := range v.Grants(s) {
		if !slices.ContainsFunc(grants, func(o authz.Grant) bool { return o.Binding == g.Binding }) {
			grants = append(grants, g)
		}
	}
	var out []Held
	for _, g := range grants {
		for _, h := range Of(g.Rules, Scope{g.Namespace}) {
			out = append(out, Held{h, g})
		}
	}
	out = append(out, together(v, grants)...)
	slices.SortStableFunc(out, compareHeld)
	return distinct(out)
}

var (
	someNamespaces = []string{"shop", "bank", systemNamespace, ownNamespace}
	someNames      = []string{"web", "db", "ops"}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// randomRules are mostly harmless: what is dangerous is drawn from the table.
func randomRules(r *rand.Rand, from []Power) []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	for range 1 + r.IntN(2) {
		one := rule("get list", "", pick(r, []string{"configmaps", "pods"}))
		if r.IntN(2) == 0 {
			p := pick(r, from)
			if patterns := slices.Concat(append(p.All, p.Any)...); len(patterns) > 0 {
				if t := pick(r, patterns); len(t.Paths) > 0 {
					one = rbacv1.PolicyRule{Verbs: t.Verbs, NonResourceURLs: t.Paths}
				} else {
					one = rbacv1.PolicyRule{Verbs: []string{pick(r, t.Verbs)}, APIGroups: t.Groups, Resources: []string{strings.ReplaceAll(pick(r, t.Resources), "/*", "/scopes")}}
				}
				if r.IntN(4) == 0 {
					one.ResourceNames = []string{pick(r, someNames)}
				}
			}
		}
		if r.IntN(40) == 0 {
			one = rule("*", "*", "*")
		}
		out = append(out, one)
	}
	return out
}

func randomSubject(r *rand.Rand) rbacv1.Subject {
	namespace, name := pick(r, someNamespaces), pick(r, someNames)
	switch r.IntN(20) {
	case 0:
		return rbacv1.Subject{Kind: "User", Name: authz.AccountPrefix + namespace + ":" + name}
	case 1:
		return rbacv1.Subject{Kind: "Group", Name: pick(r, []string{authz.AccountGroup, authz.Authenticated, authz.AccountGroupPrefix + namespace})}
	case 2:
		return rbacv1.Subject{Kind: "ServiceAccount", Namespace: pick(r, []string{namespace + ":" + name, namespace}), Name: pick(r, []string{name, name + ":" + name})}
	case 3:
		return rbacv1.Subject{Kind: "ServiceAccount", Name: name}
	}
	return rbacv1.Subject{Kind: "ServiceAccount", Namespace: namespace, Name: name}
}

// randomRBAC is a small cluster: sometimes so small that nobody has anything.
func randomRBAC(r *rand.Rand) []inventory.Object {
	var out []inventory.Object
	for i := range 6 {
		out = append(out, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("r", i)}, Rules: randomRules(r, table)})
		out = append(out, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: pick(r, someNamespaces), Name: fmt.Sprint("r", i)}, Rules: randomRules(r, table)})
	}
	for i := range r.IntN(14) {
		ref := rbacv1.RoleRef{Kind: pick(r, []string{"ClusterRole", "ClusterRole", "Role"}), Name: fmt.Sprint("r", r.IntN(7))} // r6 is missing
		var subjects []rbacv1.Subject
		for range 1 + r.IntN(3) {
			subjects = append(subjects, randomSubject(r))
		}
		if r.IntN(6) == 0 {
			out = append(out, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("b", i)}, RoleRef: ref, Subjects: subjects})
		} else {
			out = append(out, &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: pick(r, someNamespaces), Name: fmt.Sprint("b", i)}, RoleRef: ref, Subjects: subjects})
		}
	}
	return out
}

// TestShortCutsLeadWhereTheLongWayDoes compares every answer of a survey, and of
// Effective, with the search that takes no short cut, over random clusters with and
// without an overlaid object.
func TestShortCutsLeadWhereTheLongWayDoes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 4))
	simple, others, dangerous := 0, 0, 0
	for range 400 {
		list := randomRBAC(r)
		inv := inventory.New(list...)
		if r.IntN(2) == 0 {
			inv = inv.With(pick(r, list))
		}
		survey := NewSurvey(inv)
		for _, namespace := range someNamespaces {
			for _, name := range append(someNames, "web:web") {
				want := plainEffective(authz.Over(inv), authz.ServiceAccount(namespace, name))
				got := survey.Effective(namespace, name)
				if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b *Power) bool { return a == b })); d != "" {
					t.Fatalf("survey of %s/%s (want -, got +):\n%s\n%v", namespace, name, d, list)
				}
				if d := cmp.Diff(want, Effective(authz.Over(inv), want.Subject), cmpopts.EquateEmpty(), cmp.Comparer(func(a, b *Power) bool { return a == b })); d != "" {
					t.Fatalf("effect of %s/%s (want -, got +):\n%s\n%v", namespace, name, d, list)
				}
				if survey.plain && survey.simple(name) != nil {
					simple++
				} else {
					others++
				}
				if want.Severity > checks.SeverityUnset {
					dangerous++
				}
			}
		}
	}
	if simple < 1000 || others < 1000 || dangerous < 1000 {
		t.Errorf("%d short and %d long ways, %d to something: one side is hardly tested", simple, others, dangerous)
	}
}

// TestWhatIsApartAddsNothing: Completes says the same with and without grants that
// are apart.
func TestWhatIsApartAddsNothing(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 8))
	combined := slices.DeleteFunc(slices.Clone(table), func(p Power) bool { return !p.Combined() })
	grant := func(i int) authz.Grant {
		return authz.Grant{
			Binding: inventory.Key{Kind: inventory.RoleBindingKind, Name: fmt.Sprint("b", i)}, Rules: randomRules(r, combined),
			Namespace: pick(r, append(someNamespaces, "")),
		}
	}
	dropped, joined := 0, 0
	for range 4000 {
		one := grant(0)
		var all, parts []authz.Grant
		for i := range 1 + r.IntN(4) {
			g := grant(i + 1)
			all = append(all, g)
			if Apart(g.Rules) {
				dropped++
			} else {
				parts = append(parts, g)
			}
		}
		want, got := Completes(one, all, never), Completes(one, parts, never)
		joined += len(want)
		if len(parts) == 0 && len(want) > 0 {
			t.Fatalf("%v joins %v, which are all apart", one, all)
		}
		if len(want) != len(got) {
			t.Fatalf("%v: %d joined, without those apart %d", one, len(want), len(got))
		}
	}
	if dropped < 1000 || joined < 50 {
		t.Errorf("%d grants apart, %d powers joined: this tests little", dropped, joined)
	}
}
