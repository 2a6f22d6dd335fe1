// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// KindStatus says how fresh one kind of a live inventory is.
type KindStatus struct {
	Coverage

	// LastEvent is when the watch last brought anything, the API server's
	// bookmarks included, which come about once a minute on a quiet watch. Zero
	// before the first.
	LastEvent time.Time

	// LastSync is when the whole state of the kind was last taken over.
	LastSync time.Time
}

// Status returns the state of every kind, in the order of inventory.Kinds. Err
// is set while a watch fails, also for a kind that was Complete before.
func (l *Live) Status() []KindStatus {
	inv := l.Inventory()
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]KindStatus, len(l.kinds))
	for i, kind := range l.kinds {
		s := &out[i]
		s.Kind, s.Objects = kind.GroupKind, inv.Len(kind.GroupKind)
		w := l.watchers[kind.GroupKind]
		if w == nil {
			s.State = NotInstalled
			if kind.BuiltIn || l.arranged == 0 {
				s.State = Reading // nothing is known yet
			}
			continue
		}
		s.Version = w.presence.version
		s.LastEvent, s.LastSync = instant(w.lastEvent.Load()), instant(w.lastSync.Load())
		if err := w.failure.Load(); err != nil {
			s.Err = *err
		}
		switch {
		case w.absent.Load():
			s.State = NotInstalled
		case w.synced.Load():
			s.State = Complete
		case s.Err != nil:
			s.State = Unreadable
		default:
			s.State = Reading
		}
	}
	return out
}

func instant(unixNano int64) time.Time {
	if unixNano == 0 {
		return time.Time{}
	}
	return time.Unix(0, unixNano)
}

// HasSynced reports whether the inventory once held the whole state of every
// kind that was installed. It stays true: whether a kind is still fresh is
// Status's to say. A kind that may not be read keeps it false.
func (l *Live) HasSynced() bool {
	if l.synced.Load() {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, gk := range []schema.GroupKind{definitionKind, apiServiceKind} {
		if w := l.watchers[gk]; w == nil || !w.synced.Load() {
			return false
		}
	}
	if l.arranged != l.asked {
		return false
	}
	for _, w := range l.watchers {
		if !w.synced.Load() && !w.absent.Load() {
			return false
		}
	}
	l.synced.Store(true)
	return true
}

// pollSync is how often WaitForSync looks.
const pollSync = 20 * time.Millisecond

// WaitForSync waits until HasSynced or until ctx ends; its error then names a
// kind that is missing.
func (l *Live) WaitForSync(ctx context.Context) error {
	tick := time.NewTicker(pollSync)
	defer tick.Stop()
	for !l.HasSynced() {
		select {
		case <-ctx.Done():
			for _, s := range l.Status() {
				if s.State == Reading || s.State == Unreadable {
					return fmt.Errorf("wait for the inventory: %s: %w", s.Coverage, ctx.Err())
				}
			}
			return fmt.Errorf("wait for the inventory: %w", ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// report calls the hooks.
func (l *Live) report(p *published, b *batch, m Publication) {
	if f := l.hooks.Objects; f != nil {
		for gk := range b.touched {
			f(gk, p.inventory.Len(gk))
		}
	}
	if f := l.hooks.Changed; f != nil {
		f(p.inventory, b.keys)
	}
	if f := l.hooks.Published; f != nil {
		f(m)
	}
}
