// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/internal/source/cluster"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// inventoryMetrics say how far the inventory is behind the cluster and how much
// it holds. Their labels are the known kinds.
type inventoryMetrics struct {
	lag     prometheus.Histogram
	objects *prometheus.GaugeVec
	errors  *prometheus.CounterVec
	pending prometheus.Gauge
	ended   *prometheus.CounterVec
}

func newInventoryMetrics(r prometheus.Registerer) (*inventoryMetrics, error) {
	m := &inventoryMetrics{
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gatehouse_inventory_lag_seconds", Help: "Time from a watch event's arrival until verdicts see it.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5},
		}),
		objects: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gatehouse_inventory_objects", Help: "Objects in the inventory, by kind.",
		}, []string{"kind", "group"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_inventory_watch_errors_total", Help: "Failed attempts to list or watch a kind.",
		}, []string{"kind", "group"}),
		pending: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gatehouse_webhook_pending_objects", Help: "Objects that this replica has admitted and its watches have not shown yet.",
		}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_webhook_pending_total",
			Help: "Admitted objects, by what became of them: settled (the watch showed them or what came instead), expired (it did not), overflow (dropped early to make room), overtaken (made on a stale copy, never visible).",
		}, []string{"outcome"}),
	}
	for _, c := range []prometheus.Collector{m.lag, m.objects, m.errors, m.pending, m.ended} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *inventoryMetrics) hooks() cluster.Hooks {
	return cluster.Hooks{
		Published: m.published,
		Objects: func(k schema.GroupKind, n int) {
			m.objects.WithLabelValues(k.Kind, k.Group).Set(float64(n))
		},
		WatchError: func(k inventory.Kind, _ error) {
			m.errors.WithLabelValues(k.GroupKind.Kind, k.Group).Inc()
		},
	}
}

func (m *inventoryMetrics) published(p cluster.Publication) {
	if p.Changes > 0 {
		m.lag.Observe(p.Lag.Seconds())
	}
	m.pending.Set(float64(p.Pending.Held))
	for _, c := range []struct {
		outcome string
		n       int
	}{{"settled", p.Pending.Settled}, {"expired", p.Pending.Expired}, {"overflow", p.Pending.Overflowed}, {"overtaken", p.Pending.Overtaken}} {
		if c.n > 0 {
			m.ended.WithLabelValues(c.outcome).Add(float64(c.n))
		}
	}
}
