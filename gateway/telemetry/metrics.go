// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// Metrics are the numbers of a gateway. Their labels have the names of the
// configuration, and words of ours: nothing that a client sends makes a new
// series, and those of a route that is no more are deleted.
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec
	refused  *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	backend  *prometheus.HistogramVec
	received *prometheus.CounterVec
	sent     *prometheus.CounterVec

	applied prometheus.Gauge
	faults  prometheus.Counter
	lost    prometheus.Counter
	expiry  *prometheus.GaugeVec
	kept    *prometheus.GaugeVec
	conns   *prometheus.GaugeVec
	turned  *prometheus.CounterVec
	shadow  *prometheus.CounterVec
	copies  *prometheus.CounterVec
	keys    *prometheus.GaugeVec
	fetched *prometheus.GaugeVec
	stores  *prometheus.GaugeVec

	mu     sync.RWMutex
	series map[place]*bound
	named  map[named]bool
	copied map[string]bool // backends of copies
	shaded map[string]bool // limits that would have refused something

	listening sync.Mutex
	listeners map[string]bool // of the configuration in force
	open      map[string]int  // connections, by listener
}

// named is a series that is of one name of the configuration.
type named struct {
	of   *prometheus.GaugeVec
	name string
}

// place is what the series of a record depend on.
type place struct{ listener, route, backend string }

// bound are the series of a place, so that a request looks up one thing only.
type bound struct {
	classes        [6]prometheus.Counter // by the first digit of the status; 0 is anything else
	seconds        prometheus.Observer
	backend        prometheus.Observer
	received, sent prometheus.Counter
}

const namespace = "gatehouse_gateway"

// NewMetrics makes the numbers, all of them zero.
func NewMetrics() *Metrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	times := func(name, help string, label string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: name, Help: help,
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{label})
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: counters("requests_total", "Requests that were answered, by the first digit of the status.", "listener", "route", "status"),
		refused:  counters("refused_total", "Requests that the gateway answered itself, by its word for the reason.", "listener", "reason"),
		seconds:  times("request_seconds", "Time from the head of a request to the end of its response.", "listener"),
		backend:  times("backend_seconds", "Time from sending a request to the head of its response.", "backend"),
		received: counters("received_bytes_total", "Bytes of the bodies of requests.", "listener"),
		sent:     counters("sent_bytes_total", "Bytes of the bodies of responses.", "listener"),
		applied:  prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "configuration_applied_timestamp_seconds", Help: "When the configuration in force was applied."}),
		faults:   prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "configuration_refused_total", Help: "Configurations that were refused; the last good one stayed."}),
		lost:     prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "decisions_lost_total", Help: "Lines of the log of decisions that could not be written."}),
		expiry:   gauges("certificate_expiry_timestamp_seconds", "When a certificate ends.", "certificate"),
		kept:     gauges("certificate_refused", "1 while a new certificate is refused and the one before is presented.", "certificate"),
		conns:    gauges("connections", "Open connections of clients.", "listener"),
		turned:   counters("connections_refused_total", "Connections that were closed before any request, or as a flood, by reason.", "listener", "reason"),
		shadow:   counters("shadowed_total", "Requests that a limit in shadow would have refused, by POLICY/LIMIT.", "limit"),
		copies:   counters("mirrored_total", "Copies of requests, by outcome: sent, failed, or dropped since there were too many or the body was too long.", "backend", "outcome"),
		keys:     gauges("key_set_keys", "Keys of a key set that are in use.", "key_set"),
		fetched:  gauges("key_set_fetched", "1 if the last fetch of a key set went well.", "key_set"),
		stores:   gauges("store_up", "1 while a store of shared limits answers.", "store"),
		series:   map[place]*bound{},
		named:    map[named]bool{},
		open:     map[string]int{},
		copied:   map[string]bool{},
		shaded:   map[string]bool{},
	}
	m.registry.MustRegister(m.requests, m.refused, m.seconds, m.backend, m.received, m.sent, m.applied, m.faults, m.lost, m.expiry, m.kept, m.conns, m.turned,
		m.shadow, m.copies, m.keys, m.fetched, m.stores,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Gather implements prometheus.Gatherer, for those who answer for several gateways.
func (m *Metrics) Gather() ([]*dto.MetricFamily, error) { return m.registry.Gather() }

// Handler answers Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, MaxRequestsInFlight: 4})
}

// Record counts a request.
func (m *Metrics) Record(r *Record) {
	b := m.of(place{r.Listener, r.Route, r.Backend})
	class := r.Status / 100
	if class < 1 || class > 5 {
		class = 0
	}
	b.classes[class].Inc()
	b.seconds.Observe(r.Total.Seconds())
	if r.Upstream > 0 {
		b.backend.Observe(r.Upstream.Seconds())
	}
	b.received.Add(float64(r.Received))
	b.sent.Add(float64(r.Sent))
	if r.Shadow != "" {
		m.mu.Lock()
		m.shaded[r.Shadow] = true
		m.shadow.WithLabelValues(r.Shadow).Inc()
		m.mu.Unlock()
	}
	if r.Reason != "" {
		m.refused.WithLabelValues(r.Listener, r.Reason).Inc()
	}
}

