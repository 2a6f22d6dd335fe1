// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// crowded is a namespace in which every Service leads to every Deployment, through
// one Ingress, and each Deployment runs as an account of its own.
func crowded(services, deployments int, selector func(int) map[string]string, labels func(int) map[string]string) *inventory.Inventory {
	e := inventory.New(shared("secrets")).Edit()
	ing := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	ing.Spec.Rules = []networkingv1.IngressRule{{Host: "shop.example.com"}}
	ing.Spec.Rules[0].HTTP = &networkingv1.HTTPIngressRuleValue{}
	for i := range services {
		svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprint("s", i)}}
		svc.Spec.Selector = selector(i)
		path := networkingv1.HTTPIngressPath{Path: fmt.Sprint("/", i)}
		path.Backend.Service = &networkingv1.IngressServiceBackend{Name: svc.Name}
		ing.Spec.Rules[0].HTTP.Paths = append(ing.Spec.Rules[0].HTTP.Paths, path)
		e.Put(inventory.NewEntry(svc))
	}
	e.Put(inventory.NewEntry(ing))
	for i := range deployments {
		d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprint("w", i)}}
		d.Spec.Template.Labels = labels(i)
		d.Spec.Template.Spec = corev1.PodSpec{ServiceAccountName: fmt.Sprint("a", i), Containers: []corev1.Container{{Name: "app"}}}
		e.Put(inventory.NewEntry(d))
	}
	return e.Inventory()
}

func alike(int) map[string]string { return map[string]string{"app": "web"} }

func differing(i int) map[string]string {
	return map[string]string{"app": "web", "part": fmt.Sprint(i)}
}

// everyAccount binds the role to each account of the namespace.
func everyAccount(n int) *rbacv1.ClusterRoleBinding {
	b := everybody()
	b.Subjects = nil
	for i := range n {
		b.Subjects = append(b.Subjects, rbacv1.Subject{Kind: "ServiceAccount", Namespace: "shop", Name: fmt.Sprint("a", i)})
	}
	return b
}

// everybody binds the role to all accounts of the cluster.
func everybody() *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "shared"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "shared"},
		Subjects:   []rbacv1.Subject{{Kind: "Group", APIGroup: rbacv1.GroupName, Name: "system:serviceaccounts"}},
	}
}

// TestAJudgementIsLinear counts allocations: what 50 Deployments more cost must not
// grow with the number of Services that lead to each of them. The API server waits
// for seconds only, and lets through what is not judged by then.
func TestAJudgementIsLinear(t *testing.T) { //nolint:paralleltest // allocations are counted
	const services, few, many = 600, 10, 60
	const most = 300. // allocations for a Deployment, its account and the chain
	for name, tc := range map[string]struct {
		object func(deployments int) inventory.Object
		labels func(int) map[string]string
	}{
		"a binding of each account":         {func(n int) inventory.Object { return everyAccount(n) }, alike},
		"each Deployment with other labels": {func(n int) inventory.Object { return everyAccount(n) }, differing},
		"a binding of everybody":            {func(int) inventory.Object { return everybody() }, differing},
		"the Ingress that leads to all":     {nil, differing},
	} {
		t.Run(name, func(t *testing.T) {
			j := judging(t)
			cost := func(n int) float64 {
				inv := crowded(services, n, alike, tc.labels)
				var o inventory.Object
				if tc.object != nil {
					o = tc.object(n)
				} else {
					inv = inv.With(everyAccount(n))
					o = inv.Entry(inventory.Key{Kind: inventory.IngressKind, Namespace: "shop", Name: "web"}).Object
				}
				return testing.AllocsPerRun(1, func() {
					if found := j.Of(verdict.Question{Object: o, Inventory: inv}); len(found) == 0 {
						t.Fatal("no findings")
					}
				})
			}
			if each := (cost(many) - cost(few)) / (many - few); each > most {
				t.Errorf("%.0f allocations for each Deployment, want at most %.0f", each, most)
			}
		})
	}
}

// TestEveryWayInIsCounted compares what counts of the doors with a look at each of
// them, where Services and workloads share the answers.
func TestEveryWayInIsCounted(t *testing.T) {
	t.Parallel()
	const services, deployments = 100, 12
	other := func(i int) map[string]string {
		return map[string]string{[]string{"app", "tier"}[i%2]: []string{"web", "back"}[i%3/2]}
	}
	labels := func(i int) map[string]string {
		return map[string]string{"app": []string{"web", "back"}[i%2], "tier": "web", "part": fmt.Sprint(i / 2)}
	}
	in := checks.Input{Object: everybody(), Inventory: crowded(services, deployments, other, labels), Parameters: checks.DefaultParameters()}
	j := newJudge(in)
	counted := 0
	for w := range j.workloads("shop") {
		var want doors
		want.add(newJudge(in).everyDoor(w))
		got := j.doorsOf(w)
		for r := range want.count {
			counted += want.count[r]
			if got.count[r] != want.count[r] || (got.best[r] == nil) != (want.best[r] == nil) || got.best[r] != nil && compareDoor(got.best[r], want.best[r]) != 0 {
				t.Errorf("%s: got %+v, want %+v", w.Key, got, want)
			}
		}
	}
	if counted < services {
		t.Errorf("%d doors", counted)
	}
	if len(j.at.groups) == 0 {
		t.Error("the Services were not put into groups")
	}
}
