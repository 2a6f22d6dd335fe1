// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// large is n workloads with a Service each, in namespaces of 20, and five calls
// from each, a third of them into another namespace.
func large(n int) *inventory.Inventory {
	var objects []inventory.Object
	name := func(i int) (namespace, short string) { return fmt.Sprintf("ns-%03d", i/20), fmt.Sprintf("app-%05d", i) }
	for i := range n {
		ns, short := name(i)
		labels := map[string]string{"app": short}
		c := corev1.Container{Name: "c", Image: "i", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}}
		for k := range 20 {
			c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_%d", k), Value: "a plain value"})
		}
		for k := range 5 {
			to := (i/20*20 + (i+k*7+1)%20) % n
			if k%3 == 0 {
				to = (i + 37*(k+1)) % n
			}
			otherNS, other := name(to)
			c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("UPSTREAM_%d_URL", k), Value: "http://" + other + "." + otherNS + ".svc.cluster.local:80/api"})
		}
		d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: short}}
		d.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
		d.Spec.Template.Labels = labels
		d.Spec.Template.Spec.Containers = []corev1.Container{c}
		s := service(ns+"/"+short, "80")
		objects = append(objects, d, s)
	}
	return inventory.New(objects...)
}

func BenchmarkEdges(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprintf("workloads=%d", n), func(b *testing.B) {
			inv := large(n)
			u, err := generator.Observe(inv)
			if err != nil {
				b.Fatal(err)
			}
			env := generator.NewEnvironment()
			b.ReportAllocs()
			edges := 0
			for b.Loop() {
				edges = len(Edges(inv, u, &env, Options{}).Edges)
			}
			b.ReportMetric(float64(edges), "edges")
			if edges < 5*n {
				b.Fatalf("%d edges", edges)
			}
		})
	}
}
