// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func TestASuggestionIsCompact(t *testing.T) {
	t.Parallel()
	u := NewUsage()
	for _, r := range []authz.Request{
		{Verb: "get", Resource: "pods", Namespace: "shop", Name: "a"},
		{Verb: "list", Resource: "pods", Namespace: "shop"},
		{Verb: "get", Resource: "services", Namespace: "shop", Name: "b"},
		{Verb: "list", Resource: "services", Namespace: "shop"},
		{Verb: "get", Resource: "secrets", Namespace: "shop", Name: "tls"},
		{Verb: "list", Group: "apps", Resource: "deployments"},
		{Verb: "get", Path: "/metrics"},
		{Verb: "get", Path: "/api/v1"}, // everybody may
	} {
		u.Add(Use{User: "system:serviceaccount:shop:web", Request: r})
	}
	var got strings.Builder
	for _, o := range u.Suggest("system:serviceaccount:shop:web", Options{Names: 1}).Objects {
		data, err := yaml.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "---\n%s", data)
	}
	want := `---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: shop:web-least
rules:
- apiGroups:
  - apps
  resources:
  - deployments
  verbs:
  - list
- nonResourceURLs:
  - /metrics
  verbs:
  - get
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: shop:web-least
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: shop:web-least
subjects:
- kind: ServiceAccount
  name: web
  namespace: shop
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: web-least
  namespace: shop
rules:
- apiGroups:
  - ""
  resourceNames:
  - a
  resources:
  - pods
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - pods
  - services
  verbs:
  - list
- apiGroups:
  - ""
  resourceNames:
  - tls
  resources:
  - secrets
  verbs:
  - get
- apiGroups:
  - ""
  resourceNames:
  - b
  resources:
  - services
  verbs:
  - get
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: web-least
  namespace: shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: web-least
subjects:
- kind: ServiceAccount
  name: web
  namespace: shop
`
	if d := cmp.Diff(want, got.String()); d != "" {
		t.Errorf("(want -, got +):\n%s", d)
	}
}

// Whatever a subject did, what is suggested allows it, and nothing that it did
// not do with another verb, resource or namespace.
func TestASuggestionAllowsWhatWasDoneAndNoMore(t *testing.T) {
	t.Parallel()
	const user = "system:serviceaccount:shop:web"
	verbs, resources, namespaces, names := []string{"get", "list", "create", "delete"}, []string{"pods", "secrets", "configmaps"}, []string{"", "shop", "bank"}, []string{"", "a", "b", "c"}
	asked := 0
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		pick := func(list []string) string { return list[random.IntN(len(list))] }
		u, done := NewUsage(), []authz.Request{}
		for range 1 + random.IntN(12) {
			r := authz.Request{Verb: pick(verbs), Resource: pick(resources), Namespace: pick(namespaces), Name: pick(names)}
			if r.Verb == "list" || r.Verb == "create" {
				r.Name = ""
			}
			done = append(done, r)
			u.Add(Use{User: user, Request: r})
		}
		s := u.Suggest(user, Options{Names: int(seed % 3)})
		v := authz.Over(inventory.New(s.Objects...))
		for _, r := range done {
			if _, ok := v.Allowed(authz.ServiceAccount("shop", "web"), r); !ok {
				t.Fatalf("seed %d: %s was done and is not allowed by %v", seed, r, s.Objects)
			}
		}
		for _, verb := range verbs {
			for _, resource := range resources {
				for _, namespace := range namespaces {
					asked++
					r := authz.Request{Verb: verb, Resource: resource, Namespace: namespace}
					_, allowed := v.Allowed(authz.ServiceAccount("shop", "web"), r)
					// What was done in the whole cluster is allowed in each namespace.
					did := slices.ContainsFunc(done, func(d authz.Request) bool {
						return d.Verb == verb && d.Resource == resource && (d.Namespace == namespace || d.Namespace == "")
					})
					if allowed && !did {
						t.Fatalf("seed %d: %s was not done and is allowed", seed, r)
					}
				}
			}
		}
	}
	if asked == 0 {
		t.Fatal("nothing was asked")
	}
}

func TestUnusedPermissionsAreNamed(t *testing.T) {
	t.Parallel()
	granted := authz.Over(inventory.New(
		&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "r"}, Rules: []rbacv1.PolicyRule{
			{Verbs: []string{"get", "list"}, APIGroups: []string{""}, Resources: []string{"pods", "secrets"}},
		}},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "b"}, RoleRef: rbacv1.RoleRef{Kind: "Role", Name: "r"},
			Subjects: []rbacv1.Subject{{Kind: "User", Name: "system:serviceaccount:shop:web"}},
		},
	))
	u := NewUsage()
	u.Add(Use{User: "system:serviceaccount:shop:web", Request: authz.Request{Verb: "get", Resource: "pods", Namespace: "shop", Name: "a"}})
	u.Add(Use{User: "system:serviceaccount:shop:web", Request: authz.Request{Verb: "get", Resource: "secrets", Namespace: "bank", Name: "a"}})
	var got []string
	for _, un := range u.Suggest("system:serviceaccount:shop:web", Options{Granted: &granted}).Unused {
		got = append(got, un.Rule.Verbs[0]+" "+un.Rule.Resources[0]+" by "+un.Binding.String())
	}
	slices.Sort(got)
	if d := cmp.Diff([]string{"get secrets by RoleBinding shop/b", "list pods by RoleBinding shop/b", "list secrets by RoleBinding shop/b"}, got); d != "" {
		t.Errorf("(want -, got +):\n%s", d)
	}
}

func TestWhatEverybodyMayReadNeedsNoRole(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path   string
		needed bool
	}{
		"discovery":                     {"/apis/apps/v1", false},
		"the root of it":                {"/api", false},
		"the state of the API server":   {"/livez", false},
		"a single probe of that state":  {"/livez/etcd", true},
		"what the version path is not":  {"/version/x", true},
		"a path that begins like one":   {"/apisx", true},
		"what nobody else may read":     {"/metrics", true},
		"documentation of the resource": {"/openapi/v3", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := NewUsage()
			u.Add(Use{User: "u", Request: authz.Request{Verb: "get", Path: tc.path}})
			if got := len(u.Suggest("u", Options{}).Objects) > 0; got != tc.needed {
				t.Errorf("a role is suggested: %v, want %v", got, tc.needed)
			}
		})
	}
}
