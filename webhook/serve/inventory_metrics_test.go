// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-sh/gatehouse/internal/source/cluster"
)

// TestPendingObjectsAreCounted: by what became of them, and without a lag where
// no watch took part.
func TestPendingObjectsAreCounted(t *testing.T) {
	t.Parallel()
	r := prometheus.NewRegistry()
	m, err := newInventoryMetrics(r)
	if err != nil {
		t.Fatal(err)
	}
	publish := m.hooks().Published
	publish(cluster.Publication{Pending: cluster.Pending{Held: 3}})
	publish(cluster.Publication{Changes: 2, Lag: time.Millisecond, Pending: cluster.Pending{Held: 1, Settled: 2}})
	publish(cluster.Publication{Pending: cluster.Pending{Expired: 1, Overflowed: 4, Overtaken: 5}})
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, sample := range f.GetMetric() {
			name := f.GetName()
			for _, l := range sample.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = sample.GetGauge().GetValue() + sample.GetCounter().GetValue() + float64(sample.GetHistogram().GetSampleCount())
		}
	}
	want := map[string]float64{
		"gatehouse_inventory_lag_seconds":           1,
		"gatehouse_webhook_pending_objects":         0,
		"gatehouse_webhook_pending_total settled":   2,
		"gatehouse_webhook_pending_total expired":   1,
		"gatehouse_webhook_pending_total overflow":  4,
		"gatehouse_webhook_pending_total overtaken": 5,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
