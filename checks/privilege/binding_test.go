// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"fmt"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func TestWhatANameIsTakenFor(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ name, want string }{
		"a plain name":               {"alice", "alice"},
		"a name of Kubernetes":       {"system:masters", "system:masters"},
		"upper case":                 {"SYSTEM:Masters", "system:masters"},
		"upper case of another":      {"Alice", "Alice"},
		"a space behind":             {"system:masters ", "system:masters"},
		"a space within":             {"alice smith", "alice smith"},
		"a zero width space":         {"system\u200b:masters", "system:masters"},
		"a mark that turns the text": {"\u202ealice", "alice"},
		"a line break":               {"alice\n", "alice"},
		"an accent":                  {"josé", "josé"},
		"nothing":                    {"", ""},
	} {
		if got := likeSystem(tc.name); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

// evaluate judges objects one after the other, as they are written, and returns
// what a check says of each.
func evaluate(t *testing.T, id string, objects ...inventory.Object) []int {
	t.Helper()
	set, err := checks.NewSet(All()...)
	if err != nil {
		t.Fatal(err)
	}
	one, err := set.Only(id)
	if err != nil {
		t.Fatal(err)
	}
	inv := inventory.New()
	var out []int
	for _, o := range objects {
		inv = inv.With(o)
		in := checks.Input{Object: o, Inventory: inv, Parameters: checks.DefaultParameters()}
		out = append(out, len(one.Evaluate(in.Sharing())))
	}
	return out
}

// TestAUnionIsRefusedAtItsLastPart writes the parts of a union in every order.
func TestAUnionIsRefusedAtItsLastPart(t *testing.T) {
	t.Parallel()
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "shop", Name: name} }
	web := []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "shop", Name: "web"}}
	role := func(name, verb string) *rbacv1.Role {
		return &rbacv1.Role{ObjectMeta: meta(name), Rules: []rbacv1.PolicyRule{{Verbs: []string{verb}, APIGroups: []string{""}, Resources: []string{"secrets"}}}}
	}
	binding := func(name string) *rbacv1.RoleBinding {
		return &rbacv1.RoleBinding{ObjectMeta: meta(name), RoleRef: rbacv1.RoleRef{Kind: "Role", Name: name}, Subjects: web}
	}
	parts := []inventory.Object{role("creates", "create"), role("reads", "get"), binding("creates"), binding("reads")}
	orders := 0
	for order := range permutations(len(parts)) {
		orders++
		var objects []inventory.Object
		var names []string
		for _, i := range order {
			objects = append(objects, parts[i])
			names = append(names, inventory.KeyOf(parts[i]).String())
		}
		if got, want := evaluate(t, "RBAC-080", objects...), []int{0, 0, 0, 1}; !slices.Equal(got, want) {
			t.Errorf("%v: %v findings, want %v", names, got, want)
		}
	}
	if orders != 24 {
		t.Errorf("%d orders of 4 parts", orders)
	}
}

// permutations yields every order of n things.
func permutations(n int) func(func([]int) bool) {
	return func(yield func([]int) bool) {
		var visit func(done []int) bool
		visit = func(done []int) bool {
			if len(done) == n {
				return yield(slices.Clone(done))
			}
			for i := range n {
				if !slices.Contains(done, i) && !visit(append(slices.Clone(done), i)) {
					return false
				}
			}
			return true
		}
		visit(nil)
	}
}

// TestOddBindingsAreJudged gives the checks what the API server may hold or a file
// may say.
func TestOddBindingsAreJudged(t *testing.T) {
	t.Parallel()
	many := make([]rbacv1.Subject, 5000)
	for i := range many {
		many[i] = rbacv1.Subject{Kind: "ServiceAccount", Namespace: "shop", Name: fmt.Sprintf("web-%d", i)}
	}
	admin := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"}
	for name, tc := range map[string]struct {
		id       string
		ref      rbacv1.RoleRef
		subjects []rbacv1.Subject
		want     int
	}{
		"no subjects":                          {"RBAC-060", admin, nil, 0},
		"a subject of no kind":                 {"RBAC-060", admin, []rbacv1.Subject{{Name: "x"}}, 1},
		"an account without namespace":         {"RBAC-060", admin, []rbacv1.Subject{{Kind: "ServiceAccount", Name: "x"}}, 1},
		"the same subject twice":               {"RBAC-060", admin, []rbacv1.Subject{many[0], many[0]}, 1},
		"thousands of subjects":                {"RBAC-060", admin, many, 5000},
		"a role of no kind":                    {"RBAC-060", rbacv1.RoleRef{Name: "cluster-admin"}, many[:1], 0},
		"a binding that refers to a Role":      {"RBAC-065", rbacv1.RoleRef{Kind: "Role", Name: "x"}, []rbacv1.Subject{{Kind: "User", Name: "x"}}, 1},
		"the administrators by their own name": {"RBAC-062", admin, []rbacv1.Subject{{Kind: "Group", Name: "system:masters"}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "odd"}, RoleRef: tc.ref, Subjects: tc.subjects}
			if got := evaluate(t, tc.id, b)[0]; got != tc.want {
				t.Errorf("%d findings, want %d", got, tc.want)
			}
		})
	}
}
