// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"maps"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

type verb uint8

const (
	put      verb = iota // one object appeared or changed
	remove               // one object is gone
	replace              // the first whole state of a kind
	sweep                // the end of a later whole state: what is not kept is gone
	withdraw             // the kind is gone, and its watcher with it
)

// change is one step of the writer.
type change struct {
	watcher *watcher
	verb    verb
	entry   *inventory.Entry
	key     inventory.Key
	defines *definition
	stubs   []*stub
	keep    map[inventory.Key]bool
	version uint64    // of a removal, or of the list of a whole state; 0: not known
	uid     uint64    // fingerprint; 0: not known
	at      time.Time // when it was decoded
}

const (
	// queued is how many changes may wait. A full queue holds the watches back,
	// and through them the API server.
	queued = 256

	// maxBatch bounds the changes of one publication, so that the first of them
	// does not wait for the last: 256 take about 5 ms at 50,000 pods.
	maxBatch = 256
)

var errStopped = errors.New("the inventory is being stopped")

// queue hands a change to the writer; it waits while the queue is full.
func (l *Live) queue(c change) error {
	select {
	case l.changes <- c:
		return nil
	case <-l.ended:
		return errStopped
	}
}

// write applies changes until ctx ends: all that wait, then one publication. It
// is the only goroutine that applies what the watches bring; what reviews admit
// is applied by their own goroutines, under the same lock.
func (l *Live) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-l.changes:
			l.batch(c)
		case <-l.pending.timer.C:
			l.expire(time.Now())
		}
	}
}

// batch applies the first change and everything that waits behind it.
func (l *Live) batch(first change) {
	l.writing.Lock()
	defer l.writing.Unlock()
	b := l.open()
	l.apply(b, first)
	oldest, n := first.at, 1
	for more := true; more && n < maxBatch; {
		select {
		case c := <-l.changes:
			l.apply(b, c)
			n++
			if c.at.Before(oldest) {
				oldest = c.at
			}
		default:
			more = false
		}
	}
	l.admitAll(b)
	l.publish(b, n, oldest)
}

func (l *Live) apply(b *batch, c change) {
	w := c.watcher
	if w.cleared {
		return
	}
	b.touched[w.kind.GroupKind] = true
	switch c.verb {
	case put:
		l.hear(b, c.key, c.entry, c.entry.Version, c.uid)
		l.define(b, c.key, c.defines)
	case remove:
		l.hear(b, c.key, nil, c.version, c.uid)
		l.define(b, c.key, nil)
	case replace:
		l.replace(b, c)
	case sweep:
		l.sweep(b, w, c.keep, c.version)
		w.lastSync.Store(time.Now().UnixNano())
	case withdraw:
		l.withdraw(b, w)
		w.cleared = true
	}
}

func (l *Live) replace(b *batch, c change) {
	keep := make(map[inventory.Key]bool, len(c.stubs))
	for _, s := range c.stubs {
		keep[s.key] = true
		l.hear(b, s.key, s.entry, s.entry.Version, s.uid)
		l.define(b, s.key, s.defines)
	}
	l.sweep(b, c.watcher, keep, c.version)
	b.whole = append(b.whole, c.watcher)
	// Even without any object: HasSynced waits for the definitions to be seen.
	b.definitions = b.definitions || definesKinds(c.watcher.kind.GroupKind)
	c.watcher.lastSync.Store(time.Now().UnixNano())
}

// sweep removes what a list of the version does not have. An object that was
// admitted since is not in it yet.
func (l *Live) sweep(b *batch, w *watcher, keep map[inventory.Key]bool, version uint64) {
	for _, key := range b.edit.Keys(w.kind.GroupKind) {
		if !keep[key] {
			l.hear(b, key, nil, version, 0)
			l.define(b, key, nil)
		}
	}
}

// withdraw removes all objects of a kind that is gone, admitted ones as well.
func (l *Live) withdraw(b *batch, w *watcher) {
	for _, key := range b.edit.Keys(w.kind.GroupKind) {
		if p := l.pending.byKey[key]; p != nil {
			l.pending.release(p)
			b.pending.Settled++
		}
		b.set(key, nil)
		l.define(b, key, nil)
	}
}

func definesKinds(gk schema.GroupKind) bool { return gk == definitionKind || gk == apiServiceKind }

// define keeps the definitions in step with their objects.
func (l *Live) define(b *batch, key inventory.Key, d *definition) {
	if !definesKinds(key.Kind) {
		return
	}
	if d == nil {
		delete(l.definitions, key)
	} else {
		l.definitions[key] = d
	}
	b.definitions = true
}

// redefine tells the director, which starts and stops watchers, what is
// installed now.
func (l *Live) redefine() {
	l.mu.Lock()
	l.wanted = maps.Clone(l.definitions)
	l.asked++
	l.mu.Unlock()
	select {
	case l.redefined <- struct{}{}:
	default: // the director has not yet looked at what it was told before
	}
}
