// SPDX-License-Identifier: Apache-2.0

package power

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// grantOf is what a binding of that name gives in a namespace, or everywhere.
func grantOf(binding, namespace string, rules ...rbacv1.PolicyRule) authz.Grant {
	key := inventory.Key{Kind: inventory.RoleBindingKind, Namespace: namespace, Name: binding}
	if namespace == "" {
		key.Kind = inventory.ClusterBindingKind
	}
	return authz.Grant{Binding: key, Namespace: namespace, Rules: rules}
}

func TestAGrantCompletesWhatOthersBegan(t *testing.T) {
	t.Parallel()
	create, get, all := rule("create", "", "secrets"), rule("get", "", "secrets"), rule("*", "*", "*")
	named := rule("get", "", "secrets")
	named.ResourceNames = []string{"tls"}
	for name, tc := range map[string]struct {
		one    authz.Grant
		others []authz.Grant
		want   []string
	}{
		"the other half":                           {grantOf("a", "shop", create), []authz.Grant{grantOf("b", "shop", get)}, []string{"RBAC-080 high in shop with b"}},
		"the other half everywhere":                {grantOf("a", "", create), []authz.Grant{grantOf("b", "", get)}, []string{"RBAC-080 critical in  with b"}},
		"the other half in two namespaces":         {grantOf("a", "", create), []authz.Grant{grantOf("b", "shop", get), grantOf("c", "kube-system", get)}, []string{"RBAC-080 critical in kube-system with c", "RBAC-080 high in shop with b"}},
		"everywhere, and so nowhere in particular": {grantOf("a", "", create), []authz.Grant{grantOf("b", "shop", get), grantOf("c", "", get)}, []string{"RBAC-080 critical in  with c"}},
		"the whole of something limited":           {grantOf("a", "shop", get), []authz.Grant{grantOf("b", "shop", create, named)}, []string{"RBAC-080 high in shop with b"}},
		"the halves in different namespaces":       {grantOf("a", "shop", create), []authz.Grant{grantOf("b", "store", get)}, nil},
		"nothing else":                             {grantOf("a", "shop", create), nil, nil},
		"both halves by itself":                    {grantOf("a", "shop", create, get), []authz.Grant{grantOf("b", "shop", get)}, nil},
		"both halves by the others":                {grantOf("a", "shop", get), []authz.Grant{grantOf("b", "shop", create), grantOf("c", "shop", get)}, nil},
		"no part":                                  {grantOf("a", "shop", rule("get", "", "pods")), []authz.Grant{grantOf("b", "shop", create), grantOf("c", "shop", get)}, nil},
		"what full control holds anyway":           {grantOf("a", "shop", create), []authz.Grant{grantOf("b", "shop", get), grantOf("c", "", all)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, j := range Completes(tc.one, tc.others, never) {
				with := ""
				for _, g := range j.With {
					with += " " + g.Binding.Name
				}
				got = append(got, j.Power.ID+" "+j.Severity.String()+" in "+j.Namespace+" with"+with)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("want -, got +:\n%s", d)
			}
		})
	}
}

func TestOnlyPartsOfACombinationContribute(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rules []rbacv1.PolicyRule
		want  bool
	}{
		"a half":                      {[]rbacv1.PolicyRule{rule("get", "", "secrets")}, true},
		"a half behind another rule":  {[]rbacv1.PolicyRule{rule("get", "", "pods"), rule("patch", "", "nodes")}, true},
		"another verb":                {[]rbacv1.PolicyRule{rule("delete", "", "secrets")}, false},
		"another group":               {[]rbacv1.PolicyRule{rule("get", "example.com", "secrets")}, false},
		"full control, which is more": {[]rbacv1.PolicyRule{rule("*", "*", "*")}, false},
		"nothing":                     {nil, false},
	} {
		if got := Contributes(tc.rules); got != tc.want {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
}

func TestByCountsWhatGrantsGiveTogether(t *testing.T) {
	t.Parallel()
	create, get, all := rule("create", "", "secrets"), rule("get", "", "secrets"), rule("*", "*", "*")
	p, known := Lookup("RBAC-080")
	if !known {
		t.Fatal("RBAC-080 is not in the table")
	}
	for name, tc := range map[string]struct {
		grants    []authz.Grant
		namespace string
		want      checks.Severity
	}{
		"both halves in a namespace":    {[]authz.Grant{grantOf("a", "shop", create), grantOf("b", "", get)}, "shop", checks.High},
		"both halves, looked elsewhere": {[]authz.Grant{grantOf("a", "shop", create), grantOf("b", "", get)}, "store", checks.SeverityUnset},
		"both halves everywhere":        {[]authz.Grant{grantOf("a", "", create, get)}, "", checks.Critical},
		"one half":                      {[]authz.Grant{grantOf("a", "", create)}, "", checks.SeverityUnset},
		"full control":                  {[]authz.Grant{grantOf("a", "shop", all)}, "shop", checks.Critical},
		"nothing":                       {nil, "", checks.SeverityUnset},
	} {
		if got := p.By(tc.grants, tc.namespace); got != tc.want {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
}

func never() bool { return false }
