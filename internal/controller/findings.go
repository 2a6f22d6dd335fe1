// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-sh/gatehouse/internal/background"
)

// maxNamespaces bounds the values of the namespace label: those with the most
// findings have their own, the rest are added up under otherNamespaces, which no
// namespace can be called.
const (
	maxNamespaces   = 200
	otherNamespaces = "(other)"
)

// group counts findings.
type group struct{ check, severity string }

// Findings is the metric gatehouse_findings. It has no value before the first
// results: a replica that does not lead says nothing. Safe for concurrent use.
type Findings struct {
	desc *prometheus.Desc

	mu sync.Mutex
	by map[string]map[group]int // namespace
}

// NewFindings registers the metric.
func NewFindings(r prometheus.Registerer) (*Findings, error) {
	f := &Findings{
		desc: prometheus.NewDesc("gatehouse_findings",
			"Findings on the objects of the cluster that no exemption covers; namespace is empty for cluster-scoped objects.",
			[]string{"check", "severity", "namespace"}, nil),
		by: map[string]map[group]int{},
	}
	return f, r.Register(f)
}

// Take is a Sink.
func (f *Findings) Take(namespace string, _, after []background.Result) {
	counts := map[group]int{}
	for _, r := range after {
		if r.Exemption == "" {
			counts[group{r.Check, r.Severity.String()}]++
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(counts) == 0 {
		delete(f.by, namespace)
	} else {
		f.by[namespace] = counts
	}
}

// Describe implements prometheus.Collector.
func (f *Findings) Describe(out chan<- *prometheus.Desc) { out <- f.desc }

// Collect implements prometheus.Collector.
func (f *Findings) Collect(out chan<- prometheus.Metric) {
	f.mu.Lock()
	defer f.mu.Unlock()
	others := map[group]int{}
	for i, namespace := range f.busiest() {
		for g, n := range f.by[namespace] {
			if i >= maxNamespaces {
				others[g] += n
				continue
			}
			out <- prometheus.MustNewConstMetric(f.desc, prometheus.GaugeValue, float64(n), g.check, g.severity, namespace)
		}
	}
	for g, n := range others {
		out <- prometheus.MustNewConstMetric(f.desc, prometheus.GaugeValue, float64(n), g.check, g.severity, otherNamespaces)
	}
}

// busiest returns the namespaces, those with the most findings first.
func (f *Findings) busiest() []string {
	total := make(map[string]int, len(f.by))
	names := make([]string, 0, len(f.by))
	for namespace, counts := range f.by {
		names = append(names, namespace)
		for _, n := range counts {
			total[namespace] += n
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(total[b], total[a]), cmp.Compare(a, b)) })
	return names
}

// scanKind says what a pass of the scan judged.
type scanKind string

const (
	scanFull    scanKind = "full"
	scanChanges scanKind = "changes"
)

// ScanMetrics say how far the results are behind the cluster.
type ScanMetrics struct {
	took    *prometheus.HistogramVec
	delay   prometheus.Histogram
	objects prometheus.Gauge
	drifted prometheus.Counter
}

// NewScanMetrics registers the metrics of a scan that takes its changes from c.
func NewScanMetrics(r prometheus.Registerer, c *Changes) (*ScanMetrics, error) {
	m := &ScanMetrics{
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gatehouse_background_scan_seconds", Help: "Duration of a pass of the background scan, by whether it judged everything or what had changed.",
			Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"kind"}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gatehouse_background_delay_seconds", Help: "Time from a change of the inventory until the metrics and the queues of reports and Events have its results.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}),
		objects: prometheus.NewGauge(prometheus.GaugeOpts{Name: "gatehouse_background_objects", Help: "Objects that the background scan has judged."}),
		drifted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_background_drift_total", Help: "Namespaces in which a full scan found other results than those kept up to date by changes; not 0 means a fault of Gatehouse.",
		}),
	}
	lag := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "gatehouse_background_lag_seconds", Help: "How long the oldest change has been waiting to be judged; 0 when none is.",
	}, func() float64 { return c.lag(time.Now()).Seconds() })
	for _, one := range []prometheus.Collector{m.took, m.delay, m.objects, m.drifted, lag} {
		if err := r.Register(one); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *ScanMetrics) passed(kind scanKind, took time.Duration, oldest time.Time, objects int) {
	if m == nil {
		return
	}
	m.took.WithLabelValues(string(kind)).Observe(took.Seconds())
	m.objects.Set(float64(objects))
	if !oldest.IsZero() && kind == scanChanges {
		m.delay.Observe(time.Since(oldest).Seconds())
	}
}

func (m *ScanMetrics) drift(namespaces int) {
	if m != nil {
		m.drifted.Add(float64(namespaces))
	}
}
