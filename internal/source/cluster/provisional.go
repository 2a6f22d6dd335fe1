// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"container/list"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// provisional is an object that was admitted and that the watch has not shown.
//
// When is an event the answer to it, and when is it an older one that was still
// on its way? Admission runs last before the object is stored, inside the
// registry's transaction, on the object as it will be stored: with its name, its
// uid and all defaults. https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go
//
//   - An update is stored only if the object still has the version that the
//     review showed (compare and swap). The next change after that version is
//     therefore this one, or this one never happens; when the server tries again
//     on a newer version, it asks for a new review. So an event with a greater
//     resourceVersion settles the update, whatever it says, and any other is
//     older: it must not hide what was admitted.
//   - A creation has no version yet, but a uid, which is new. An event with that
//     uid settles it. An event with another uid is about an object of that name
//     which was there before, or which came after this one was refused
//     elsewhere; the two cannot be told apart, and the end of its life decides.
//   - Versions of one resource are compared as numbers, which Kubernetes
//     promises for its own and for custom resources
//     (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions).
//     Where a server's versions are no numbers, any object that the watch shows
//     settles.
type provisional struct {
	entry  *inventory.Entry
	update bool   // it replaces a stored object
	base   uint64 // version of the object that an update replaces; 0: not a number
	uid    uint64 // fingerprint; 0: has none
	bytes  int64
	until  time.Time

	// disputed says that the watch shows another object of that identity: one of
	// the two is stored, and which of them is not known. It belongs to the holder
	// of Live.writing, as the rest below does.
	disputed bool
	at       *list.Element // nil: not held
	done     bool          // held, or found overtaken
	visible  bool
}

// settledBy reports whether an event about the identity comes after the
// admission. there says that the event shows an object, and not that it is gone.
func (p *provisional) settledBy(version, uid uint64, there bool) bool {
	switch {
	case p.update && p.base != 0 && version != 0:
		return version > p.base
	case !p.update && p.uid != 0 && uid != 0:
		return uid == p.uid
	}
	return there
}

// overtakenBy reports whether the update cannot be stored any more, because the
// watch has shown a newer object, or a later review has: it was made on a stale
// copy, and the server will try again with a new review.
func (p *provisional) overtakenBy(word *inventory.Entry, held *provisional) bool {
	if !p.update || p.base == 0 {
		return false
	}
	return word != nil && word.Version > p.base || held != nil && held.update && held.base > p.base
}

// ledger holds what is provisional, within its bounds. It belongs to the holder
// of Live.writing.
type ledger struct {
	PendingOptions
	byKey    map[inventory.Key]*provisional
	order    list.List // of *provisional, by the end of their lives
	bytes    int64
	disputed int
	timer    *time.Timer // runs while anything is held
}

func newLedger(o PendingOptions) *ledger {
	g := &ledger{PendingOptions: o.withDefaults(), byKey: map[inventory.Key]*provisional{}}
	g.timer = time.NewTimer(g.Life)
	g.timer.Stop()
	return g
}

// hold takes p in; its identity must not be held.
func (g *ledger) hold(p *provisional, now time.Time) {
	if len(g.byKey) == 0 {
		g.timer.Reset(g.Life)
	}
	p.until = now.Add(g.Life)
	p.at = g.order.PushBack(p)
	g.byKey[p.entry.Key] = p
	g.bytes += p.bytes
}

// release lets p go.
func (g *ledger) release(p *provisional) {
	g.dispute(p, false)
	g.order.Remove(p.at)
	p.at = nil
	delete(g.byKey, p.entry.Key)
	g.bytes -= p.bytes
	if len(g.byKey) == 0 {
		g.timer.Stop()
	}
}

func (g *ledger) dispute(p *provisional, yes bool) {
	switch {
	case yes && !p.disputed:
		g.disputed++
	case !yes && p.disputed:
		g.disputed--
	}
	p.disputed = yes
}

// oldest returns what has been held longest, nil when nothing is.
func (g *ledger) oldest() *provisional {
	if front := g.order.Front(); front != nil {
		p, _ := front.Value.(*provisional)
		return p
	}
	return nil
}

// fits reports whether there is room for p.
func (g *ledger) fits(p *provisional) bool {
	return len(g.byKey) < g.Objects && g.bytes+p.bytes <= g.Bytes
}

// number reads a resourceVersion; 0 when it is none that can be compared.
func number(version string) uint64 {
	n, err := strconv.ParseUint(version, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// fingerprint is FNV-1a of a uid, so that tens of thousands of stubs need not
// keep theirs; 0 only for an object without. The API server makes uids at random.
func fingerprint(uid types.UID) uint64 {
	if uid == "" {
		return 0
	}
	h := uint64(14695981039346656037)
	for i := range len(uid) {
		h = (h ^ uint64(uid[i])) * 1099511628211
	}
	return max(h, 1)
}
