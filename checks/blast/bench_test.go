// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"fmt"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/bench/shape"
)

// published is the large shape, whose workloads all stand behind the gateway, with
// a ClusterRole that a thousand RoleBindings, each in a namespace of its own, give
// to the account of an application there. In unpublished no Ingress leads to any of
// them.
var (
	published = sync.OnceValue(func() *inventory.Inventory { return bound(shape.Large.Inventory().Edit()) })

	unpublished = sync.OnceValue(func() *inventory.Inventory {
		e := shape.Large.Inventory().Edit()
		for _, k := range e.Keys(inventory.IngressKind) {
			e.Delete(k)
		}
		return bound(e)
	})
)

func bound(e *inventory.Edit) *inventory.Inventory {
	e.Put(inventory.NewEntry(shared("configmaps")))
	for i := range 1000 {
		home := shape.Large.Service(i).GetNamespace()
		b := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: home, Name: "shared"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "shared"},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: home, Name: fmt.Sprintf("account-%d", i)}},
		}
		e.Put(inventory.NewEntry(b))
	}
	return e.Inventory()
}

func shared(resource string) *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "shared"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{resource}, Verbs: []string{"get", "list"}}},
	}
}

func judging(tb testing.TB) verdict.Judge {
	tb.Helper()
	set, err := checks.NewSet(All()...)
	if err != nil {
		tb.Fatal(err)
	}
	return verdict.Judge{Policy: policy.Default(set)}
}

// BenchmarkXR is the cost of these checks for one review, the overlay of the
// object included. The workloads of the large shape are published through the
// gateway.
func BenchmarkXR(b *testing.B) {
	service := func(typ corev1.ServiceType, name string) inventory.Object {
		svc := shape.Large.Service(7).(*corev1.Service)
		svc.Spec.Type, svc.Name = typ, name
		return svc
	}
	for name, bc := range map[string]struct {
		object, old inventory.Object
		over        func() *inventory.Inventory
	}{
		"service-unexposed":                   {object: service(corev1.ServiceTypeClusterIP, "new"), over: published},
		"service-exposed":                     {object: service(corev1.ServiceTypeLoadBalancer, "new"), over: published},
		"pod":                                 {object: shape.Large.Pod(7), over: published},
		"ingress":                             {object: shape.Large.Ingress(7), over: published},
		"cluster-role-1000-exposed":           {object: shared("secrets"), old: shared("configmaps"), over: published},
		"cluster-role-1000-bindings":          {object: shared("secrets"), old: shared("configmaps"), over: unpublished},
		"cluster-role-1000-bindings-harmless": {object: shared("pods"), old: shared("configmaps"), over: published},
	} {
		b.Run(name, func(b *testing.B) {
			j, inv := judging(b), bc.over()
			b.ReportAllocs()
			var found int
			for b.Loop() {
				found = len(j.Of(verdict.Question{Object: bc.object, Old: bc.old, Inventory: inv}))
			}
			b.ReportMetric(float64(found), "findings")
		})
	}
}