func (m *Metrics) of(p place) *bound {
	m.mu.RLock()
	b := m.series[p]
	m.mu.RUnlock()
	if b != nil {
		return b
	}
	b = &bound{seconds: m.seconds.WithLabelValues(p.listener), backend: m.backend.WithLabelValues(p.backend), received: m.received.WithLabelValues(p.listener), sent: m.sent.WithLabelValues(p.listener)}
	for i := range b.classes {
		class := strconv.Itoa(i) + "xx"
		if i == 0 {
			class = "other"
		}
		b.classes[i] = m.requests.WithLabelValues(p.listener, p.route, class)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.series[p] = b
	return b
}

// Applied says that a configuration is in force since a time, and deletes the
// series of what it does not name.
func (m *Metrics) Applied(at time.Time, c *config.Snapshot) {
	m.applied.Set(float64(at.UnixMilli()) / 1000)
	l := known(c.Listeners, func(l *config.Listener) string { return l.Name })
	r := known(c.Routes, func(r *config.Route) string { return r.Name })
	b := known(c.Backends, func(b *config.Backend) string { return b.Name })
	m.listen(l)
	names := map[*prometheus.GaugeVec]map[string]bool{}
	names[m.expiry] = known(c.Certificates, func(c *config.Certificate) string { return c.Name })
	names[m.keys] = known(c.KeySets, func(k *config.KeySet) string { return k.Name })
	names[m.stores] = known(c.Stores, func(s *config.Store) string { return s.Name })
	names[m.kept], names[m.fetched] = names[m.expiry], names[m.keys]
	m.mu.Lock()
	defer m.mu.Unlock()
	for p := range m.series {
		if !l[p.listener] {
			m.requests.DeletePartialMatch(prometheus.Labels{"listener": p.listener})
			m.refused.DeletePartialMatch(prometheus.Labels{"listener": p.listener})
			m.seconds.DeleteLabelValues(p.listener)
			m.received.DeleteLabelValues(p.listener)
			m.sent.DeleteLabelValues(p.listener)
		}
		if !r[p.route] {
			m.requests.DeletePartialMatch(prometheus.Labels{"route": p.route})
		}
		if !b[p.backend] {
			m.backend.DeleteLabelValues(p.backend)
		}
		if !l[p.listener] || !r[p.route] || !b[p.backend] {
			delete(m.series, p)
		}
	}
	limits := map[string]bool{}
	for i := range c.TrafficPolicies {
		for _, l := range c.TrafficPolicies[i].RateLimits {
			limits[c.TrafficPolicies[i].Name+"/"+l.Name] = true
		}
	}
	for limit := range m.shaded {
		if !limits[limit] {
			m.shadow.DeleteLabelValues(limit)
			delete(m.shaded, limit)
		}
	}
	for backend := range m.copied {
		if !b[backend] {
			m.copies.DeletePartialMatch(prometheus.Labels{"backend": backend})
			delete(m.copied, backend)
		}
	}
	for name := range m.named {
		if !names[name.of][name.name] {
			name.of.DeleteLabelValues(name.name)
			delete(m.named, name)
		}
	}
}

// known are the names of a list, and "".
func known[T any](list []T, name func(*T) string) map[string]bool {
	out := map[string]bool{"": true}
	for i := range list {
		out[name(&list[i])] = true
	}
	return out
}

// Refused counts a configuration that was refused.
func (m *Metrics) Refused() { m.faults.Inc() }

// Lost counts lines of decisions that could not be written.
func (m *Metrics) Lost(lines int) { m.lost.Add(float64(lines)) }

// Certificate says when a certificate ends, and why a newer one was refused, if it was.
func (m *Metrics) Certificate(name string, ends time.Time, refused error) {
	m.set(m.expiry, name, float64(ends.Unix()))
	m.set(m.kept, name, one(refused != nil))
}

// Connection counts a connection that came (1) or went (-1).
func (m *Metrics) Connection(listener string, change int) {
	m.listening.Lock()
	defer m.listening.Unlock()
	m.open[listener] += change
	m.conns.WithLabelValues(listener).Set(float64(m.open[listener]))
	m.forget(listener)
}

// listen deletes the series of listeners that are no more, once their last connection
// has ended.
func (m *Metrics) listen(listeners map[string]bool) {
	m.listening.Lock()
	defer m.listening.Unlock()
	before := m.listeners
	m.listeners = listeners
	for listener := range before {
		if !listeners[listener] {
			m.turned.DeletePartialMatch(prometheus.Labels{"listener": listener})
		}
	}
	for listener := range m.open {
		m.forget(listener)
	}
}

func (m *Metrics) forget(listener string) {
	if m.open[listener] == 0 && m.listeners != nil && !m.listeners[listener] {
		m.conns.DeleteLabelValues(listener)
		delete(m.open, listener)
	}
}

// Turned counts a connection that was closed before any request, or as a flood.
func (m *Metrics) Turned(listener, reason string) { m.turned.WithLabelValues(listener, reason).Inc() }

// Mirrored counts a copy of a request: "sent", "failed" or "dropped".
func (m *Metrics) Mirrored(backend, outcome string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.copied[backend] = true
	m.copies.WithLabelValues(backend, outcome).Inc()
}

// KeySet says how many keys of a key set are in use, and what was wrong with the last
// fetch.
func (m *Metrics) KeySet(name string, keys int, err error) {
	m.set(m.keys, name, float64(keys))
	m.set(m.fetched, name, one(err == nil))
}

// Store says that a store of shared limits answers, or why it was lost.
func (m *Metrics) Store(name string, lost error) { m.set(m.stores, name, one(lost == nil)) }

func (m *Metrics) set(of *prometheus.GaugeVec, name string, value float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.named[named{of, name}] = true
	of.WithLabelValues(name).Set(value)
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
