// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

func clusterRole(name string, rules ...rbacv1.PolicyRule) *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}
}

func bind(namespace, name, role string, subjects ...rbacv1.Subject) inventory.Object {
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role}
	if namespace == "" {
		return &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: ref, Subjects: subjects}
	}
	return &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, RoleRef: ref, Subjects: subjects}
}

func account(namespace, name string) rbacv1.Subject {
	return rbacv1.Subject{Kind: "ServiceAccount", Namespace: namespace, Name: name}
}

var readSecrets = rule(list{"get", "list"}, list{""}, list{"secrets"})

func TestAClusterRoleHoldsWhereItsBindingDoes(t *testing.T) {
	t.Parallel()
	v := Over(inventory.New(
		clusterRole("reader", readSecrets, rule(list{"get"}, list{""}, list{"nodes"})),
		bind("shop", "web", "reader", account("shop", "web")),
		bind("", "agent", "reader", account("ops", "agent")),
	))
	for name, tc := range map[string]struct {
		who  Subject
		ask  Request
		want bool
	}{
		"in the binding's namespace":                         {ServiceAccount("shop", "web"), Request{Verb: "get", Resource: "secrets", Namespace: "shop"}, true},
		"not in another":                                     {ServiceAccount("shop", "web"), Request{Verb: "get", Resource: "secrets", Namespace: "bank"}, false},
		"not in all at once":                                 {ServiceAccount("shop", "web"), Request{Verb: "list", Resource: "secrets"}, false},
		"not for cluster-scoped resources":                   {ServiceAccount("shop", "web"), Request{Verb: "get", Resource: "nodes"}, false},
		"everywhere through a ClusterRoleBinding":            {ServiceAccount("ops", "agent"), Request{Verb: "get", Resource: "secrets", Namespace: "bank"}, true},
		"cluster-scoped through a ClusterRoleBinding":        {ServiceAccount("ops", "agent"), Request{Verb: "get", Resource: "nodes", Name: "n1"}, true},
		"nothing for an account that no binding mentions":    {ServiceAccount("ops", "other"), Request{Verb: "get", Resource: "nodes"}, false},
		"everything for a member of system:masters":          {User("root", Masters), Request{Verb: "delete", Path: "/healthz"}, true},
		"nothing for the zero subject":                       {Subject{}, Request{Verb: "get", Resource: "nodes"}, false},
		"a namespaced rule for its Namespace object, too":    {ServiceAccount("shop", "web"), Request{Verb: "get", Resource: "secrets", Namespace: "shop", Name: "x"}, true},
		"nothing for paths through a namespaced RoleBinding": {ServiceAccount("shop", "web"), Request{Verb: "get", Path: "/metrics"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, got := v.Allowed(tc.who, tc.ask); got != tc.want {
				t.Errorf("Allowed(%s, %s) = %v, want %v", tc.who, tc.ask, got, tc.want)
			}
		})
	}
}

func TestAnAggregatedRoleHasTheRulesOfWhatItSelectsBeforeTheyAreCopied(t *testing.T) {
	t.Parallel()
	admin := clusterRole("admin")
	admin.AggregationRule = &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: map[string]string{"to-admin": "true"}}}}
	edit := clusterRole("edit")
	edit.Labels = map[string]string{"to-admin": "true"}
	edit.AggregationRule = &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: map[string]string{"to-edit": "true"}}}}
	extra := clusterRole("extra", readSecrets)
	extra.Labels = map[string]string{"to-edit": "true"}
	base := inventory.New(admin, edit, bind("", "a", "admin", account("ops", "agent")))
	ask := Request{Verb: "list", Resource: "secrets"}
	if _, ok := Over(base).Allowed(ServiceAccount("ops", "agent"), ask); ok {
		t.Error("an aggregated role without sources allows something")
	}
	v := Over(base.With(extra))
	if g, ok := v.Allowed(ServiceAccount("ops", "agent"), ask); !ok || g.Role.Name != "admin" {
		t.Errorf("through two aggregations: %v %v", g, ok)
	}
	var names []string
	for _, r := range v.Aggregators("extra", extra.Labels) {
		names = append(names, r.Name)
	}
	if d := cmp.Diff([]string{"admin", "edit"}, names); d != "" {
		t.Errorf("aggregators (want -, got +):\n%s", d)
	}
}

func TestAnAccountWhoseNamespaceHoldsAColonMeansTheUserOfThatName(t *testing.T) {
	t.Parallel()
	v := Over(inventory.New(clusterRole("reader", readSecrets), bind("", "odd", "reader", account("red:web", "web"))))
	if _, ok := v.Allowed(User(AccountPrefix+"red:web:web"), Request{Verb: "get", Resource: "secrets"}); !ok {
		t.Error("Kubernetes allows it, and we do not")
	}
	if _, ok := v.Allowed(ServiceAccount("red", "web"), Request{Verb: "get", Resource: "secrets"}); ok {
		t.Error("another account has it too")
	}
}

func TestCyclicAggregationEnds(t *testing.T) {
	t.Parallel()
	a, b := clusterRole("a", readSecrets), clusterRole("b")
	for _, r := range []*rbacv1.ClusterRole{a, b} {
		r.Labels = map[string]string{"ring": "yes"}
		r.AggregationRule = &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: map[string]string{"ring": "yes"}}}}
	}
	v := Over(inventory.New(a, b, bind("", "x", "b", account("ops", "agent"))))
	if _, ok := v.Allowed(ServiceAccount("ops", "agent"), Request{Verb: "get", Resource: "secrets"}); !ok {
		t.Error("b lacks the rules of a")
	}
}

func TestHoldersAreNamedOnceForEachBinding(t *testing.T) {
	t.Parallel()
	group := rbacv1.Subject{Kind: "Group", Name: "team"}
	v := Over(inventory.New(
		clusterRole("reader", readSecrets),
		bind("shop", "web", "reader", rbacv1.Subject{Kind: "ServiceAccount", Name: "web"}, rbacv1.Subject{Kind: "ServiceAccount", Name: "web"}),
		bind("bank", "web", "reader", account("bank", "web")),
		bind("", "all", "reader", group),
		bind("", "gone", "missing", account("shop", "gone")),
	))
	var got []string
	for _, h := range v.Holders(Request{Verb: "get", Resource: "secrets", Namespace: "shop"}) {
		got = append(got, h.Subject.Kind+" "+h.Subject.Namespace+"/"+h.Subject.Name+" by "+h.Grant.Binding.String())
	}
	if d := cmp.Diff([]string{"Group /team by ClusterRoleBinding all", "ServiceAccount shop/web by RoleBinding shop/web"}, got); d != "" {
		t.Errorf("holders (want -, got +):\n%s", d)
	}
}

func TestTheMemoOutlivesOtherObjectsOnly(t *testing.T) {
	t.Parallel()
	inv := inventory.New(clusterRole("reader", readSecrets))
	pods := inv.Edit()
	pods.Put(inventory.NewEntry(&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "r"}}))
	if pods.Inventory().Memo() == inv.Memo() {
		t.Error("a new Role kept the memo")
	}
	same := inv.Edit()
	same.Delete(inventory.Key{Kind: inventory.RoleKind, Namespace: "shop", Name: "absent"})
	if same.Inventory().Memo() != inv.Memo() {
		t.Error("a change of nothing lost the memo")
	}
	if inv.With(clusterRole("reader")).Memo() == inv.Memo() {
		t.Error("an overlaid ClusterRole kept the memo")
	}
}
