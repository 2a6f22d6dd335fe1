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
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/gatehouse-sh/gatehouse/inventory"
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
	eventually(t, "the first list is published", w[0].synced.Load)
	if n := l.Inventory().Len(inventory.PodKind); n != 2000 {
		t.Fatalf("got %d pods", n)
	}
	mu.Lock()
	if len(counts) != 1 {
		t.Errorf("the first list came in %d versions, not one", len(counts))
	}
	mu.Unlock()
	must(t, w[0].Replace(stubs(w[0], pods(500, 2100)...), "2"))
	eventually(t, "the second list is taken over", func() bool {
		return l.Inventory().Len(inventory.PodKind) == 1600
	})
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
	eventually(t, "the list is published", w[0].synced.Load)
	different := pod(4)
	different.Spec.HostNetwork = true
	must(t, w[0].Update(newCompactor(w[0].kind, &inventory.Pool{}).stub(different)))
	eventually(t, "the change is visible", func() bool { return l.Inventory().Entry(inventory.KeyOf(different)).Workload.Spec.HostNetwork })
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
	eventually(t, "everything is applied", w[1].synced.Load)
	if n := l.Inventory().Len(inventory.PodKind); n != 0 {
		t.Errorf("got %d pods", n)
	}
}

func TestAStormCostsFewVersions(t *testing.T) {
	t.Parallel()
	l, w := offline(t, Hooks{}, "Pod")
	must(t, w[0].Replace(stubs(w[0], pods(0, 1000)...), "1"))
	eventually(t, "the list is published", w[0].synced.Load)
	const events = 20_000
	storm := stubs(w[0], pods(0, 1000)...)
	before := l.Generation()
	for i := range events {
		must(t, w[0].Update(storm[i%1000]))
	}
	must(t, w[0].Delete(newCompactor(w[0].kind, &inventory.Pool{}).gone(pod(0))))
	eventually(t, "the storm is over", func() bool { return l.Inventory().Len(inventory.PodKind) == 999 })
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
	eventually(t, "the list is published", w[0].synced.Load)
	held, generation := l.Current()
	for i := range 100 {
		must(t, w[0].Delete(newCompactor(w[0].kind, &inventory.Pool{}).gone(pod(i))))
	}
	eventually(t, "all are gone", func() bool { return l.Inventory().Len(inventory.PodKind) == 0 })
	if held.Len(inventory.PodKind) != 100 || l.Generation() <= generation {
		t.Error("a version changed after it was published")
	}
}

func TestStreamsEndWithoutAReader(t *testing.T) {
	t.Parallel()
	for name, full := range map[string]bool{"with an event that nobody takes": true, "without events": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, w := offline(t, Hooks{}, "Pod")
			in := watch.NewFake()
			s := &stream{in: in, out: make(chan watch.Event), done: make(chan struct{}), watcher: w[0], compact: newCompactor(w[0].kind, &inventory.Pool{})}
			ended := make(chan struct{})
			go func() { s.run(t.Context()); close(ended) }()
			if full {
				in.Add(pod(1))
			}
			s.Stop()
			s.Stop()
			select {
			case <-ended:
			case <-time.After(10 * time.Second):
				t.Error("the stream goes on")
			}
		})
	}
}

func TestTheClockDoesNotHoldAShutdownUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := newPromptClock(ctx)
	long, short := c.After(time.Hour), c.After(time.Millisecond)
	<-short
	select {
	case <-long:
		t.Fatal("an hour passed at once")
	default:
	}
	cancel()
	select {
	case <-long:
	case <-time.After(10 * time.Second):
		t.Error("the end of the context was not noticed")
	}
}

func TestDefinitionsSayWhatIsServed(t *testing.T) {
	t.Parallel()
	kind := kindsNamed(t, "Route.route.openshift.io")[0]
	ready := func(d *definition, ok bool) *definition { d.ready = ok; return d }
	for name, tc := range map[string]struct {
		definition *definition
		want       presence
	}{
		"nothing":                          {&definition{group: "a"}, presence{}},
		"a definition":                     {ready(&definition{group: kind.Group, resource: "routes", versions: []string{"v2", "v1"}}, true), presence{version: "v1"}},
		"one that is not established":      {ready(&definition{group: kind.Group, resource: "routes", versions: []string{"v1"}}, false), presence{}},
		"one without our version":          {ready(&definition{group: kind.Group, resource: "routes", versions: []string{"v2"}}, true), presence{version: "v2"}},
		"one that serves nothing":          {ready(&definition{group: kind.Group, resource: "routes"}, true), presence{}},
		"another resource":                 {ready(&definition{group: kind.Group, resource: "hosts", versions: []string{"v1"}}, true), presence{}},
		"an aggregated server":             {ready(&definition{group: kind.Group, versions: []string{"v1"}}, true), presence{version: "v1", aggregated: true}},
		"an aggregated server, other vers": {ready(&definition{group: kind.Group, versions: []string{"v2"}}, true), presence{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := presenceOf(kind, map[inventory.Key]*definition{{}: tc.definition})
			if got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestDefinitionsAreReadBeforeTheyAreTrimmed(t *testing.T) {
	t.Parallel()
	w := kindsNamed(t, "CustomResourceDefinition.apiextensions.k8s.io")[0]
	d := crd(kindsNamed(t, "IngressRoute.traefik.io")[0], "v1")
	for _, status := range []apiextensionsv1.ConditionStatus{apiextensionsv1.ConditionTrue, apiextensionsv1.ConditionFalse} {
		o := d.DeepCopy()
		o.Status.Conditions = []apiextensionsv1.CustomResourceDefinitionCondition{{Type: apiextensionsv1.Established, Status: status}}
		s := newCompactor(w, &inventory.Pool{}).stub(o)
		if s.defines == nil || s.defines.ready != (status == apiextensionsv1.ConditionTrue) || len(s.defines.versions) != 1 {
			t.Errorf("%s: got %+v", status, s.defines)
		}
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
