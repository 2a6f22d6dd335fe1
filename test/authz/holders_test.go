// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"fmt"
	"slices"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
)

// holderQuestions is how many pairs of a request and an identity the test of
// Holders compares at least.
const holderQuestions = 200_000

// TestHoldersAreThoseWhoMay compares the list of who may do something with the
// in-tree authorizer's answer for every identity that the bindings mention, and
// for others. Who is meant by the list is Kubernetes' decision too: its subjects
// are bound to a role that allows everything.
func TestHoldersAreThoseWhoMay(t *testing.T) {
	t.Parallel()
	seed, began := seedOf(t), time.Now()
	var c tally
	for i := uint64(1); c.asked.Load() < holderQuestions && !t.Failed(); i++ {
		u, d := universeAt(seed, i)
		settled := settle(t, u)
		c.universes.Add(1)
		kubernetes, view, near := inTree(t, settled), u.view(), grants(settled)
		everybody := identities(u)
		for range 20 {
			request := ask(d, near).Request
			listed := inTree(t, boundToEverything(view.Holders(request)))
			for _, who := range everybody {
				q := question{who, request}
				if slices.Contains(who.groups, user.SystemPrivilegedGroup) {
					continue // may do everything without being listed
				}
				want := kubernetes(q)
				c.count(want)
				if got := listed(q); got != want {
					t.Fatalf("%s", dispute{u, q}.describe(t, fmt.Sprintf("seed %d, universe %d: %s may %s: %t, is listed: %t",
						seed, i, who.subject(), request, want, got)))
				}
			}
		}
	}
	asked, allowed := c.asked.Load(), c.allowed.Load()
	t.Logf("seed %d: %d pairs in %d universes, %.1f %% allowed, %s", seed, asked, c.universes.Load(),
		100*float64(allowed)/float64(max(asked, 1)), time.Since(began).Round(time.Millisecond))
	if asked < holderQuestions || allowed == 0 {
		t.Errorf("only %d pairs, %d allowed", asked, allowed)
	}
}

// identities is one identity for every way to be meant by a subject of the
// universe, and a few whom nobody mentions.
func identities(u *universe) []identity {
	out := []identity{{name: "nobody"}, {namespace: namespaces[0], account: "unbound"}, {namespace: "elsewhere", account: "web"}}
	seen := map[string]bool{}
	add := func(i identity) {
		if key := fmt.Sprint(i); !seen[key] {
			seen[key] = true
			out = append(out, i)
		}
	}
	visit := func(s rbacv1.Subject, namespace string) {
		if s.Name == "" {
			return
		}
		add(identity{name: s.Name})
		add(identity{name: "nobody", groups: []string{s.Name}})
		for _, namespace := range append([]string{s.Namespace, namespace}, namespaces...) {
			if namespace != "" {
				add(identity{namespace: namespace, account: s.Name})
			}
		}
	}
	for _, b := range u.roleBindings {
		for _, s := range b.Subjects {
			visit(s, b.Namespace)
		}
	}
	for _, b := range u.clusterRoleBindings {
		for _, s := range b.Subjects {
			visit(s, "")
		}
	}
	return out
}

// boundToEverything is a universe in which exactly the holders may do anything.
func boundToEverything(holders []authz.Holder) *universe {
	all := []string{"*"}
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "everything"}, Rules: []rbacv1.PolicyRule{
		{Verbs: all, APIGroups: all, Resources: all}, {Verbs: all, NonResourceURLs: all},
	}}
	binding := &rbacv1.ClusterRoleBinding{RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: role.Name}}
	for _, h := range holders {
		binding.Subjects = append(binding.Subjects, h.Subject)
	}
	return &universe{clusterRoles: []*rbacv1.ClusterRole{role}, clusterRoleBindings: []*rbacv1.ClusterRoleBinding{binding}}
}

// TestAggregatorsAreThoseThatAreFilled marks each ClusterRole in turn with a
// rule of its own and looks where the aggregation controller takes it.
func TestAggregatorsAreThoseThatAreFilled(t *testing.T) {
	t.Parallel()
	seed := seedOf(t)
	mark := rbacv1.PolicyRule{Verbs: []string{"mark"}, APIGroups: []string{""}, Resources: []string{"pods"}}
	looked, filled := 0, 0
	for i := uint64(1); i < 1000; i++ {
		u, _ := universeAt(seed, i)
		if i%everyLarge == 0 {
			continue // quadratic
		}
		view := u.view()
		for n, source := range u.clusterRoles {
			if source.AggregationRule != nil {
				continue
			}
			marked := u.clone()
			marked.clusterRoles[n].Rules = []rbacv1.PolicyRule{mark}
			var want, got []string
			for _, r := range settle(t, marked).clusterRoles {
				if r.Name != source.Name && slices.Contains(ruleSet(r.Rules), ruleKey(&mark)) {
					want = append(want, r.Name)
				}
			}
			for _, r := range view.Aggregators(source.Name, source.Labels) {
				got = append(got, r.Name)
			}
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, universe %d: ClusterRole %s fills %v, Kubernetes says %v\n%s", seed, i, source.Name, got, want, u.yaml(t))
			}
			looked++
			filled += len(want)
		}
	}
	t.Logf("seed %d: %d roles fill %d", seed, looked, filled)
	if looked < 1000 || filled < 100 {
		t.Errorf("only %d roles looked at, which fill %d", looked, filled)
	}
}

// TestUnsettledRolesAreNeverUnderestimated gives aggregated roles rules of their
// own, which hold until the controller replaces them. Whatever an API server
// allows before and after that, Gatehouse must know.
func TestUnsettledRolesAreNeverUnderestimated(t *testing.T) {
	t.Parallel()
	seed := seedOf(t)
	var c tally
	transient := 0
	for i := uint64(1); c.asked.Load() < 50_000; i++ {
		u, d := universeAt(seed, i)
		g := &generator{dice: d}
		for _, r := range u.clusterRoles {
			if r.AggregationRule != nil {
				r.Rules = g.rules("ClusterRole")
			}
		}
		settled := settle(t, u)
		before, after, known, near := inTree(t, u), inTree(t, settled), gatehouse(u), grants(u)
		for range questionsFor(u) {
			q := ask(d, near)
			atFirst, atLast := before(q), after(q)
			c.count(atFirst)
			if atFirst && !atLast {
				transient++
			}
			if (atFirst || atLast) && !known(q) {
				t.Fatalf("%s", dispute{u, q}.describe(t, fmt.Sprintf(
					"seed %d, universe %d: allowed before aggregation: %t, after: %t, gatehouse refuses", seed, i, atFirst, atLast)))
			}
		}
	}
	t.Logf("seed %d: %d questions, %d allowed before, %d of them not after", seed, c.asked.Load(), c.allowed.Load(), transient)
	if transient == 0 {
		t.Error("no question was allowed before aggregation only")
	}
}

// TestAccountsAreNamedAsKubernetesNamesThem compares the two spellings that
// identity gives a ServiceAccount.
func TestAccountsAreNamedAsKubernetesNamesThem(t *testing.T) {
	t.Parallel()
	for _, namespace := range namespaces {
		for _, account := range accounts {
			who := identity{namespace: namespace, account: account}
			got, want := who.subject(), who.info()
			if got.Name != want.GetName() {
				t.Errorf("user name is %s, want %s", got.Name, want.GetName())
			}
			if !slices.Equal(slices.Sorted(slices.Values(got.Groups)), slices.Sorted(slices.Values(want.GetGroups()))) {
				t.Errorf("groups are %v, want %v", got.Groups, want.GetGroups())
			}
		}
	}
}
