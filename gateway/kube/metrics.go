// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the numbers of a Controller. Their labels have names of kinds and words of
// ours.
type metrics struct {
	translations prometheus.Counter
	seconds      prometheus.Histogram
	writes       *prometheus.CounterVec
	events       prometheus.Counter
	fences       *prometheus.CounterVec
	objects      *prometheus.Desc
	missing      *prometheus.Desc
	gateways     *prometheus.Desc
	pending      *prometheus.Desc
	of           *Controller
}

func newMetrics(c *Controller) *metrics {
	const namespace, subsystem = "gatehouse", "gateway_kube"
	name := func(n string) string { return prometheus.BuildFQName(namespace, subsystem, n) }
	return &metrics{
		translations: prometheus.NewCounter(prometheus.CounterOpts{Name: name("translations_total"), Help: "How often the objects of the cluster were translated."}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: name("translation_seconds"), Help: "Time to translate all objects.", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}),
		writes:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: name("status_writes_total"), Help: "Statuses that were written, by outcome: written, conflict, failed."}, []string{"outcome"}),
		events:   prometheus.NewCounter(prometheus.CounterOpts{Name: name("events_total"), Help: "Events that were written."}),
		fences:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: name("fences_total"), Help: "How often the API server was asked for its policies before something new was served, by outcome: known, waited when there was one that was not read yet, failed."}, []string{"outcome"}),
		objects:  prometheus.NewDesc(name("objects"), "Objects that are watched, by kind; of Secrets and ConfigMaps those that are referred to.", []string{"kind"}, nil),
		missing:  prometheus.NewDesc(name("kind_missing"), "1 while the API server does not have a kind.", []string{"kind"}, nil),
		gateways: prometheus.NewDesc(name("gateways"), "Gateways by state: live, or refused while what was served before stays.", []string{"state"}, nil),
		pending:  prometheus.NewDesc(name("statuses_pending"), "Statuses that are to be written.", nil, nil),
		of:       c,
	}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(to chan<- *prometheus.Desc) {
	m.translations.Describe(to)
	m.seconds.Describe(to)
	m.writes.Describe(to)
	m.events.Describe(to)
	m.fences.Describe(to)
	for _, d := range []*prometheus.Desc{m.objects, m.missing, m.gateways, m.pending} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	m.translations.Collect(to)
	m.seconds.Collect(to)
	m.writes.Collect(to)
	m.events.Collect(to)
	m.fences.Collect(to)
	gauge := func(d *prometheus.Desc, value int, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), labels...)
	}
	for _, k := range m.of.kinds {
		w := m.of.watcher(k)
		if w == nil {
			gauge(m.missing, 1, k.name)
			continue
		}
		gauge(m.missing, 0, k.name)
		gauge(m.objects, w.len(), k.name)
	}
	gauge(m.objects, m.of.secrets.len(), m.of.secrets.kind.name)
	gauge(m.objects, m.of.configMaps.len(), m.of.configMaps.kind.name)
	live, refused := 0, 0
	for _, name := range m.of.names() {
		if m.of.options.Plane.State(name).Settled {
			live++
		} else {
			refused++
		}
	}
	gauge(m.gateways, live, "live")
	gauge(m.gateways, refused, "refused")
	gauge(m.pending, m.of.writer.left())
}

// Metrics answers Prometheus: numbers of the Controller and of the process, and what else
// is gathered.
func (c *Controller) Metrics(more ...prometheus.Gatherer) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	for _, of := range []prometheus.Collector{c.metrics, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := registry.Register(of); err != nil {
			return nil, err
		}
	}
	return promhttp.HandlerFor(append(prometheus.Gatherers{registry}, more...), promhttp.HandlerOpts{}), nil
}
