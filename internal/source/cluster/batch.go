// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// published is one version with its number.
type published struct {
	inventory  *inventory.Inventory
	watched    *inventory.Inventory // see Live.Views; nil when it is the same
	generation uint64
}

// batch is the state of one publication in the making. It belongs to the holder
// of Live.writing.
type batch struct {
	began   time.Time
	edit    *inventory.Edit
	watched *inventory.Edit // beside edit while there are disputes, else nil

	touched     map[schema.GroupKind]bool
	keys        []inventory.Key // of what may have changed
	whole       []*watcher      // whose first whole state is in it
	definitions bool
	pending     Pending
}

// open starts a batch on the current version.
func (l *Live) open() *batch {
	before := l.current.Load()
	b := &batch{began: time.Now(), edit: before.inventory.Edit(), touched: map[schema.GroupKind]bool{}}
	if before.watched != nil {
		b.watched = before.watched.Edit()
	}
	return b
}

// publish makes a batch the current version: it is visible when publish returns.
// changes is how many of it the watches brought, oldest when the first of them
// was decoded.
func (l *Live) publish(b *batch, changes int, oldest time.Time) {
	after := &published{inventory: b.edit.Inventory(), generation: l.current.Load().generation + 1}
	if l.pending.disputed > 0 {
		after.watched = b.watched.Inventory()
	}
	l.current.Store(after)
	now := time.Now()
	if b.definitions {
		l.redefine() // before synced: HasSynced must not miss what was just defined
	}
	for _, w := range b.whole {
		w.synced.Store(true)
	}
	b.pending.Held = len(l.pending.byKey)
	m := Publication{Generation: after.generation, Changes: changes, Took: now.Sub(b.began), Pending: b.pending}
	if changes > 0 {
		m.Lag = now.Sub(oldest)
	}
	l.report(after, b, m)
}

// fork makes the two readings of the version separate ones.
func (b *batch) fork() {
	if b.watched == nil {
		same := b.edit.Inventory()
		b.edit, b.watched = same.Edit(), same.Edit()
	}
}

// set puts the entry into both readings, or with nil removes the identity.
func (b *batch) set(key inventory.Key, entry *inventory.Entry) {
	if entry != nil {
		b.put(entry)
		return
	}
	b.keys = append(b.keys, key)
	b.edit.Delete(key)
	if b.watched != nil {
		b.watched.Delete(key)
	}
}

func (b *batch) put(entry *inventory.Entry) {
	b.keys = append(b.keys, entry.Key)
	b.edit.Put(entry)
	if b.watched != nil {
		b.watched.Put(entry)
	}
}

// show puts the entry into the current reading alone.
func (b *batch) show(entry *inventory.Entry) {
	b.edit.Put(entry)
	b.keys = append(b.keys, entry.Key)
}

// private returns an entry that may be put although it was published before:
// putting a pod lets it share the template of its siblings, which writes to it.
func private(e *inventory.Entry) *inventory.Entry {
	if e.Object != nil || e.Workload == nil {
		return e
	}
	out, w := *e, *e.Workload
	out.Workload = &w
	return &out
}
