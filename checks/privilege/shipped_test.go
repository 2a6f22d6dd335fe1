// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func TestTheListsOfWhatIsShippedCanBeRead(t *testing.T) {
	t.Parallel()
	all, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	kinds, kubeadm := map[string]int{}, 0
	for k, o := range all {
		kinds[k.Kind.Kind]++
		if o.kubeadm {
			kubeadm++
		}
		switch k.Kind {
		case inventory.RoleKind, inventory.ClusterRoleKind:
			if len(o.rules) == 0 && k.Name != "system:cluster-trust-bundle-discovery" {
				t.Errorf("%s has no rules", k)
			}
		default:
			if o.role == "" {
				t.Errorf("%s binds no role", k)
			}
		}
	}
	if kinds["ClusterRole"] < 60 || kinds["ClusterRoleBinding"] < 50 || kinds["Role"] < 10 || kinds["RoleBinding"] < 10 || kubeadm < 15 {
		t.Errorf("too few: %v, %d of kubeadm", kinds, kubeadm)
	}
}

func TestAFaultInTheListIsAnError(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"an unknown kind":            "Secret a\n",
		"a line before any object":   "  rule get core pods\n",
		"an unknown line":            "Role a/b\n  rules get core pods\n",
		"a rule without resources":   "Role a/b\n  rule get core\n",
		"a rule with too much":       "Role a/b\n  rule get core pods a b\n",
		"an object without a name":   "Role\n",
		"an empty line in the midst": "Role a/b\n\n",
	} {
		if err := parseShipped(text, map[inventory.Key]*shippedObject{}); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if err := parseShipped("Role a/b\n  rule get core,apps pods,pods/log x,y\n", map[inventory.Key]*shippedObject{}); err != nil {
		t.Errorf("a rule is refused: %v", err)
	}
}

func TestOnlyWhatIsShippedIsTakenForIt(t *testing.T) {
	t.Parallel()
	masters := rbacv1.Subject{Kind: "Group", Name: "system:masters"}
	dns := rbacv1.Subject{Kind: "ServiceAccount", Namespace: "kube-system", Name: "coredns"}
	for name, tc := range map[string]struct {
		binding, role string
		subjects      []rbacv1.Subject
		want          bool
	}{
		"the administrators":           {"cluster-admin", "cluster-admin", []rbacv1.Subject{masters}, true},
		"fewer than shipped":           {"cluster-admin", "cluster-admin", nil, true},
		"another subject":              {"cluster-admin", "cluster-admin", []rbacv1.Subject{dns}, false},
		"one more subject":             {"cluster-admin", "cluster-admin", []rbacv1.Subject{masters, dns}, false},
		"another name":                 {"system:cluster-admin", "cluster-admin", []rbacv1.Subject{masters}, false},
		"another role":                 {"system:coredns", "cluster-admin", []rbacv1.Subject{dns}, false},
		"what kubeadm makes":           {"system:coredns", "system:coredns", []rbacv1.Subject{dns}, true},
		"the same account of a tenant": {"system:coredns", "system:coredns", []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "shop", Name: "coredns"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := authz.Bound{
				Key:      inventory.Key{Kind: inventory.ClusterBindingKind, Name: tc.binding},
				RoleRef:  rbacv1.RoleRef{Kind: "ClusterRole", Name: tc.role},
				Subjects: tc.subjects,
			}
			if got := shippedBinding(b); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestRulesCoverWhatTheyAllow(t *testing.T) {
	t.Parallel()
	have := []rbacv1.PolicyRule{
		{Verbs: []string{"get", "list"}, APIGroups: []string{""}, Resources: []string{"pods", "secrets"}},
		{Verbs: []string{"update"}, APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{"a"}},
		{Verbs: []string{"get"}, NonResourceURLs: []string{"/healthz/*"}},
	}
	one := func(verb, resource string, names ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{Verbs: []string{verb}, APIGroups: []string{""}, Resources: []string{resource}, ResourceNames: names}
	}
	for name, tc := range map[string]struct {
		rule rbacv1.PolicyRule
		want bool
	}{
		"the same":                     {have[0], true},
		"a part of it":                 {one("get", "pods"), true},
		"one object of it":             {one("get", "secrets", "tls"), true},
		"another verb":                 {one("watch", "pods"), false},
		"every verb":                   {one("*", "pods"), false},
		"a subresource":                {one("get", "pods/log"), false},
		"the named object":             {one("update", "configmaps", "a"), true},
		"one more object":              {one("update", "configmaps", "a", "b"), false},
		"every object of a named rule": {one("update", "configmaps"), false},
		"a path below":                 {rbacv1.PolicyRule{Verbs: []string{"get"}, NonResourceURLs: []string{"/healthz/etcd"}}, true},
		"another path":                 {rbacv1.PolicyRule{Verbs: []string{"get"}, NonResourceURLs: []string{"/metrics"}}, false},
		"every path":                   {rbacv1.PolicyRule{Verbs: []string{"get"}, NonResourceURLs: []string{"*"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := covers(checks.Input{}, have, &tc.rule); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
