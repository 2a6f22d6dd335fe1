// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func account(namespace, name string) rbacv1.Subject {
	return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}
}

func TestNoTwoSubjectsShareAName(t *testing.T) {
	t.Parallel()
	subjects := []rbacv1.Subject{
		account("a", "b-c"), account("a-b", "c"), account("a", "b"), account("shop", "a-b-c"), account("shop", "a-b"), account("user", "alice"),
	}
	for _, name := range []string{"a-b-c", "a:b-c", "a/b-c", "a%b-c", "b", "alice", "user:alice", "system:serviceaccount:a", "x\n", "."} {
		subjects = append(subjects, rbacv1.Subject{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: name})
	}
	for _, namespace := range []string{"", "shop", "a"} {
		seen := map[string]rbacv1.Subject{}
		for _, s := range subjects {
			name := nameOf(s, namespace, nil)
			if other, taken := seen[name]; taken {
				t.Errorf("in %q both %v and %v are called %s", namespace, s, other, name)
			}
			seen[name] = s
			if faults := content.IsPathSegmentName(name); len(faults) > 0 {
				t.Errorf("%q is no name: %v", name, faults)
			}
		}
		if len(seen) != len(subjects) {
			t.Errorf("%d names for %d subjects", len(seen), len(subjects))
		}
	}
}

func TestANameStaysUntilSomebodyElseHasIt(t *testing.T) {
	t.Parallel()
	ci := account("build", "ci")
	role := func(name string) inventory.Object {
		return &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: "ops", Name: name}}
	}
	binding := func(name, role string, subjects ...rbacv1.Subject) inventory.Object {
		return &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: "ops", Name: name}, RoleRef: rbacv1.RoleRef{Kind: "Role", Name: role}, Subjects: subjects}
	}
	const plain = "build:ci-least"
	longer := plain + "-" + digest(ci)
	for name, tc := range map[string]struct {
		there []inventory.Object
		want  string
	}{
		"nothing is there":                   {nil, plain},
		"an earlier suggestion":              {[]inventory.Object{role(plain), binding(plain, plain, ci)}, plain},
		"a role of somebody else":            {[]inventory.Object{role(plain)}, longer},
		"a binding to another role":          {[]inventory.Object{role(plain), binding(plain, "other", ci)}, longer},
		"a binding with another subject":     {[]inventory.Object{role(plain), binding(plain, plain, ci, account("shop", "web"))}, longer},
		"both names are taken":               {[]inventory.Object{role(plain), role(longer)}, longer + "-2"},
		"a role of that name is elsewhere":   {[]inventory.Object{&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: plain}}}, plain},
		"another suggestion under that name": {[]inventory.Object{role(longer), binding(longer, longer, ci)}, plain},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := authz.Over(inventory.New(tc.there...))
			if got := nameOf(ci, "ops", &v); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestASuggestionIsTheSameTheSecondTime(t *testing.T) {
	t.Parallel()
	u := NewUsage()
	var r Reader
	log := line("get", pods, "") + line("list", `{"resource":"nodes","apiVersion":"v1"}`, "")
	if err := r.Each(strings.NewReader(log), u.Add); err != nil {
		t.Fatal(err)
	}
	const user = authz.AccountPrefix + "shop:web"
	first := u.Suggest(user, Options{})
	if len(first.Objects) != 4 {
		t.Fatalf("got %d objects", len(first.Objects))
	}
	v := authz.Over(inventory.New(first.Objects...))
	second := u.Suggest(user, Options{Granted: &v})
	for i, o := range first.Objects {
		if got := second.Objects[i].GetName(); got != o.GetName() {
			t.Errorf("%s is %s the second time", o.GetName(), got)
		}
	}
}
