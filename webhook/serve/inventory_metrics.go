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
	}
	for _, c := range []prometheus.Collector{m.lag, m.objects, m.errors} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *inventoryMetrics) hooks() cluster.Hooks {
	return cluster.Hooks{
		Published: func(p cluster.Publication) { m.lag.Observe(p.Lag.Seconds()) },
		Objects: func(k schema.GroupKind, n int) {
			m.objects.WithLabelValues(k.Kind, k.Group).Set(float64(n))
		},
		WatchError: func(k inventory.Kind, _ error) {
			m.errors.WithLabelValues(k.GroupKind.Kind, k.Group).Inc()
		},
	}
}
