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

// published is one version with its number.
type published struct {
	inventory  *inventory.Inventory
	generation uint64
}

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
// is the only goroutine that edits.
func (l *Live) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-l.changes:
			l.batch(c)
		}
	}
}

// batch applies the first change and everything that waits behind it.
func (l *Live) batch(first change) {
	began := time.Now()
	before := l.current.Load()
	b := batch{edit: before.inventory.Edit(), touched: map[schema.GroupKind]bool{}}
	l.apply(&b, first)
	oldest, n := first.at, 1
	for more := true; more && n < maxBatch; {
		select {
		case c := <-l.changes:
			l.apply(&b, c)
			n++
			if c.at.Before(oldest) {
				oldest = c.at
			}
		default:
			more = false
		}
	}
	after := &published{b.edit.Inventory(), before.generation + 1}
	l.current.Store(after)
	now := time.Now()
	if b.definitions {
		l.redefine() // before synced: HasSynced must not miss what was just defined
	}
	for _, w := range b.whole {
		w.synced.Store(true)
	}
	l.report(after, &b, Publication{
		Generation: after.generation, Changes: n, Lag: now.Sub(oldest), Took: now.Sub(began),
	})
}

// batch is the state of one publication in the making.
type batch struct {
	edit        *inventory.Edit
	touched     map[schema.GroupKind]bool
	whole       []*watcher // whose first whole state is in it
	definitions bool
}

func (l *Live) apply(b *batch, c change) {
	w := c.watcher
	if w.cleared {
		return
	}
	b.touched[w.kind.GroupKind] = true
	switch c.verb {
	case put:
		b.edit.Put(c.entry)
		l.define(b, c.key, c.defines)
	case remove:
		b.edit.Delete(c.key)
		l.define(b, c.key, nil)
	case replace:
		l.replace(b, c)
	case sweep:
		l.sweep(b, w, c.keep)
		w.lastSync.Store(time.Now().UnixNano())
	case withdraw:
		l.sweep(b, w, nil)
		w.cleared = true
	}
}

func (l *Live) replace(b *batch, c change) {
	keep := make(map[inventory.Key]bool, len(c.stubs))
	for _, s := range c.stubs {
		keep[s.key] = true
		b.edit.Put(s.entry)
		l.define(b, s.key, s.defines)
	}
	l.sweep(b, c.watcher, keep)
	b.whole = append(b.whole, c.watcher)
	// Even without any object: HasSynced waits for the definitions to be seen.
	b.definitions = b.definitions || definesKinds(c.watcher.kind.GroupKind)
	c.watcher.lastSync.Store(time.Now().UnixNano())
}

func (l *Live) sweep(b *batch, w *watcher, keep map[inventory.Key]bool) {
	for _, key := range b.edit.Keys(w.kind.GroupKind) {
		if !keep[key] {
			b.edit.Delete(key)
			l.define(b, key, nil)
		}
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
