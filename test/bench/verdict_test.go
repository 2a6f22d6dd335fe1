// SPDX-License-Identifier: Apache-2.0

// Package bench measures; it decides nothing. `make bench` runs it and
// docs/benchmarks.md holds the figures.
package bench

import (
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/bench/shape"
)

// large is the inventory of the large shape, built once.
var large = sync.OnceValue(shape.Large.Inventory)

func defaultPolicy(tb testing.TB) *policy.Policy {
	tb.Helper()
	set, err := catalog.Set()
	if err != nil {
		tb.Fatal(err)
	}
	return policy.Default(set)
}

// BenchmarkVerdict is goal (a): one verdict against the large inventory, the
// overlay of the proposed object included.
func BenchmarkVerdict(b *testing.B) {
	p, inv := defaultPolicy(b), large()
	public := shape.Large.Service(7).(*corev1.Service)
	public.Spec.Type = corev1.ServiceTypeLoadBalancer
	collision := shape.Large.Ingress(7)
	collision.SetNamespace(shape.Namespace(9))
	for name, o := range map[string]inventory.Object{
		"service":                shape.Large.Service(7),
		"service-denied":         public,
		"pod":                    shape.Large.Pod(7),
		"ingress":                shape.Large.Ingress(7),
		"ingress-host-collision": collision,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			took := make([]time.Duration, 0, 1<<20)
			for b.Loop() {
				start := time.Now()
				in := checks.Input{Object: o, Inventory: inv.With(o)}.Sharing()
				p.Decide(policy.Enforce, policy.Baseline, nil, p.Evaluate(in, policy.Baseline))
				if len(took) < cap(took) {
					took = append(took, time.Since(start))
				}
			}
			report(b, took)
		})
	}
}

// report adds the percentiles of single operations to a benchmark.
func report(b *testing.B, took []time.Duration) {
	b.Helper()
	if len(took) == 0 {
		b.Fatal("nothing was measured")
	}
	slices.Sort(took)
	for _, p := range []struct {
		name string
		at   int
	}{{"p50-us", len(took) / 2}, {"p99-us", len(took) * 99 / 100}} {
		b.ReportMetric(float64(took[p.at].Nanoseconds())/1e3, p.name)
	}
}
