// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/clock"
)

// stream turns the objects of a watch into stubs as they come.
type stream struct {
	in      watch.Interface
	out     chan watch.Event
	done    chan struct{}
	once    sync.Once
	watcher *watcher
	compact *compactor
}

// ResultChan returns the events; it is closed when the stream ends.
func (s *stream) ResultChan() <-chan watch.Event { return s.out }

// Stop ends the stream.
func (s *stream) Stop() {
	s.once.Do(func() { close(s.done) })
	s.in.Stop()
}

func (s *stream) run(ctx context.Context) {
	defer close(s.out)
	for e := range s.in.ResultChan() {
		s.watcher.touch()
		if !s.convert(ctx, &e) {
			continue
		}
		select {
		case s.out <- e:
		case <-s.done:
			return
		}
	}
}

// convert replaces the object of an event; false drops the event.
func (s *stream) convert(ctx context.Context, e *watch.Event) bool {
	switch e.Type {
	case watch.Added, watch.Modified:
		made := s.compact.stub(e.Object)
		if made == nil {
			return false
		}
		e.Object = made
	case watch.Deleted:
		made := s.compact.gone(e.Object)
		if made == nil {
			return false
		}
		e.Object = made
	case watch.Bookmark:
		if m, err := meta.Accessor(e.Object); err == nil && m.GetAnnotations()[metav1.InitialEventsAnnotationKey] == "true" {
			s.compact.listed()
		}
	case watch.Error:
		s.watcher.observe(ctx, apierrors.FromObject(e.Object))
	}
	return true
}

// promptClock is the real clock, but its After fires at once when ctx ends: a
// reflector waits between attempts without looking at its context, and a
// shutdown would wait with it.
type promptClock struct {
	clock.RealClock
	ctx context.Context // the clock lives as long as one watcher
}

func newPromptClock(ctx context.Context) promptClock { return promptClock{ctx: ctx} }

// After returns a channel that delivers after d, or when the context ends.
func (c promptClock) After(d time.Duration) <-chan time.Time {
	out := make(chan time.Time, 1)
	fire := func() {
		select {
		case out <- time.Now():
		default:
		}
	}
	release := context.AfterFunc(c.ctx, fire)
	time.AfterFunc(d, func() { release(); fire() })
	return out
}
