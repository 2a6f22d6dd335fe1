// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/flowcontrol"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/internal/background"
	"github.com/gatehouse-sh/gatehouse/internal/background/openreports"
)

// The bounds of what is written.
const (
	reportRate  = 10 // writes a second
	reportBurst = 50 // writes at once after a quiet time

	// maxPerNamespace and maxInAll are results in the reports of one namespace and
	// of the cluster: at 1 KiB each, 50 MiB in etcd at most.
	maxPerNamespace = 2_000
	maxInAll        = 50_000

	// resync is how often the stored reports are read again, so that one that
	// somebody changed or deleted is put right.
	resync = 30 * time.Minute

	// retry is how long a namespace waits whose report could not be written, and
	// the pace at which a missing API is looked for.
	retry = 2 * time.Second
)

// FieldManager owns the fields of the reports.
const FieldManager = "gatehouse-controller"

type digest = [sha256.Size]byte

// Reports keeps OpenReports objects in step with the results: it writes a report
// when what it says has changed, and deletes it when it has nothing to say. One
// replica runs it. While the API is not installed it only remembers.
type Reports struct {
	// Client writes; Reader lists without a cache.
	Client client.Client
	Reader client.Reader

	// Installed reports whether the cluster has the API.
	Installed func() bool

	limiter flowcontrol.RateLimiter
	written *prometheus.CounterVec
	cut     prometheus.Gauge

	mu      sync.Mutex
	wake    chan struct{}
	results map[string][]background.Result // by namespace: the newest
	queue   []string                       // namespaces to be written, the longest waiting first
	queued  map[string]bool

	// The rest belongs to Start.
	stored  map[string]map[string]digest // by namespace and name
	shards  map[string]int               // by namespace
	counts  map[string]int               // by namespace: results written
	total   int                          // of counts
	missing map[string]int               // by namespace: results left out

	complete chan struct{} // closed when results are those of the whole cluster
	loaded   chan struct{} // closed when known is complete
	known    map[seen]bool // what the reports said before we wrote any
}

