// SPDX-License-Identifier: Apache-2.0

package networkplan

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// Metrics say what the controller does. A nil one measures nothing.
type Metrics struct {
	plans  *prometheus.GaugeVec
	writes *prometheus.CounterVec
	pass   prometheus.Gauge
}

// phases of which every one has a value, so that an alert can compare with 0.
var phases = []v1alpha1.NetworkPhase{
	v1alpha1.NetworkPreviewed, v1alpha1.NetworkWaiting, v1alpha1.NetworkApplying, v1alpha1.NetworkApplied, v1alpha1.NetworkRefused, v1alpha1.NetworkPaused,
	v1alpha1.NetworkWithdrawn,
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		plans: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gatehouse_network_plans", Help: "Network plans of the cluster, by how far they have come.",
		}, []string{"phase"}),
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_network_policy_writes_total", Help: "Network policies that were applied or deleted.",
		}, []string{"verb"}),
		pass: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gatehouse_network_pass_seconds", Help: "How long it took last to plan every namespace that was opted in.",
		}),
	}
	return m, errors.Join(r.Register(m.plans), r.Register(m.writes), r.Register(m.pass))
}

func (m *Metrics) phases(count map[v1alpha1.NetworkPhase]int) {
	if m == nil {
		return
	}
	for _, phase := range phases {
		m.plans.WithLabelValues(string(phase)).Set(float64(count[phase]))
	}
}

func (m *Metrics) wrote(verb string) {
	if m != nil {
		m.writes.WithLabelValues(verb).Inc()
	}
}

func (m *Metrics) passed(took time.Duration) {
	if m != nil {
		m.pass.Set(took.Seconds())
	}
}
