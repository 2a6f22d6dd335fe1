// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// BenchmarkWriteToVisible measures, with a real API server, from the answer to a
// write until the inventory shows it.
func BenchmarkWriteToVisible(b *testing.B) {
	c := newClient(b, controlplane.Get(b).RESTConfig())
	ns := namespaceName(b)
	create(b, c, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})
	l := NewLive(c, LiveOptions{})
	start(b, l)
	sync1(b, l)
	var took []time.Duration
	i := 0
	for b.Loop() {
		i++
		name := fmt.Sprintf("s-%d", i)
		create(b, c, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}})
		began := time.Now()
		k := key("ServiceAccount", ns, name)
		for l.Inventory().Entry(k) == nil {
			time.Sleep(50 * time.Microsecond)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
}