// NewReports registers the metrics.
func NewReports(c client.Client, reader client.Reader, installed func() bool, r prometheus.Registerer) (*Reports, error) {
	w := &Reports{
		Client: c, Reader: reader, Installed: installed,
		limiter: flowcontrol.NewTokenBucketRateLimiter(reportRate, reportBurst),
		written: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_report_writes_total", Help: "Writes of OpenReports objects, by outcome.",
		}, []string{"outcome"}),
		cut: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gatehouse_report_results_truncated", Help: "Results that the reports leave out because of their bounds.",
		}),
		wake: make(chan struct{}, 1), results: map[string][]background.Result{}, queued: map[string]bool{},
		complete: make(chan struct{}), loaded: make(chan struct{}),
	}
	for _, one := range []prometheus.Collector{w.written, w.cut} {
		if err := r.Register(one); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// NeedLeaderElection returns true: reports have one writer.
func (*Reports) NeedLeaderElection() bool { return true }

// Take is a Sink.
func (w *Reports) Take(namespace string, _, after []background.Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(after) == 0 {
		delete(w.results, namespace)
	} else {
		w.results[namespace] = after
	}
	w.push(namespace)
}

// push queues a namespace. The caller holds mu.
func (w *Reports) push(namespace string) {
	if !w.queued[namespace] {
		w.queued[namespace] = true
		w.queue = append(w.queue, namespace)
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// pop returns the namespace that has been waiting longest, and its results.
func (w *Reports) pop() (string, []background.Result, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		return "", nil, false
	}
	namespace := w.queue[0]
	w.queue = w.queue[1:]
	delete(w.queued, namespace)
	return namespace, w.results[namespace], true
}

// Start writes until ctx ends.
func (w *Reports) Start(ctx context.Context) error {
	log := logr.FromContextOrDiscard(ctx)
	told := false
	for ctx.Err() == nil {
		if !w.Installed() {
			if !told {
				log.Info("the OpenReports API is not installed: findings are told by metrics and Events only", "definition", openreports.ReportDefinition)
				told = true
				w.isLoaded()
			}
			Wait(ctx, retry)
			continue
		}
		told = false
		if err := w.load(ctx); err != nil {
			log.Error(err, "cannot read the reports")
			Wait(ctx, retry)
			continue
		}
		w.isLoaded()
		select {
		case <-ctx.Done():
		case <-w.complete:
			w.write(ctx, log)
		}
	}
	return nil
}

// Complete says that everything was judged once. Before it nothing is written:
// what has no result yet would lose its report. It may be called once.
func (w *Reports) Complete() { close(w.complete) }

// isLoaded lets whoever asks Known go on.
func (w *Reports) isLoaded() {
	select {
	case <-w.loaded:
	default:
		close(w.loaded)
	}
}

// write writes what is queued until the API is gone, it is time to read again,
// or ctx ends.
func (w *Reports) write(ctx context.Context, log logr.Logger) {
	again := time.NewTimer(resync)
	defer again.Stop()
	for w.Installed() {
		namespace, results, more := w.pop()
		if !more {
			select {
			case <-ctx.Done():
				return
			case <-again.C:
				return
			case <-w.wake:
			case <-time.After(retry): // the API may be gone
			}
			continue
		}
		if err := w.namespace(ctx, namespace, results); err != nil {
			if ctx.Err() != nil {
				return
			}
			log.Error(err, "report not written", "namespace", namespace)
			w.mu.Lock()
			w.push(namespace)
			w.mu.Unlock()
			Wait(ctx, retry)
		}
	}
}

// namespace brings the reports of a namespace into step with its results.
func (w *Reports) namespace(ctx context.Context, namespace string, results []background.Result) error {
	w.total -= w.counts[namespace]
	delete(w.counts, namespace)
	reports := background.Reports(namespace, results, w.shards[namespace], max(0, min(maxPerNamespace, maxInAll-w.total)))
	var faults []error
	wanted := map[string]bool{}
	for i := range reports {
		r := &reports[i]
		wanted[r.Metadata.Name] = true
		w.counts[namespace] += len(r.Results)
		faults = append(faults, w.apply(ctx, r))
	}
	w.total += w.counts[namespace]
	for name := range w.stored[namespace] {
		if !wanted[name] {
			faults = append(faults, w.remove(ctx, namespace, name))
		}
	}
	w.shards[namespace] = background.Shards(reports)
	if len(reports) == 0 {
		delete(w.shards, namespace)
	}
	w.truncated(namespace, background.Truncated(reports))
	return errors.Join(faults...)
}

func (w *Reports) truncated(namespace string, n int) {
	delete(w.missing, namespace)
	if n > 0 {
		w.missing[namespace] = n
	}
	sum := 0
	for _, n := range w.missing {
		sum += n
	}
	w.cut.Set(float64(sum))
}

// apply writes a report unless it is stored as it is.
func (w *Reports) apply(ctx context.Context, r *openreports.Report) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode report %s/%s: %w", r.Metadata.Namespace, r.Metadata.Name, err)
	}
	sum := sha256.Sum256(raw)
	if w.stored[r.Metadata.Namespace][r.Metadata.Name] == sum {
		return nil
	}
	if err := w.limiter.Wait(ctx); err != nil {
		return err
	}
	o := reportObject(r.Metadata.Namespace, r.Metadata.Name)
	err = w.Client.Patch(ctx, o, client.RawPatch(applyPatch, raw), client.FieldOwner(FieldManager), client.ForceOwnership)
	switch {
	case err == nil:
		w.written.WithLabelValues("applied").Inc()
		w.keep(r.Metadata.Namespace, r.Metadata.Name, sum)
		return nil
	case apierrors.HasStatusCause(err, namespaceTerminating), r.Metadata.Namespace != "" && namespaceMissing(err):
		w.written.WithLabelValues("gone").Inc()
		return nil // its objects go with it, and our reports of them
	}
	w.written.WithLabelValues("failed").Inc()
	return fmt.Errorf("apply report %s/%s: %w", r.Metadata.Namespace, r.Metadata.Name, err)
}

func (w *Reports) remove(ctx context.Context, namespace, name string) error {
	if err := w.limiter.Wait(ctx); err != nil {
		return err
	}
	if err := w.Client.Delete(ctx, reportObject(namespace, name)); err != nil && !apierrors.IsNotFound(err) {
		w.written.WithLabelValues("failed").Inc()
		return fmt.Errorf("delete report %s/%s: %w", namespace, name, err)
	}
	w.written.WithLabelValues("deleted").Inc()
	delete(w.stored[namespace], name)
	if len(w.stored[namespace]) == 0 {
		delete(w.stored, namespace)
	}
	return nil
}

func (w *Reports) keep(namespace, name string, sum digest) {
	if w.stored[namespace] == nil {
		w.stored[namespace] = map[string]digest{}
	}
	w.stored[namespace][name] = sum
}

// requeue queues every namespace that has results or stored reports.
func (w *Reports) requeue() {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]string, 0, len(w.results)+len(w.stored))
	for namespace := range w.results {
		all = append(all, namespace)
	}
	for namespace := range w.stored {
		all = append(all, namespace)
	}
	slices.Sort(all)
	for _, namespace := range slices.Compact(all) {
		w.push(namespace)
	}
}
