// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"

	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// offline is a Live whose writer runs, with watchers that the test plays the
// reflector of.
func offline(t testing.TB, hooks Hooks, kinds ...string) (*Live, []*watcher) {
	t.Helper()
	l := NewLive(nil, LiveOptions{Hooks: hooks})
	ctx, cancel := context.WithCancel(context.Background())
	l.ended = ctx.Done()
	var wg sync.WaitGroup
	wg.Go(func() { l.write(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	var out []*watcher
	for _, k := range kindsNamed(t, kinds...) {
		w := &watcher{kind: k, presence: presence{version: k.Version}, live: l, log: logr.Discard(), stop: func() {}, done: make(chan struct{})}
		close(w.done)
		l.watchers[k.GroupKind] = w
		out = append(out, w)
	}
	return l, out
}

func pod(i int) *corev1.Pod {
	yes := true
	app := fmt.Sprintf("app-%d", i/5)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: fmt.Sprintf("ns-%d", i/16), Name: fmt.Sprintf("%s-%d", app, i), ResourceVersion: "1",
			Labels:          map[string]string{"app": app, "team": fmt.Sprintf("team-%d", i%50), "pod-template-hash": fmt.Sprint(i / 5)},
			OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: app, Controller: &yes}},
		},
		Spec: corev1.PodSpec{
			ServiceAccountName: "default",
			Containers: []corev1.Container{{
				Name: "app", Image: "registry.example.com/" + app + ":1", Ports: []corev1.ContainerPort{{ContainerPort: 8080}},
				Env: []corev1.EnvVar{{Name: "A", Value: "b"}},
			}},
		},
		Status: corev1.PodStatus{PodIP: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)},
	}
}

func stubs(w *watcher, objects ...apiruntime.Object) []any {
	c := newCompactor(w.kind, &inventory.Pool{})
	c.listing()
	out := make([]any, 0, len(objects))
	for _, o := range objects {
		out = append(out, c.stub(o))
	}
	return out
}

