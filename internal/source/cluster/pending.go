// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"time"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// PendingOptions bound what a Live remembers of admitted objects that its
// watches have not shown. The zero value of a field is its default.
type PendingOptions struct {
	// Life is how long the watch may take to show an admitted object; then it is
	// taken for not stored. Default 5 s: a watch of a healthy cluster takes
	// milliseconds, and an object that another webhook or a quota refused must not
	// stay.
	Life time.Duration

	// Objects is how many are held at once; one more ends the oldest one's life.
	// Default 4,096: five seconds of 800 admissions each, while no watch moves.
	Objects int

	// Bytes is how much JSON they may have come in, in bytes. What is kept of it
	// is a fraction. Default 32 MiB.
	Bytes int64
}

func (o PendingOptions) withDefaults() PendingOptions {
	return PendingOptions{
		Life:    cmp.Or(max(o.Life, 0), 5*time.Second),
		Objects: cmp.Or(max(o.Objects, 0), 4096),
		Bytes:   cmp.Or(max(o.Bytes, 0), 32<<20),
	}
}

// Pending counts what became of admitted objects in one publication.
type Pending struct {
	Held       int // after the publication
	Settled    int // the watch has shown them, or what came instead
	Expired    int // their life ended before
	Overflowed int // ended early to make room
	Overtaken  int // never held: a newer version was known already
}

// Views returns two readings of the current version. In current, every admitted
// object that the watches have not shown is in place already. In watched, every
// object that the watches have shown is as they last showed it; what only was
// admitted is in both. They are the same pointer unless a watched object waits
// for the confirmation of a change.
//
// Whoever refuses what either of them forbids cannot be misled by an admitted
// change that was never stored: it can add a refusal, not take one away. Views
// takes no lock.
func (l *Live) Views() (current, watched *inventory.Inventory) {
	p := l.current.Load()
	if p.watched != nil {
		return p.inventory, p.watched
	}
	return p.inventory, p.inventory
}

// Admit makes an object visible that is about to be stored, before it returns,
// and reports whether it did. From then on the watch's word counts: the entry
// stands until the watch shows what became of it, or until its life ends, and
// then what the watch showed last stands again.
//
// The object is as the validating phase of admission shows it, and is copied.
// base is the resourceVersion of the object that it replaces, "" for a
// creation; bytes is the size of the JSON that it came in. Dry-run objects must
// not be handed over. Kinds that the Live does not watch, and objects whose name
// the API server has yet to choose, are left out.
//
// It waits at most for the publication in progress (5 ms for the largest batch
// at 50,000 pods). Safe for concurrent use.
func (l *Live) Admit(o inventory.Object, base string, bytes int) bool {
	kind, watched := l.byKind[inventory.GroupKindOf(o)]
	if !watched || o.GetName() == "" {
		return false
	}
	mine, ok := o.DeepCopyObject().(inventory.Object)
	if !ok {
		return false
	}
	if !kind.Namespaced {
		mine.SetNamespace("")
	}
	p := &provisional{
		update: base != "", base: number(base), uid: fingerprint(mine.GetUID()), bytes: int64(bytes),
		entry: l.pool.Entry(mine),
	}
	l.arriving.Lock()
	l.arrivals = append(l.arrivals, p)
	l.arriving.Unlock()
	l.writing.Lock()
	defer l.writing.Unlock()
	if !p.done { // otherwise somebody took it along while we waited
		b := l.open()
		l.admitAll(b)
		l.publish(b, 0, time.Time{})
	}
	return p.visible
}

// admitAll takes in what has arrived since the last publication.
func (l *Live) admitAll(b *batch) {
	l.arriving.Lock()
	arrived := l.arrivals
	l.arrivals = nil
	l.arriving.Unlock()
	now := time.Now()
	for _, p := range arrived {
		l.admit(b, p, now)
	}
}

func (l *Live) admit(b *batch, p *provisional, now time.Time) {
	g, key := l.pending, p.entry.Key
	p.done = true
	held := g.byKey[key]
	word := b.edit.Entry(key) // what the watch showed last
	if held != nil {
		word = nil
		if held.disputed {
			word = b.watched.Entry(key)
		}
	}
	if p.overtakenBy(word, held) {
		b.pending.Overtaken++
		return
	}
	if held != nil {
		g.release(held)
	}
	for !g.fits(p) && g.oldest() != nil {
		b.pending.Overflowed++
		l.revert(b, g.oldest())
	}
	g.hold(p, now)
	p.visible = true
	b.touched[key.Kind] = true
	if word == nil {
		b.put(p.entry)
		return
	}
	b.fork()
	g.dispute(p, true)
	b.show(p.entry)
}

// hear takes in what a watch says of an identity: its object, or nil when it is
// gone.
func (l *Live) hear(b *batch, key inventory.Key, entry *inventory.Entry, version, uid uint64) {
	g := l.pending
	p := g.byKey[key]
	switch {
	case p == nil:
		b.set(key, entry)
	case p.settledBy(version, uid, entry != nil):
		g.release(p)
		b.pending.Settled++
		b.set(key, entry)
	case entry != nil:
		b.fork()
		g.dispute(p, true)
		b.watched.Put(entry)
	case p.disputed: // the older object is gone: nothing stands against the newer one
		g.dispute(p, false)
		b.watched.Put(private(p.entry))
	}
}

// revert ends a life: what the watch showed last stands again.
func (l *Live) revert(b *batch, p *provisional) {
	key, disputed := p.entry.Key, p.disputed
	l.pending.release(p)
	b.touched[key.Kind] = true
	if !disputed {
		b.set(key, nil)
		return
	}
	b.show(private(b.watched.Entry(key))) // there is one: that is what the dispute is
}

// expire ends the lives that are over.
func (l *Live) expire(now time.Time) {
	l.writing.Lock()
	defer l.writing.Unlock()
	var b *batch
	for p := l.pending.oldest(); p != nil; p = l.pending.oldest() {
		if left := p.until.Sub(now); left > 0 {
			l.pending.timer.Reset(left)
			break
		}
		if b == nil {
			b = l.open()
		}
		b.pending.Expired++
		l.revert(b, p)
	}
	if b != nil {
		l.publish(b, 0, time.Time{})
	}
}
