// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// BenchmarkBackendChecks measures what the checks of list_backend.go cost an object that
// has no fault, in a namespace of 200 Services with 5 pods each.
func BenchmarkBackendChecks(b *testing.B) {
	var objects []inventory.Object
	service := func(i int) *corev1.Service {
		return &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprintf("web-%d", i)},
			Spec: corev1.ServiceSpec{
				Type: corev1.ServiceTypeClusterIP, Selector: map[string]string{"app": fmt.Sprintf("web-%d", i)},
				Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8080)}},
			},
		}
	}
	for i := range 200 {
		objects = append(objects, service(i))
		for j := range 5 {
			p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprintf("web-%d-%d", i, j), Labels: map[string]string{"app": fmt.Sprintf("web-%d", i)}}}
			p.Spec.Containers = []corev1.Container{{Name: "web", Image: "registry.example.com/shop/web:1.4", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}}}
			p.Status.PodIPs = []corev1.PodIP{{IP: fmt.Sprintf("10.244.%d.%d", i, j)}}
			objects = append(objects, p)
		}
	}
	inv := inventory.New(objects...)
	set, err := checks.NewSet(backendChecks()...)
	if err != nil {
		b.Fatal(err)
	}
	named := service(7)
	named.Spec.Ports[0].TargetPort = intstr.FromString("http")
	for name, o := range map[string]inventory.Object{"service": service(7), "service with a named port": named, "pod": objects[1]} {
		in := checks.Input{Object: o, Inventory: inv.With(o), Parameters: checks.DefaultParameters()}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := set.Evaluate(in); len(got) > 0 {
					b.Fatal(got)
				}
			}
		})
	}
}
