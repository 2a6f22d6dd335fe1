// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"fmt"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// operatorRules are rules as operators have them: named kinds, own kinds, reading
// and writing.
func operatorRules(n int) []rbacv1.PolicyRule {
	out := make([]rbacv1.PolicyRule, 0, n)
	for i := range n {
		r := rbacv1.PolicyRule{Verbs: []string{"get", "list", "watch"}, APIGroups: []string{"example.com"}, Resources: []string{fmt.Sprintf("widgets%d", i), fmt.Sprintf("widgets%d/status", i)}}
		switch i % 10 {
		case 0:
			r = rbacv1.PolicyRule{Verbs: []string{"create", "update", "patch"}, APIGroups: []string{"apps"}, Resources: []string{"deployments", "statefulsets"}}
		case 1:
			r = rbacv1.PolicyRule{Verbs: []string{"get", "list"}, APIGroups: []string{""}, Resources: []string{"secrets", "configmaps", "services"}}
		}
		out = append(out, r)
	}
	return out
}

// BenchmarkClusterRoleUpdate judges a role of 30 rules that 1,000 bindings refer
// to, before and after an update that adds a rule.
func BenchmarkClusterRoleUpdate(b *testing.B) {
	set, err := checks.NewSet(All()...)
	if err != nil {
		b.Fatal(err)
	}
	old := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "operator"}, Rules: operatorRules(30)}
	role := old.DeepCopy()
	role.Rules = append(role.Rules, rbacv1.PolicyRule{Verbs: []string{"delete"}, APIGroups: []string{""}, Resources: []string{"pods"}})
	objects := []inventory.Object{old}
	for i := range 1000 {
		namespace := fmt.Sprintf("team-%d", i)
		objects = append(objects, &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "operator"},
			RoleRef:    rbacv1.RoleRef{Kind: "ClusterRole", Name: "operator"},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: "default"}},
		})
	}
	inv := inventory.New(objects...)
	in := checks.Input{Object: role, Old: old, Inventory: inv.With(role), Parameters: checks.DefaultParameters(), Request: checks.Request{Operation: checks.Update}}
	before := checks.Input{Object: old, Inventory: inv, Parameters: in.Parameters}
	b.ReportAllocs()
	for b.Loop() {
		if len(set.Evaluate(in.Sharing())) == 0 || len(set.Evaluate(before.Sharing())) == 0 {
			b.Fatal("no findings")
		}
	}
}

// BenchmarkHarmlessRole judges a Role that grants nothing dangerous.
func BenchmarkHarmlessRole(b *testing.B) {
	set, err := checks.NewSet(All()...)
	if err != nil {
		b.Fatal(err)
	}
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "reader"}, Rules: []rbacv1.PolicyRule{
		{Verbs: []string{"get", "list", "watch"}, APIGroups: []string{""}, Resources: []string{"configmaps", "pods"}},
		{Verbs: []string{"get"}, APIGroups: []string{"apps"}, Resources: []string{"deployments"}},
	}}
	in := checks.Input{Object: role, Inventory: inventory.New(role), Parameters: checks.DefaultParameters()}
	b.ReportAllocs()
	for b.Loop() {
		if n := len(set.Evaluate(in.Sharing())); n != 0 {
			b.Fatalf("%d findings", n)
		}
	}
}
