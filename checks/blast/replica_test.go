// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestAReplicaIsFoundByItsAddress lists one of two pods of a controller for an
// exposed Service, and gives their account its rights last.
func TestAReplicaIsFoundByItsAddress(t *testing.T) {
	t.Parallel()
	binding := func(s rbacv1.Subject) *rbacv1.RoleBinding {
		return &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shared"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "shared"}, Subjects: []rbacv1.Subject{s},
		}
	}
	account := binding(rbacv1.Subject{Kind: "ServiceAccount", Namespace: "shop", Name: "default"})
	group := binding(rbacv1.Subject{Kind: "Group", APIGroup: rbacv1.GroupName, Name: "system:serviceaccounts:shop"})
	for name, tc := range map[string]struct {
		listed string
		object inventory.Object
		want   string // the pod; empty: none
	}{
		"the first, by its account":  {"10.0.0.1", account, "p1"},
		"the second, by its account": {"10.0.0.2", account, "p2"},
		"the second, by the group":   {"10.0.0.2", group, "p2"},
		"another address":            {"10.0.0.3", account, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer}}
			ends := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-1"}, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{tc.listed}}}}
			ends.Labels = map[string]string{discoveryv1.LabelServiceName: "web"}
			e := inventory.New(svc, ends, shared("secrets")).Edit()
			for i := range 2 {
				yes := true
				pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprint("p", i+1), Labels: map[string]string{"app": "web"}}}
				pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web", Controller: &yes}}
				pod.Spec.Containers = []corev1.Container{{Name: "app"}}
				pod.Status.PodIPs = []corev1.PodIP{{IP: fmt.Sprint("10.0.0.", i+1)}}
				e.Put(inventory.CompactEntry(pod))
			}
			set, err := checks.NewSet(All()...)
			if err != nil {
				t.Fatal(err)
			}
			found := set.Evaluate(checks.Input{Object: tc.object, Inventory: e.Inventory().With(tc.object), Parameters: checks.DefaultParameters()}.Sharing())
			at := slices.IndexFunc(found, func(f checks.Finding) bool { return f.Check == "XR-001" })
			switch {
			case tc.want == "" && at >= 0:
				t.Errorf("got %v, want nothing", found[at])
			case tc.want != "" && (at < 0 || found[at].Subject != "workload/shop/Pod/"+tc.want):
				t.Errorf("got %v, want Pod %s", found, tc.want)
			}
		})
	}
}
