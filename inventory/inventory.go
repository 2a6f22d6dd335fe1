// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"context"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Inventory is one version of the indexed objects. It never changes, so any
// number of goroutines may read it; a reader that keeps one pointer sees one
// consistent state.
type Inventory struct {
	objects  map[schema.GroupKind]*tree // rows: namespace, name
	postings [postingCount]*tree
	over     *overlay // nil unless made by With
	memo     *sync.Map
	reads    *Reads // nil unless made by Recording
	sweep    *sweep // nil unless made by Sweep

	until context.Context // nil unless made by Until: such a view lives as long as one judgement
}

// overlay holds the objects that With laid over a version. It is small (one
// proposed object, or the few admitted within the last seconds), so look-ups
// read it linearly.
type overlay struct {
	entries  []*Entry // what With added
	hidden   []Key    // what the entries and deletions replace
	postings []posting
}

func (o *overlay) hides(k Key) bool {
	return o != nil && slices.Contains(o.hidden, k)
}

// New indexes the objects. A later object replaces an earlier one of the same
// identity. The objects are kept as they are: callers must not change them
// afterwards, and trim them first (Trim) when memory matters.
func New(objects ...Object) *Inventory {
	e := (&Inventory{}).Edit()
	for _, o := range objects {
		e.Put(NewEntry(o))
	}
	return e.Inventory()
}

// With returns a view in which obj replaces the object of the same identity. It
// costs a few allocations whatever the size of the inventory.
func (inv *Inventory) With(obj Object) *Inventory { return inv.WithEntry(NewEntry(obj)) }

// WithEntry is With for an entry that the caller already has.
func (inv *Inventory) WithEntry(e *Entry) *Inventory {
	v := &view{inv: *inv}
	if identifies(e.Key.Kind) {
		v.inv.memo = &sync.Map{}
	}
	if inv.over != nil {
		v.over = inv.over.without(e.Key)
	} else {
		v.over = overlay{entries: v.entries[:0], hidden: v.hidden[:0], postings: v.postings[:0]}
	}
	v.over.entries = append(v.over.entries, e)
	v.over.hidden = append(v.over.hidden, e.Key)
	v.over.postings = appendPostings(v.over.postings, e)
	v.inv.over = &v.over
	return &v.inv
}

// view is a version with its overlay in one piece: most overlays hold one
// object, and one is made for every review. Nothing but the version points into
// it, so it lives no longer than that.
type view struct {
	inv      Inventory
	over     overlay
	entries  [1]*Entry
	hidden   [1]Key
	postings [4]posting // a Service has one row, an Ingress with one path three, a Pod with three labels four
}

// Without returns a view that lacks the object.
func (inv *Inventory) Without(k Key) *Inventory {
	out := *inv
	over := &overlay{}
	if inv.over != nil {
		*over = inv.over.without(k)
	}
	over.hidden = append(over.hidden, k)
	out.over = over
	if identifies(k.Kind) {
		out.memo = &sync.Map{}
	}
	return &out
}

// without copies the overlay, leaving out one identity.
func (o *overlay) without(k Key) overlay {
	var out overlay
	for _, e := range o.entries {
		if e.Key != k {
			out.entries = append(out.entries, e)
			out.postings = appendPostings(out.postings, e)
		}
	}
	for _, h := range o.hidden {
		if h != k {
			out.hidden = append(out.hidden, h)
		}
	}
	return out
}

// Edit starts a change. The edit may be used by one goroutine; readers of inv
// are not disturbed. Two edits of the same inventory must not run at once.
// Overlaid objects are not part of the edit.
func (inv *Inventory) Edit() *Edit {
	e := &Edit{objects: make(map[schema.GroupKind]*tree, len(inv.objects)+1), owner: &owner{}}
	maps.Copy(e.objects, inv.objects)
	e.postings, e.memo = inv.postings, inv.memo
	if e.memo == nil || inv.over != nil {
		e.memo = &sync.Map{}
	}
	return e
}

// Edit is a change in the making: a new version that shares every index node it
// does not touch with the version it came from.
type Edit struct {
	objects  map[schema.GroupKind]*tree
	postings [postingCount]*tree
	owner    *owner
	scratch  []posting // of Put
	memo     *sync.Map // nil once an object that it depends on has changed
}

func (e *Edit) tree(k schema.GroupKind) *tree {
	t := e.objects[k]
	if t == nil || t.owner != e.owner {
		t = t.clone(e.owner)
		e.objects[k] = t
	}
	return t
}

func (e *Edit) posting(i int) *tree {
	t := e.postings[i]
	if t == nil || t.owner != e.owner {
		t = t.clone(e.owner)
		e.postings[i] = t
	}
	return t
}

// fewPostings is how many rows of an entry are searched one by one: a hostile
// object has tens of thousands.
const fewPostings = 16

// Put adds the entry, replacing one of the same identity.
func (e *Edit) Put(entry *Entry) {
	shareTemplate(e, entry)
	e.touch(entry.Key.Kind)
	old := e.tree(entry.Key.Kind).put(nil, entry)
	e.scratch = appendPostings(e.scratch[:0], entry)
	if old != nil {
		before := appendPostings(nil, old)
		for i := range before {
			// What stays is replaced in place below. Long lists are not compared.
			if len(e.scratch) <= fewPostings && slices.ContainsFunc(e.scratch, before[i].same) {
				continue
			}
			e.posting(before[i].index).remove(&before[i].words, &old.Key)
		}
	}
	for i := range e.scratch {
		e.posting(e.scratch[i].index).put(&e.scratch[i].words, entry)
	}
	clear(e.scratch)
}

// Delete removes an object; deleting an absent one does nothing.
func (e *Edit) Delete(k Key) {
	if e.objects[k.Kind] == nil {
		return
	}
	old := e.tree(k.Kind).remove(&words{a: k.Namespace, b: k.Name}, &k)
	if old == nil {
		return
	}
	e.touch(k.Kind)
	for _, p := range appendPostings(nil, old) {
		e.posting(p.index).remove(&p.words, &k)
	}
}

// Entry returns the entry of an identity as the edit has it so far, or nil.
func (e *Edit) Entry(k Key) *Entry {
	t := e.objects[k.Kind]
	if t == nil {
		return nil
	}
	pivot := words{a: k.Namespace, b: k.Name}
	if r := t.at(t.seek(&pivot, &k)); r != nil && r.compare(&pivot, &k) == 0 {
		return r.entry
	}
	return nil
}

// Keys returns the identities of a kind that the edit holds, in order. Loaders
// use it to find what a fresh listing no longer has.
func (e *Edit) Keys(k schema.GroupKind) []Key {
	t := e.objects[k]
	if t == nil {
		return nil
	}
	out := make([]Key, 0, t.Len())
	t.ascend(place{}, func(r row) bool { out = append(out, r.entry.Key); return true })
	return out
}

// Inventory publishes the edit as a new version. The edit must not be used
// afterwards.
func (e *Edit) Inventory() *Inventory {
	if e.memo == nil {
		e.memo = &sync.Map{}
	}
	return &Inventory{objects: e.objects, postings: e.postings, memo: e.memo}
}

// touch forgets what was worked out of objects of a kind.
func (e *Edit) touch(k schema.GroupKind) {
	if identifies(k) {
		e.memo = nil
	}
}
