// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	pause "k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// watcher keeps one kind up to date. It is the list-watcher and the store of a
// client-go reflector: it turns objects into stubs on the way in and stubs into
// changes on the way out, and keeps none.
type watcher struct {
	kind     inventory.Kind
	presence presence
	resource resource
	live     *Live
	log      logr.Logger

	// whole belongs to the reflector's goroutine: the first Replace has happened.
	whole bool

	// cleared belongs to the writer: nothing of this watcher counts any more.
	cleared bool

	synced    atomic.Bool  // the first whole state is published
	absent    atomic.Bool  // an aggregated server does not have the kind
	lastEvent atomic.Int64 // Unix nanoseconds
	lastSync  atomic.Int64
	failure   atomic.Pointer[error]

	stop context.CancelFunc
	done chan struct{}
}

// retries are how long is waited before another try: 7.5 s at most. What a webhook does
// not see meanwhile it cannot judge by, so the half minute of client-go, and as much again
// of jitter, is too long after some watches that ended with 410 Gone in a row.
func retries() *pause.Backoff {
	return &pause.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 6, Cap: 5 * time.Second}
}

// run watches until ctx ends.
func (w *watcher) run(ctx context.Context) {
	defer close(w.done)
	// The reflector logs every attempt; observe logs every change of state.
	quiet := logr.Discard()
	ctx = klog.NewContext(ctx, quiet)
	r := cache.NewReflectorWithOptions(w, nil, w, cache.ReflectorOptions{
		Logger: &quiet, Name: "gatehouse", TypeDescription: w.kind.Resource, Clock: newPromptClock(ctx), Backoff: retries(),
	})
	r.RunWithContext(ctx)
}

// List is ListWithContext; the reflector never calls it.
func (w *watcher) List(o metav1.ListOptions) (runtime.Object, error) {
	return w.ListWithContext(context.Background(), o)
}

// Watch is WatchWithContext; the reflector never calls it.
func (w *watcher) Watch(o metav1.ListOptions) (watch.Interface, error) {
	return w.WatchWithContext(context.Background(), o)
}

// ListWithContext lists one page as stubs. Reflectors list only where the server
// cannot stream. They ask for "any version", which the server answers in one
// piece whatever the limit; the latest version comes in pages.
func (w *watcher) ListWithContext(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
	if o.ResourceVersion == "0" {
		o.ResourceVersion = ""
	}
	page, err := w.resource.list(ctx, o)
	w.observe(ctx, err)
	if err != nil {
		return nil, err
	}
	list, err := meta.ListAccessor(page)
	if err != nil {
		return nil, err
	}
	out := &internalversion.List{ListMeta: metav1.ListMeta{
		ResourceVersion: list.GetResourceVersion(), Continue: list.GetContinue(), RemainingItemCount: list.GetRemainingItemCount(),
	}}
	c := newCompactor(w.kind, &w.live.pool)
	c.listing()
	// With a copy of each item: an entry that is kept must not keep its page.
	err = meta.EachListItemWithAlloc(page, func(item runtime.Object) error {
		s := c.stub(item)
		if s == nil {
			return fmt.Errorf("%T is not an API object", item)
		}
		out.Items = append(out.Items, s)
		return nil
	})
	return out, err
}

// WatchWithContext opens a stream of stubs.
func (w *watcher) WatchWithContext(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	in, err := w.resource.watch(ctx, o)
	initial := o.SendInitialEvents != nil && *o.SendInitialEvents
	if !initial || !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) {
		// Otherwise: a server that does not stream lists; the reflector lists.
		w.observe(ctx, err)
	}
	if err != nil {
		return nil, err
	}
	s := &stream{in: in, out: make(chan watch.Event), done: make(chan struct{}), watcher: w, compact: newCompactor(w.kind, &w.live.pool)}
	if initial {
		s.compact.listing()
	}
	go s.run(ctx)
	return s, nil
}

// observe notes the outcome of a request, and logs it when it differs from the
// one before.
func (w *watcher) observe(ctx context.Context, err error) {
	switch {
	case err == nil:
		w.absent.Store(false)
		if before := w.failure.Swap(nil); before != nil {
			w.log.Info("watching again", "kind", w.kind.GroupKind.String())
		}
		return
	case ctx.Err() != nil, apierrors.IsResourceExpired(err), apierrors.IsGone(err), apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge):
		return // part of how watches go
	case apierrors.IsNotFound(err) && w.presence.aggregated:
		w.absent.Store(true)
		return
	}
	if before := w.failure.Swap(&err); before == nil || (*before).Error() != err.Error() {
		w.log.Error(err, "cannot watch", "kind", w.kind.GroupKind.String())
	}
	if f := w.live.hooks.WatchError; f != nil {
		f(w.kind, err)
	}
}

func (w *watcher) touch() { w.lastEvent.Store(time.Now().UnixNano()) }

// Add puts an object.
func (w *watcher) Add(o any) error { return w.put(o) }

// Update puts an object.
func (w *watcher) Update(o any) error { return w.put(o) }

// Resync does nothing: nothing is kept that could be sent again.
func (w *watcher) Resync() error { return nil }

var errNotStub = errors.New("reflector handed over an object that it was not given")

func (w *watcher) put(o any) error {
	s, ok := o.(*stub)
	if !ok || s.entry == nil {
		return errNotStub
	}
	return w.live.queue(change{watcher: w, verb: put, entry: s.entry, key: s.key, uid: s.uid, defines: s.defines, at: s.decoded})
}

// Delete removes an object.
func (w *watcher) Delete(o any) error {
	s, ok := o.(*stub)
	if !ok {
		return errNotStub
	}
	return w.live.queue(change{watcher: w, verb: remove, key: s.key, version: number(s.version), uid: s.uid, at: s.decoded})
}

// Replace takes the whole state of the kind. The first one is one change, so
// that no version is half filled. Later ones put object by object and then
// remove what is gone: every version in between is one that the watch could have
// shown too, and other kinds do not wait for the end.
func (w *watcher) Replace(list []any, version string) error {
	now, listed := time.Now(), number(version)
	all := make([]*stub, 0, len(list))
	for _, o := range list {
		s, ok := o.(*stub)
		if !ok || s.entry == nil {
			return errNotStub
		}
		all = append(all, s)
	}
	if !w.whole {
		w.whole = true
		return w.live.queue(change{watcher: w, verb: replace, stubs: all, version: listed, at: now})
	}
	keep := make(map[inventory.Key]bool, len(all))
	for _, s := range all {
		keep[s.key] = true
		if err := w.put(s); err != nil {
			return err
		}
	}
	return w.live.queue(change{watcher: w, verb: sweep, keep: keep, version: listed, at: now})
}
