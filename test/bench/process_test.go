// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatehouse-sh/gatehouse/internal/source/cluster"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/bench/shape"
)

// BenchmarkClusterEmpty is the second half of goal (d): the product on a cluster
// that holds nothing of anybody's. It must run before the others: the cluster
// is theirs too.
func BenchmarkClusterEmpty(b *testing.B) {
	r := newReal(b)
	if r.loaded(b) {
		b.Skip("the cluster is not empty any more")
	}
	for b.Loop() {
		s, took := r.startProduct(b)
		b.ReportMetric(took.Seconds(), "ready-s")
		b.ReportMetric(s.resident(b), "resident-MiB")
	}
}

// underLoad is how long the product answers reviews before its memory is read.
const underLoad = time.Minute

// BenchmarkClusterLarge is goal (d): time until ready, and memory then and after
// a minute of reviews by eight workers.
func BenchmarkClusterLarge(b *testing.B) {
	r := newReal(b)
	r.load(b, shape.Large)
	for b.Loop() {
		s, took := r.startProduct(b)
		b.ReportMetric(took.Seconds(), "ready-s")
		b.ReportMetric(s.resident(b), "ready-resident-MiB")
		reviews := corpus(b)
		n, cpu := 0, s.cpu(b)
		for end := time.Now().Add(underLoad); time.Now().Before(end); n += 5000 {
			s.load(b, reviews, 8, 5000)
		}
		b.ReportMetric(float64((s.cpu(b)-cpu).Microseconds())/float64(n), "server-cpu-us/review")
		b.ReportMetric(s.resident(b), "loaded-resident-MiB")
		b.ReportMetric(float64(n)/underLoad.Seconds(), "reviews/s")
	}
}

// rounds is how many times each namespace is tried; every 15 ms begins one.
const rounds = 2000

// BenchmarkClusterAdded is goal (c): what the webhook adds to a request through
// the API server, at 200 requests a second. Each round is the same dry-run
// creation in a namespace that opted in, in one for which a server that allows
// everything is registered in the same way, and in one that nothing is
// registered for; which comes first alternates. The cluster holds the Ingresses,
// Services and namespaces of the large shape: with its pods the API server alone
// keeps both cores busy, and the figures would be its own.
func BenchmarkClusterAdded(b *testing.B) {
	ways := shape.Size{Namespaces: shape.Large.Namespaces, Services: shape.Large.Services, Ingresses: shape.Large.Ingresses}
	r := newReal(b)
	r.load(b, ways)
	r.registerAllow(b, startServer(b, "allow"))
	s, _ := r.startProduct(b)
	taken := shape.Large.Ingress(7).(*networkingv1.Ingress).Spec.Rules[0].Host
	for _, bb := range []struct {
		name    string
		refused bool
		object  inventory.Object
	}{
		{"service", false, shape.Large.Service(7)},
		{"pod", false, shape.Large.Pod(7)},
		{"ingress-own-host", false, ingressFor("nobody-else.example.com")},
		{"ingress-host-collision", true, ingressFor(taken)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				r.rounds(b, bb.object, 100) // connections and caches
				cpu := s.cpu(b)
				r.rounds(b, bb.object, rounds)
				b.ReportMetric(float64((s.cpu(b)-cpu).Microseconds())/rounds, "server-cpu-us/request")
			}
		})
	}
}

func ingressFor(host string) inventory.Object {
	ing := shape.Large.Ingress(9).(*networkingv1.Ingress)
	ing.Spec.Rules[0].Host, ing.Spec.TLS[0].Hosts[0] = host, host
	return ing
}

// rounds tries an object n times in each of the three namespaces and reports how
// long that took and what each webhook added to the request without one.
func (r *machine) rounds(b *testing.B, o inventory.Object, n int) {
	b.Helper()
	sides := [3]string{shape.Namespace(9), allowed, plain}
	var took [3][]time.Duration
	for side := range took {
		took[side] = make([]time.Duration, n)
	}
	var wg sync.WaitGroup
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for i := range 3 * n {
		round, side := i/3, (i+i/3)%3
		<-tick.C
		wg.Go(func() {
			began := time.Now()
			err := r.try(b.Context(), o, sides[side])
			took[side][round] = time.Since(began)
			if err != nil && (side != 0 || !apierrors.IsForbidden(err)) {
				b.Error(err)
			}
		})
	}
	wg.Wait()
	for side, name := range []string{"added", "allow-added"} {
		added := make([]time.Duration, n)
		for i := range added {
			added[i] = took[side][i] - took[2][i]
		}
		quantiles(b, added, name)
	}
	quantiles(b, took[2], "without")
}

func quantiles(b *testing.B, took []time.Duration, name string) {
	b.Helper()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), name+"-p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), name+"-p99-us")
}

// try creates an object for a dry run.
func (r *machine) try(ctx context.Context, o inventory.Object, namespace string) (err error) {
	dry := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	switch o := o.DeepCopyObject().(type) {
	case *corev1.Service:
		o.Namespace, o.Name = namespace, "tried"
		_, err = r.api.CoreV1().Services(namespace).Create(ctx, o, dry)
	case *corev1.Pod:
		o.Namespace, o.Name = namespace, "tried"
		_, err = r.api.CoreV1().Pods(namespace).Create(ctx, o, dry)
	case *networkingv1.Ingress:
		o.Namespace, o.Name = namespace, "tried"
		_, err = r.api.NetworkingV1().Ingresses(namespace).Create(ctx, o, dry)
	}
	return err
}

// BenchmarkClusterEvent is the time from the API server's answer to a write until
// the inventory shows it, with the large shape watched.
func BenchmarkClusterEvent(b *testing.B) {
	r := newReal(b)
	r.load(b, shape.Large)
	c, err := cluster.NewClient(r.RESTConfig())
	if err != nil {
		b.Fatal(err)
	}
	live := cluster.NewLive(c, cluster.LiveOptions{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- live.Start(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	}()
	if err := live.WaitForSync(ctx); err != nil {
		b.Fatal(err)
	}
	pod := shape.Large.Pod(11)
	key := inventory.KeyOf(pod)
	for b.Loop() {
		took := make([]time.Duration, 0, 500)
		for i := range cap(took) {
			value := time.Now().Format("150405.000000000")
			patch := []byte(`{"metadata":{"labels":{"changed":"` + value + `"}}}`)
			if _, err := r.api.CoreV1().Pods(key.Namespace).Patch(ctx, key.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
				b.Fatal(err)
			}
			began := time.Now()
			for live.Inventory().Entry(key).Workload.Labels["changed"] != value {
				if time.Since(began) > time.Minute {
					b.Fatalf("write %d is not visible", i)
				}
				time.Sleep(50 * time.Microsecond)
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-us")
		report(b, took)
	}
}
