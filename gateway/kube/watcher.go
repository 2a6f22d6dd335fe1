// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/klog/v2"
)

// watcher keeps a store as the API server has it, and what it held when that is away.
type watcher struct {
	kind   *kind
	at     place
	client *client
	log    logr.Logger
	*store

	// limit is for who reads objects one by one, together; nil: there is none. Of who has
	// one, refusals in a row are counted, and from some on nothing is asked until a time.
	limit    flowcontrol.RateLimiter
	refusals int // of the goroutine of run, as until is
	until    time.Time

	failure atomic.Pointer[error]
	stop    context.CancelFunc
	done    chan struct{}
}

// begin begins to watch a kind, or one object of it, as fast as a limit lets it: nil is
// none. It ends with ctx, or by end.
func (c *client) begin(ctx context.Context, k *kind, at place, limit flowcontrol.RateLimiter, log logr.Logger, changed func(change)) *watcher {
	ctx, stop := context.WithCancel(ctx)
	w := &watcher{kind: k, at: at, client: c, limit: limit, log: log, store: newStore(changed), stop: stop, done: make(chan struct{})}
	go w.run(ctx)
	return w
}

// retries are how long is waited before another try: the API server of a small cluster
// is away for seconds when it is updated.
func retries() *wait.Backoff {
	return &wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 6, Cap: 5 * time.Second}
}

func (w *watcher) run(ctx context.Context) {
	defer close(w.done)
	quiet := logr.Discard() // the reflector logs every try; observe logs what has changed
	ctx = klog.NewContext(ctx, quiet)
	cache.NewReflectorWithOptions(w, w.kind.example, w.store, cache.ReflectorOptions{
		Logger: &quiet, Name: "gatehouse", TypeDescription: w.kind.name, Backoff: retries(),
	}).RunWithContext(ctx)
}

// end stops watching. What comes after it counts for nothing.
func (w *watcher) end() { w.stop() }

// List is ListWithContext; the reflector never calls it.
func (w *watcher) List(o metav1.ListOptions) (runtime.Object, error) {
	return w.ListWithContext(context.Background(), o)
}

// Watch is WatchWithContext; the reflector never calls it.
func (w *watcher) Watch(o metav1.ListOptions) (watch.Interface, error) {
	return w.WatchWithContext(context.Background(), o)
}

// ListWithContext implements cache.ListerWithContext.
func (w *watcher) ListWithContext(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
	if err := w.pause(ctx); err != nil {
		return nil, err
	}
	out, err := w.client.list(ctx, w.kind, w.at, o)
	w.observe(ctx, err)
	return out, err
}

// WatchWithContext implements cache.WatcherWithContext.
func (w *watcher) WatchWithContext(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	if err := w.pause(ctx); err != nil {
		return nil, err
	}
	out, err := w.client.watch(ctx, w.kind, w.at, o)
	initial := o.SendInitialEvents != nil && *o.SendInitialEvents
	if !initial || !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) {
		w.observe(ctx, err) // otherwise: a server that does not stream lists; the reflector lists
	}
	return out, err
}

const (
	// promptly is how many refusals in a row are taken for rights that are just given: two
	// of a try, so that with the times of retries these are some seconds.
	promptly = 12
	// refused is how long is waited after each more of them at least.
	refused = time.Minute
)

// pause waits until something may be asked.
func (w *watcher) pause(ctx context.Context) error {
	if w.limit == nil {
		return nil
	}
	if left := time.Until(w.until); left > 0 && !sleep(ctx, left) {
		return ctx.Err()
	}
	return w.limit.Wait(ctx)
}

// count counts refusals.
func (w *watcher) count(err error) {
	if !apierrors.IsForbidden(err) {
		w.refusals, w.until = 0, time.Time{}
		return
	}
	if w.refusals++; w.refusals > promptly {
		w.until = time.Now().Add(wait.Jitter(refused, 0.5))
	}
}

// observe notes the outcome of a request, and logs the first fault after it went well.
func (w *watcher) observe(ctx context.Context, err error) {
	w.count(err)
	switch {
	case err == nil:
		if before := w.failure.Swap(nil); before != nil {
			w.log.Info("watching again", "kind", w.kind.name, "namespace", w.at.namespace, "name", w.at.name)
		}
		return
	case ctx.Err() != nil, apierrors.IsResourceExpired(err), apierrors.IsGone(err), apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge):
		return // part of how watches go
	}
	if w.failure.Swap(&err) == nil {
		w.log.Error(err, "cannot watch", "kind", w.kind.name, "namespace", w.at.namespace, "name", w.at.name)
		w.changed(meaning) // who waits for an answer has one
	}
}

// answered tells whether the API server has said what there is, or that it does not say.
func (w *watcher) answered() bool { return w.synced() || w.failure.Load() != nil }
