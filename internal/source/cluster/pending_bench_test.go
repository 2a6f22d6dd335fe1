// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// BenchmarkAdmit measures what an admitted object costs at 50,000 pods: CPU time
// of the whole process, garbage collection included, and how long a review waits
// for it when 32 come at once. Nothing is confirmed; where the ledger is full, each
// admission also ends an older one.
func BenchmarkAdmit(b *testing.B) {
	endless := PendingOptions{Objects: 1 << 30, Bytes: 1 << 50, Life: time.Hour}
	for name, make1 := range map[string]func(i int) inventory.Object{
		"service":    func(i int) inventory.Object { return benchService(i) },
		"deployment": func(i int) inventory.Object { return benchDeployment(i) },
		"pod":        func(i int) inventory.Object { return benchPod(i) },
	} {
		for _, workers := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/%d at once", name, workers), func(b *testing.B) {
				l := filled(b, endless)
				measureAdmissions(b, workers, func(i int64) bool {
					return l.Admit(make1(int(i)), "", 8<<10)
				})
			})
		}
	}
	b.Run("service, full/1 at once", func(b *testing.B) {
		l := filled(b, PendingOptions{Objects: 1000})
		for i := range 1000 {
			l.Admit(benchService(-i), "", 1)
		}
		measureAdmissions(b, 1, func(i int64) bool { return l.Admit(benchService(int(i)), "", 8<<10) })
	})
	b.Run("update/1 at once", func(b *testing.B) {
		l := filled(b, endless)
		measureAdmissions(b, 1, func(i int64) bool {
			o := pod(int(i) % benchmarkPods)
			o.ResourceVersion = "1"
			o.UID = types.UID(o.Name)
			return l.Admit(o, "1", 8<<10)
		})
	})
}

// filled is a running Live with 50,000 pods.
func filled(b *testing.B, o PendingOptions) *Live {
	b.Helper()
	l, w := offline(b, Hooks{}, "Pod", "Service", "Deployment.apps")
	l.pending = newLedger(o)
	must(b, w[0].Replace(stubs(w[0], pods(0, benchmarkPods)...), "1"))
	must(b, w[1].Replace(nil, "1"))
	must(b, w[2].Replace(nil, "1"))
	for !w[0].synced.Load() || !w[1].synced.Load() || !w[2].synced.Load() {
		runtime.Gosched()
	}
	runtime.GC()
	return l
}

func measureAdmissions(b *testing.B, workers int, admit func(i int64) bool) {
	b.Helper()
	var next atomic.Int64
	took := make([][]time.Duration, workers)
	n := int64(0)
	b.ResetTimer()
	before := processorTime()
	for b.Loop() {
		n++
		if workers == 1 {
			began := time.Now()
			if !admit(next.Add(1)) {
				b.Fatal("not visible")
			}
			took[0] = append(took[0], time.Since(began))
			continue
		}
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				began := time.Now()
				if !admit(next.Add(1)) {
					b.Error("not visible")
				}
				took[w] = append(took[w], time.Since(began))
			})
		}
		wg.Wait()
	}
	spent := processorTime() - before
	all := slices.Concat(took...)
	slices.Sort(all)
	b.ReportMetric(float64(spent.Nanoseconds())/1000/float64(n*int64(workers)), "cpu-us/object")
	b.ReportMetric(float64(all[len(all)/2].Nanoseconds())/1000, "p50-us")
	b.ReportMetric(float64(all[len(all)*99/100].Nanoseconds())/1000, "p99-us")
}

func processorTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func benchService(i int) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns-" + strconv.Itoa(max(i, -i)%3000), Name: "s-" + strconv.Itoa(i), UID: types.UID(strconv.Itoa(i))},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "app-" + strconv.Itoa(max(i, -i)%10000)}, Ports: []corev1.ServicePort{{Port: 80}}},
	}
}

func benchDeployment(i int) *appsv1.Deployment {
	p := pod(i % benchmarkPods)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: "d-" + strconv.Itoa(i), UID: types.UID(strconv.Itoa(i)), Labels: map[string]string{"app": "x"}},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: p.Labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: p.Labels}, Spec: p.Spec},
		},
	}
}

func benchPod(i int) *corev1.Pod {
	p := pod(i % benchmarkPods)
	p.Name, p.UID, p.ResourceVersion, p.Status = p.Name+"-"+strconv.Itoa(i), types.UID(strconv.Itoa(i)), "", corev1.PodStatus{}
	return p
}
