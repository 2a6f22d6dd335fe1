// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Metrics counts what the webhook did. A nil *Metrics counts nothing. Labels
// take values from closed sets only: kinds that Gatehouse does not know are
// "other", and no name of an object is ever a label.
type Metrics struct {
	reviews  *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	findings *prometheus.CounterVec
	faults   *prometheus.CounterVec
	shedded  prometheus.Counter
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		reviews: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_admission_reviews_total", Help: "Reviews answered, by kind and answer.",
		}, []string{"kind", "answer"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gatehouse_admission_review_seconds", Help: "Time from the request's arrival to its answer.",
			Buckets: []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1},
		}, []string{"answer"}),
		findings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_admission_findings_total", Help: "Findings in reviews, by check and action.",
		}, []string{"check", "action"}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_admission_errors_total", Help: "Reviews that could not be judged, by reason.",
		}, []string{"reason"}),
		shedded: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_admission_shed_total", Help: "Reviews turned away because too many were being judged.",
		}),
	}
	for _, c := range []prometheus.Collector{m.reviews, m.seconds, m.findings, m.faults, m.shedded} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Metrics) answered(r Review, a Answer, took time.Duration) {
	if m == nil {
		return
	}
	kind := "other"
	if _, known := inventory.KindOf(r.Kind.GroupKind()); known {
		kind = r.Kind.Kind
	}
	word := "allowed"
	switch {
	case !a.Allowed && a.Code != 0:
		word = "undecided"
	case !a.Allowed:
		word = "denied"
	case len(a.Warnings) > 0:
		word = "warned"
	}
	m.reviews.WithLabelValues(kind, word).Inc()
	m.seconds.WithLabelValues(word).Observe(took.Seconds())
}

func (m *Metrics) found(v policy.Verdict) {
	if m == nil {
		return
	}
	for _, j := range v {
		m.findings.WithLabelValues(j.Check, j.Action.String()).Inc()
	}
}

// failed counts a review that could not be judged; reason is a constant.
func (m *Metrics) failed(reason string) {
	if m != nil {
		m.faults.WithLabelValues(reason).Inc()
	}
}

func (m *Metrics) shed() {
	if m != nil {
		m.shedded.Inc()
	}
}
