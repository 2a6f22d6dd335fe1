// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// randomDoors are a few Services, Ingresses, endpoints and pods of two namespaces
// that lead to each other, or not.
func randomDoors(r *rand.Rand) []inventory.Object {
	meta := func() metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: pick(r, "shop", "bank"), Name: fmt.Sprint("x", r.IntN(5))}
	}
	labels := func() map[string]string {
		out := map[string]string{}
		for range r.IntN(3) {
			out[pick(r, "app", "tier")] = pick(r, "1", "2")
		}
		return out
	}
	var out []inventory.Object
	for range 4 + r.IntN(8) {
		svc := &corev1.Service{ObjectMeta: meta(), Spec: corev1.ServiceSpec{Type: pick(r, corev1.ServiceTypeClusterIP, corev1.ServiceTypeNodePort, corev1.ServiceTypeLoadBalancer), Selector: labels()}}
		ing := &networkingv1.Ingress{ObjectMeta: meta()}
		ing.Spec.DefaultBackend = &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: fmt.Sprint("x", r.IntN(5))}}
		ends := &discoveryv1.EndpointSlice{ObjectMeta: meta(), Endpoints: []discoveryv1.Endpoint{{Addresses: []string{fmt.Sprint("10.0.0.", r.IntN(5))}}}}
		ends.Labels = map[string]string{discoveryv1.LabelServiceName: fmt.Sprint("x", r.IntN(5))}
		pod := &corev1.Pod{ObjectMeta: meta()}
		pod.Labels = labels()
		pod.Status.PodIPs = []corev1.PodIP{{IP: fmt.Sprint("10.0.0.", r.IntN(5))}}
		out = append(out, svc, ing, ends, pod)
	}
	return out
}

// TestManyServicesAreAskedAsFew compares the doors that a look at all Services of a
// namespace finds with those that the index finds, in a sweep and outside one.
func TestManyServicesAreAskedAsFew(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(6, 2))
	compared := 0
	for range 600 {
		inv := inventory.New(randomDoors(r)...)
		in := checks.Input{Object: &corev1.Service{}, Inventory: inv, Parameters: checks.DefaultParameters()}
		sweep := newJudge(in)
		sweep.sweep()
		for e := range inv.Entries(inventory.PodKind, "") {
			many, few := newJudge(in), newJudge(in)
			many.at = home{namespace: e.Key.Namespace, known: true, many: true}
			want := ways(many.everyDoor(e.Workload))
			compared += len(want)
			for name, j := range map[string]*judge{"few": few, "sweep": sweep} {
				if got := ways(j.everyDoor(e.Workload)); !slices.Equal(got, want) {
					t.Fatalf("%s to %s: got %v, want %v", name, e.Key, got, want)
				}
			}
		}
	}
	if compared < 1000 {
		t.Errorf("%d doors", compared)
	}
}

func ways(doors []door) []string {
	var out []string
	for i := range doors {
		out = append(out, fmt.Sprint(doors[i].From, " by ", doors[i].By, " to ", doors[i].svc.Name))
	}
	slices.Sort(out)
	return out
}