func pods(from, to int) []apiruntime.Object {
	out := make([]apiruntime.Object, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, pod(i))
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestARelistRemovesWhatIsGone(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var counts []int
	l, w := offline(t, Hooks{Published: func(Publication) {
		mu.Lock()
		defer mu.Unlock()
		counts = append(counts, 0)
	}}, "Pod")
	must(t, w[0].Replace(stubs(w[0], pods(0, 2000)...), "1"))
	controlplane.Eventually(t, time.Minute, "the first list is published", controlplane.Holds(w[0].synced.Load))
	if n := l.Inventory().Len(inventory.PodKind); n != 2000 {
		t.Fatalf("got %d pods", n)
	}
	mu.Lock()
	if len(counts) != 1 {
		t.Errorf("the first list came in %d versions, not one", len(counts))
	}
	mu.Unlock()
	must(t, w[0].Replace(stubs(w[0], pods(500, 2100)...), "2"))
	controlplane.Eventually(t, time.Minute, "the second list is taken over", controlplane.Holds(func() bool {
		return l.Inventory().Len(inventory.PodKind) == 1600
	}))
	if e := l.Inventory().Entry(inventory.KeyOf(pod(499))); e != nil {
		t.Error("a pod that is gone is still there")
	}
	if e := l.Inventory().Entry(inventory.KeyOf(pod(500))); e == nil {
		t.Error("a pod that stayed is gone")
	}
	if n := len(slices.Collect(l.Inventory().PodsAt("10.0.0.1"))); n != 0 {
		t.Error("an index still holds a pod that is gone")
	}
}

func TestReplicasShareOneSpecBeforeAndAfterTheyAreKept(t *testing.T) {
	t.Parallel()
	l, w := offline(t, Hooks{}, "Pod")
	list := stubs(w[0], pods(0, 5)...)
	first := list[0].(*stub).entry.Workload.Spec
	for _, o := range list {
		if o.(*stub).entry.Workload.Spec != first {
			t.Fatal("replicas wait with a spec each")
		}
	}
	must(t, w[0].Replace(list, "1"))
	controlplane.Eventually(t, time.Minute, "the list is published", controlplane.Holds(w[0].synced.Load))
	different := pod(4)
	different.Spec.HostNetwork = true
	must(t, w[0].Update(newCompactor(w[0].kind, &inventory.Pool{}).stub(different)))
	controlplane.Eventually(t, time.Minute, "the change is visible", controlplane.Holds(func() bool { return l.Inventory().Entry(inventory.KeyOf(different)).Workload.Spec.HostNetwork }))
	if l.Inventory().Entry(inventory.KeyOf(pod(3))).Workload.Spec.HostNetwork {
		t.Error("a change of one replica changed another")
	}
}

func TestChangesOfAKindThatIsGoneDoNotCount(t *testing.T) {
	t.Parallel()
	l, w := offline(t, Hooks{}, "Pod", "Service")
	must(t, w[0].Replace(stubs(w[0], pods(0, 10)...), "1"))
	must(t, l.queue(change{watcher: w[0], verb: withdraw, at: time.Now()}))
	must(t, w[0].Add(stubs(w[0], pod(11))[0]))
	must(t, w[1].Replace(nil, "1"))
	controlplane.Eventually(t, time.Minute, "everything is applied", controlplane.Holds(w[1].synced.Load))
	if n := l.Inventory().Len(inventory.PodKind); n != 0 {
		t.Errorf("got %d pods", n)
	}
}

func TestAStormCostsFewVersions(t *testing.T) {
	t.Parallel()
	l, w := offline(t, Hooks{}, "Pod")
	must(t, w[0].Replace(stubs(w[0], pods(0, 1000)...), "1"))
	controlplane.Eventually(t, time.Minute, "the list is published", controlplane.Holds(w[0].synced.Load))
	const events = 20_000
	storm := stubs(w[0], pods(0, 1000)...)
	before := l.Generation()
	for i := range events {
		must(t, w[0].Update(storm[i%1000]))
	}
	must(t, w[0].Delete(newCompactor(w[0].kind, &inventory.Pool{}).gone(pod(0))))
	controlplane.Eventually(t, time.Minute, "the storm is over", controlplane.Holds(func() bool { return l.Inventory().Len(inventory.PodKind) == 999 }))
	if n := l.Generation() - before; n > events/4 {
		t.Errorf("%d events made %d versions", events, n)
	} else {
		t.Logf("%d events made %d versions", events, n)
	}
}

func TestAReaderKeepsItsVersion(t *testing.T) {
	t.Parallel()
	l, w := offline(t, Hooks{}, "Pod")
	must(t, w[0].Replace(stubs(w[0], pods(0, 100)...), "1"))
	controlplane.Eventually(t, time.Minute, "the list is published", controlplane.Holds(w[0].synced.Load))
	held, generation := l.Inventory(), l.Generation()
	for i := range 100 {
		must(t, w[0].Delete(newCompactor(w[0].kind, &inventory.Pool{}).gone(pod(i))))
	}
	controlplane.Eventually(t, time.Minute, "all are gone", controlplane.Holds(func() bool { return l.Inventory().Len(inventory.PodKind) == 0 }))
	if held.Len(inventory.PodKind) != 100 || l.Generation() <= generation {
		t.Error("a version changed after it was published")
	}
}

const benchmarkPods = 50_000

// BenchmarkEventToVisible measures, at 50,000 pods, from a decoded watch event to
// the version that shows it.
func BenchmarkEventToVisible(b *testing.B) {
	for name, noise := range map[string]int{"quiet": 0, "behind 1000 other events": 1000} {
		b.Run(name, func(b *testing.B) {
			l, w := offline(b, Hooks{}, "Pod", "Service")
			must(b, w[0].Replace(stubs(w[0], pods(0, benchmarkPods)...), "1"))
			must(b, w[1].Replace(nil, "1"))
			for !w[1].synced.Load() {
				runtime.Gosched()
			}
			other := stubs(w[0], pods(0, max(noise, 1))...)
			var took []time.Duration
			i := 0
			for b.Loop() {
				i++
				service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "ns-1", Name: fmt.Sprintf("s-%d", i), ResourceVersion: "1"}}
				service.Spec.Selector = map[string]string{"app": "app-1"}
				for _, o := range other[:noise] {
					must(b, w[0].Update(o))
				}
				began := time.Now()
				s := newCompactor(w[1].kind, &inventory.Pool{}).stub(service)
				must(b, w[1].Add(s))
				for l.Inventory().Entry(s.key) == nil {
					runtime.Gosched()
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
			b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-us")
		})
	}
}

// BenchmarkFirstList measures taking over 50,000 pods, and the memory that stays.
func BenchmarkFirstList(b *testing.B) {
	var held uint64
	for b.Loop() {
		b.StopTimer()
		before := heap()
		b.StartTimer()
		l, w := offline(b, Hooks{}, "Pod")
		c := newCompactor(w[0].kind, &inventory.Pool{})
		c.listing()
		list := make([]any, 0, benchmarkPods)
		for i := range benchmarkPods {
			list = append(list, c.stub(pod(i)))
		}
		must(b, w[0].Replace(list, "1"))
		for !w[0].synced.Load() {
			runtime.Gosched()
		}
		b.StopTimer()
		clear(list)
		c.listed()
		held = heap() - before
		runtime.KeepAlive(l)
		b.StartTimer()
	}
	b.ReportMetric(float64(held)/benchmarkPods, "heap-B/pod")
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
