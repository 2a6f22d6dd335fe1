// SPDX-License-Identifier: Apache-2.0

// Package stock judges what a new cluster holds before anybody installed
// anything: the roles, bindings and accounts that Kubernetes itself makes.
package stock

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// The controllers copy the rules of aggregated roles and make ServiceAccounts.
func TestMain(m *testing.M) {
	controlplane.MainWith(m, controlplane.Options{WithControllerManager: true, Log: os.Stderr})
}

// bootstrapping is the label of what the API server makes.
const bootstrapping = "kubernetes.io/bootstrapping"

func client(t *testing.T) kubernetes.Interface {
	t.Helper()
	cfg := controlplane.Get(t).RESTConfig()
	cfg.QPS = -1
	api, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// list returns every object of RBAC and every ServiceAccount.
func list(t *testing.T, api kubernetes.Interface) []inventory.Object {
	t.Helper()
	var out []inventory.Object
	all := metav1.ListOptions{}
	fail := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	roles, err := api.RbacV1().Roles("").List(t.Context(), all)
	fail(err)
	clusterRoles, err := api.RbacV1().ClusterRoles().List(t.Context(), all)
	fail(err)
	bindings, err := api.RbacV1().RoleBindings("").List(t.Context(), all)
	fail(err)
	clusterBindings, err := api.RbacV1().ClusterRoleBindings().List(t.Context(), all)
	fail(err)
	accounts, err := api.CoreV1().ServiceAccounts("").List(t.Context(), all)
	fail(err)
	for i := range roles.Items {
		out = append(out, &roles.Items[i])
	}
	for i := range clusterRoles.Items {
		out = append(out, &clusterRoles.Items[i])
	}
	for i := range bindings.Items {
		out = append(out, &bindings.Items[i])
	}
	for i := range clusterBindings.Items {
		out = append(out, &clusterBindings.Items[i])
	}
	for i := range accounts.Items {
		out = append(out, &accounts.Items[i])
	}
	return out
}

// settled lists until the aggregated roles hold rules.
func settled(t *testing.T, api kubernetes.Interface) (objects []inventory.Object) {
	t.Helper()
	controlplane.Eventually(t, time.Minute, "admin, edit and view hold rules", func() error {
		objects = list(t, api)
		full := 0
		for _, o := range objects {
			if r, ok := o.(*rbacv1.ClusterRole); ok && slices.Contains([]string{"admin", "edit", "view"}, r.Name) && len(r.Rules) > 0 {
				full++
			}
		}
		if full < 3 {
			return fmt.Errorf("%d of them do", full)
		}
		return nil
	})
	return objects
}

// stocked is what a new cluster holds, and the policy without configuration.
func stocked(t *testing.T) ([]inventory.Object, *inventory.Inventory, *policy.Policy) {
	t.Helper()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	objects := settled(t, client(t))
	return objects, inventory.New(objects...), policy.Default(set)
}

// TestAStockClusterIsNotDenied judges everything as strictly as can be: enforced,
// in both profiles, as stored and as written by a person.
func TestAStockClusterIsNotDenied(t *testing.T) {
	objects, inv, p := stocked(t)
	for _, profile := range []policy.Profile{policy.Baseline, policy.Strict} {
		for _, request := range []checks.Request{{Stored: true}, {User: "kubernetes-admin"}} {
			made, actions, by := map[string]int{}, map[checks.Action]int{}, map[string]int{}
			for _, o := range objects {
				made[inventory.GroupKindOf(o).Kind]++
				v := verdict.Judge{Policy: p}.Of(verdict.Question{Object: o, Inventory: inv, Held: true, Request: request, Mode: policy.Enforce, Profile: profile})
				for _, j := range v {
					actions[j.Action]++
					by[j.Check+" "+j.Action.String()]++
					if j.Action == checks.Deny {
						t.Errorf("%s is denied: %s %s at %s: %s", inventory.KeyOf(o), j.Check, j.Name, j.Field, j.Message)
					} else {
						t.Logf("%s: %s %s: %s", inventory.KeyOf(o), j.Action, j.Check, j.Message)
					}
				}
			}
			if made["ClusterRole"] < 60 || made["ClusterRoleBinding"] < 40 || made["Role"] < 5 || made["RoleBinding"] < 5 || made["ServiceAccount"] < 1 {
				t.Fatalf("this is no stock cluster: %v", made)
			}
			t.Logf("profile %d, stored %v: %v; %d denied, %d warned of, %d recorded: %s", profile, request.Stored, made, actions[checks.Deny], actions[checks.Warn], actions[checks.Audit], counts(by))
		}
	}
}

func counts(by map[string]int) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(by)) {
		out = append(out, fmt.Sprintf("%s %d", k, by[k]))
	}
	return cmp.Or(strings.Join(out, ", "), "nothing")
}

// TestAStockClusterThatIsTamperedWithIsDenied changes each of its roles and bindings
// and expects a denial: names and labels alone are not taken for Kubernetes'.
func TestAStockClusterThatIsTamperedWithIsDenied(t *testing.T) {
	objects, inv, p := stocked(t)
	changed := 0
	for _, o := range objects {
		if o.GetLabels()[bootstrapping] == "" {
			continue
		}
		bad, ok := tamper(t, o)
		if !ok {
			continue
		}
		changed++
		v := verdict.Judge{Policy: p}.Of(verdict.Question{Object: bad, Old: o, Inventory: inv, Request: checks.Request{Operation: checks.Update, User: "mallory"}, Mode: policy.Enforce, Profile: policy.Baseline})
		if !slices.ContainsFunc(v, func(j policy.Judged) bool { return j.Check == "RBAC-015" && j.Action == checks.Deny }) {
			t.Errorf("%s was changed, and RBAC-015 does not deny it: %v", inventory.KeyOf(o), v)
		}
	}
	if changed < 100 {
		t.Fatalf("only %d objects were changed", changed)
	}
	t.Logf("%d roles and bindings changed", changed)
}

// tamper adds a rule that nothing ships, or a subject.
func tamper(t *testing.T, o inventory.Object) (inventory.Object, bool) {
	t.Helper()
	rule := rbacv1.PolicyRule{Verbs: []string{"use"}, APIGroups: []string{"example.com"}, Resources: []string{"widgets"}}
	subject := rbacv1.Subject{Kind: "ServiceAccount", Namespace: "shop", Name: "web"}
	switch o := o.DeepCopyObject().(type) {
	case *rbacv1.Role:
		o.Rules = append(o.Rules, rule)
		return o, true
	case *rbacv1.ClusterRole:
		if o.Name == "cluster-admin" {
			return nil, false // it allows everything already
		}
		o.Rules = append(o.Rules, rule)
		return o, true
	case *rbacv1.RoleBinding:
		o.Subjects = append(o.Subjects, subject)
		return o, true
	case *rbacv1.ClusterRoleBinding:
		o.Subjects = append(o.Subjects, subject)
		return o, true
	}
	return nil, false
}
