// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// What is said of the risk and of the change is about the object, and not about
// another way to break the same rule.
func TestWordsAreAboutTheObject(t *testing.T) {
	t.Parallel()
	paths := func(list ...string) inventory.Object {
		return &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "r"}, Rules: []rbacv1.PolicyRule{{Verbs: []string{"get"}, NonResourceURLs: list}}}
	}
	within := func(role string) inventory.Object {
		return &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "b"}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: role},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.GroupKind, Name: "team"}},
		}
	}
	everywhere := func(role string) inventory.Object {
		return &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "b"}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: role},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.GroupKind, Name: "team"}},
		}
	}
	for name, tc := range map[string]struct {
		id     string
		object inventory.Object
		attack string // a part of it
		fix    string
	}{
		"metrics alone":                      {"RBAC-005", paths("/metrics"), "how much they are used", "the account that collects metrics"},
		"metrics and profiles":               {"RBAC-005", paths("/metrics", "/debug/*"), "reads memory and logs", "name the paths"},
		"edit in a namespace":                {"RBAC-061", within("edit"), "Secrets of the namespace", "bind a Role that lists"},
		"edit everywhere":                    {"RBAC-061", everywhere("edit"), "every namespace at once", "by a RoleBinding in the namespace"},
		"the role of a controller somewhere": {"RBAC-061", within("system:controller:replicaset-controller"), "made for the control plane", "in place of a system: role"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := checks.NewSet(All()...)
			if err != nil {
				t.Fatal(err)
			}
			one, err := set.Only(tc.id)
			if err != nil {
				t.Fatal(err)
			}
			in := checks.Input{Object: tc.object, Inventory: inventory.New(tc.object), Parameters: checks.DefaultParameters()}
			found := one.Evaluate(in.Sharing())
			if len(found) != 1 {
				t.Fatalf("%d findings", len(found))
			}
			if !strings.Contains(found[0].Attack, tc.attack) || !strings.Contains(found[0].Fix, tc.fix) {
				t.Errorf("the attack is %q, the fix %q", found[0].Attack, found[0].Fix)
			}
		})
	}
}

func TestAShippedRoleIsTheCallers(t *testing.T) {
	t.Parallel()
	admin := inventory.Key{Kind: inventory.ClusterRoleKind, Name: "cluster-admin"}
	role, ok := ShippedRole(admin).(*rbacv1.ClusterRole)
	if !ok || len(role.Rules) != 2 {
		t.Fatalf("got %v", role)
	}
	role.Rules[0].Verbs[0] = "get"
	if again, ok := ShippedRole(admin).(*rbacv1.ClusterRole); !ok || again.Rules[0].Verbs[0] != "*" {
		t.Errorf("a change reaches the list: %v", again)
	}
	within := inventory.Key{Kind: inventory.RoleKind, Namespace: "kube-system", Name: "extension-apiserver-authentication-reader"}
	if r, ok := ShippedRole(within).(*rbacv1.Role); !ok || r.Namespace != "kube-system" || len(r.Rules) == 0 {
		t.Errorf("got %v", r)
	}
	for name, k := range map[string]inventory.Key{
		"a binding":           {Kind: inventory.ClusterBindingKind, Name: "cluster-admin"},
		"a role of a tenant":  {Kind: inventory.RoleKind, Namespace: "shop", Name: "cluster-admin"},
		"one of another name": {Kind: inventory.ClusterRoleKind, Name: "cluster-admins"},
	} {
		if o := ShippedRole(k); o != nil {
			t.Errorf("%s: got %v", name, o)
		}
	}
	// edit, without what it collects of files, has the rules of view as well.
	edit, ok := ShippedRole(inventory.Key{Kind: inventory.ClusterRoleKind, Name: "edit"}).(*rbacv1.ClusterRole)
	if !ok || edit.AggregationRule == nil {
		t.Fatalf("got %v", edit)
	}
	g := authz.Grant{Rules: edit.Rules}
	for _, r := range []authz.Request{{Verb: "create", Resource: "pods"}, {Verb: "list", Resource: "configmaps"}, {Verb: "impersonate", Resource: "serviceaccounts"}} {
		if !g.Allows(r) {
			t.Errorf("edit does not allow %s", r)
		}
	}
}
