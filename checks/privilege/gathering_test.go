// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestWhatIsApartMakesNoUnion asks of every binding of random clusters, whose roles
// are parts of combined powers or harmless: one that is apart makes no union.
func TestWhatIsApartMakesNoUnion(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 9))
	parts := [][]rbacv1.PolicyRule{nil, {{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"configmaps"}}}}
	for _, p := range power.All() {
		for _, q := range slices.Concat(p.All...) {
			if len(q.Resources) > 0 {
				parts = append(parts, []rbacv1.PolicyRule{{Verbs: q.Verbs, APIGroups: q.Groups, Resources: q.Resources}})
			}
		}
	}
	apart, united := 0, 0
	for range 10_000 {
		var list []inventory.Object
		for i := range 3 {
			role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint(i)}, Rules: parts[r.IntN(2)]}
			if r.IntN(2) == 0 {
				role.Rules = parts[r.IntN(len(parts))]
			}
			list = append(list, role)
		}
		for i := range 4 {
			s := rbacv1.Subject{Kind: "ServiceAccount", Namespace: "shop", Name: fmt.Sprint("a", r.IntN(2))}
			switch r.IntN(8) {
			case 0:
				s = rbacv1.Subject{Kind: "User", Name: authz.AccountPrefix + "shop:" + s.Name}
			case 1:
				s = rbacv1.Subject{Kind: "Group", Name: []string{authz.AccountGroup, authz.AccountGroupPrefix + "shop", authz.Authenticated, "team"}[r.IntN(4)]}
			}
			list = append(list, &rbacv1.RoleBinding{
				ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprint(i)},
				RoleRef:    rbacv1.RoleRef{Kind: "ClusterRole", Name: fmt.Sprint(r.IntN(4))}, Subjects: []rbacv1.Subject{s},
			})
		}
		g := gather(authz.Over(inventory.New(list...)))
		for e := range g.view.Inventory().Entries(inventory.RoleBindingKind, "") {
			bound, _ := authz.BoundOf(e.Object)
			unions := g.unions(g.view.Grant(bound), subjectsOf(bound), func(subject) string { return "" })
			united += len(unions)
			if !g.apart(bound) {
				continue
			}
			if apart++; len(unions) > 0 {
				t.Fatalf("%s is apart and makes %v", bound.Key, unions)
			}
		}
	}
	if apart < 5000 || united < 100 {
		t.Errorf("%d bindings apart, %d unions: one side is hardly tested", apart, united)
	}
}
