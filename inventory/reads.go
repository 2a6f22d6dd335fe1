// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"hash/maphash"
	"reflect"
	"slices"
)

// Read stands for one look-up: a kind or an index, and the words that were asked
// for. It is a hash, so two look-ups may have the same Read: whoever compares
// Reads finds every match, and now and then one too many.
type Read uint64

// Reads notes the look-ups that are made through the views of Recording, the
// futile ones included. An object whose judgement made none of the look-ups that
// a change could answer is judged the same after the change. One goroutine may
// use it at a time.
//
// What is worked out once and used again is known to depend on the look-ups that
// it took when it is kept by Once. Whoever uses Memo directly depends on every
// object that a memo is about.
type Reads struct {
	seed  maphash.Seed
	noted []Read
}

// NewReads begins a family of Reads that can be compared with each other.
func NewReads() *Reads { return &Reads{seed: maphash.MakeSeed()} }

// Sibling returns another of the same family, for another goroutine.
func (r *Reads) Sibling() *Reads { return &Reads{seed: r.seed} }

// Recording returns a view of the same version whose look-ups are noted in r.
func (inv *Inventory) Recording(r *Reads) *Inventory {
	out := *inv
	out.reads = r
	return &out
}

// Take returns what was noted since the last call, ordered and each once, and
// forgets it. The look-up of own itself is left out. The slice is the caller's.
func (r *Reads) Take(own Key) []Read {
	slices.Sort(r.noted)
	self := r.ofKey(own)
	out := make([]Read, 0, len(r.noted))
	for i, at := range r.noted {
		if at != self && (i == 0 || at != r.noted[i-1]) {
			out = append(out, at)
		}
	}
	r.noted = r.noted[:0]
	return out
}

// Finding appends every look-up that finds the entry, some of them more than
// once.
func (r *Reads) Finding(out []Read, e *Entry) []Read {
	out = append(out, r.ofKind(e.Key, ""), r.ofKey(e.Key))
	if e.Key.Namespace != "" {
		out = append(out, r.ofKind(e.Key, e.Key.Namespace))
	}
	if identifies(e.Key.Kind) {
		out = append(out, r.hash(readMemo))
	}
	for _, p := range appendPostings(nil, e) {
		for d := matchA; d <= matchABC; d++ {
			out = append(out, r.ofIndex(p.index, p.words, d))
		}
	}
	return out
}

// The first words of a Read. Indexes follow.
const (
	readKind uint64 = iota + 1
	readKey
	readMemo
	readIndex
)

// mix is an odd number with about as many ones as zeros, so that multiplying by
// it spreads every bit (the golden ratio, 2^64/phi).
const mix = 0x9E3779B97F4A7C15

func (r *Reads) hash(first uint64, texts ...string) Read {
	h := first * mix
	for _, s := range texts {
		h = (h ^ maphash.String(r.seed, s)) * mix
		h ^= h >> 29
	}
	return Read(h)
}

func (r *Reads) ofKind(k Key, namespace string) Read {
	return r.hash(readKind, k.Kind.Group, k.Kind.Kind, namespace)
}

func (r *Reads) ofKey(k Key) Read {
	return r.hash(readKey, k.Kind.Group, k.Kind.Kind, k.Namespace, k.Name)
}

func (r *Reads) ofIndex(index int, w words, d depth) Read {
	first := readIndex + uint64(index)*(uint64(matchABC)+1) + uint64(d) //nolint:gosec // index is one of the constants of postings.go
	switch d {
	case matchA:
		return r.hash(first, w.a)
	case matchAB:
		return r.hash(first, w.a, w.b)
	case matchABC:
	}
	return r.hash(first, w.a, w.b, w.c)
}

// noteKey, noteKind and noteIndex do nothing for a view that does not record.
func (inv *Inventory) noteKey(k Key) {
	if r := inv.reads; r != nil {
		r.noted = append(r.noted, r.ofKey(k))
	}
}

func (inv *Inventory) noteKind(k Key) {
	if r := inv.reads; r != nil {
		r.noted = append(r.noted, r.ofKind(k, k.Namespace))
	}
}

func (inv *Inventory) noteIndex(index int, pivot words, d depth) {
	if r := inv.reads; r != nil {
		r.noted = append(r.noted, r.ofIndex(index, pivot, d))
	}
}

func (inv *Inventory) noteMemo() {
	if r := inv.reads; r != nil {
		r.noted = append(r.noted, r.hash(readMemo))
	}
}

// noted is a value of a memo and the look-ups that it took.
type noted struct {
	value any
	reads []Read
}

// notedKey is the key of a value that was worked out by a view that records: one
// that does not leaves no look-ups behind, and those of another family mean
// nothing.
type notedKey struct {
	family maphash.Seed
	key    any
}

// Once returns what work returns for a key, which it calls at most once for all
// versions with the same memo, or now and then once for each of several
// goroutines. The value must depend on nothing but what a memo is about (Memo),
// must not hold the inventory that work is given, and is shared: nobody may
// change it. A value that is returned after the end of Until is not kept.
func (inv *Inventory) Once(key any, work func(*Inventory) any) any {
	r := inv.reads
	if inv.memo == nil {
		return work(inv)
	}
	if r == nil {
		if value, known := inv.memo.Load(key); known {
			return value
		}
		value := work(inv)
		if !inv.Ended() {
			inv.memo.Store(key, value)
		}
		return value
	}
	if kept, known := inv.memo.Load(notedKey{r.seed, key}); known {
		if n, ok := kept.(*noted); ok {
			r.noted = append(r.noted, n.reads...)
			return n.value
		}
	}
	own := r.Sibling()
	n := &noted{value: work(inv.Recording(own))}
	n.reads = own.Take(Key{})
	r.noted = append(r.noted, n.reads...)
	if !inv.Ended() {
		inv.memo.Store(notedKey{r.seed, key}, n)
	}
	return n.value
}

// Same reports whether two entries hold the same object: nothing that is kept of
// it differs. Most events of a busy cluster change only what is not kept.
func Same(a, b *Entry) bool {
	if a == b {
		return true
	}
	return a.Key == b.Key && reflect.DeepEqual(a.Object, b.Object) && reflect.DeepEqual(a.Workload, b.Workload)
}
