// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"iter"
	"math/bits"
	"slices"
)

// bitset is a set of classes. Two sets that meet have the same length.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) has(i int32) bool { return b[i>>6]&(1<<(i&63)) != 0 }
func (b bitset) set(i int32)      { b[i>>6] |= 1 << (i & 63) }

// fill adds the first n elements.
func (b bitset) fill(n int) {
	for i := range b {
		b[i] = ^uint64(0)
	}
	if n&63 != 0 {
		b[len(b)-1] = 1<<(n&63) - 1
	}
}

func (b bitset) add(o bitset) {
	for i, w := range o {
		b[i] |= w
	}
}

// addBoth adds what is in both x and y.
func (b bitset) addBoth(x, y bitset) {
	for i, w := range x {
		b[i] |= w & y[i]
	}
}

func (b bitset) remove(o bitset) {
	for i, w := range o {
		b[i] &^= w
	}
}

// meet makes b the intersection of x and y, and reports whether there is any.
func (b bitset) meet(x, y bitset) bool {
	var some uint64
	for i, w := range x {
		b[i] = w & y[i]
		some |= b[i]
	}
	return some != 0
}

func (b bitset) meets(o bitset) bool {
	for i, w := range o {
		if b[i]&w != 0 {
			return true
		}
	}
	return false
}

// within reports whether all of b is in o.
func (b bitset) within(o bitset) bool {
	for i, w := range b {
		if w&^o[i] != 0 {
			return false
		}
	}
	return true
}

func (b bitset) empty() bool {
	return !slices.ContainsFunc(b, func(w uint64) bool { return w != 0 })
}

func (b bitset) count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// all yields the elements in order.
func (b bitset) all() iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for i, w := range b {
			for ; w != 0; w &= w - 1 {
				if !yield(int32(i<<6 + bits.TrailingZeros64(w))) { //nolint:gosec // classes are counted by int32
					return
				}
			}
		}
	}
}

func (b bitset) first() int32 {
	for i := range b.all() {
		return i
	}
	return -1
}

// classSet is a set of classes that is kept for long: a list when it is small
// against all classes, as most are, and bits when not.
type classSet struct {
	list []int32 // in order
	bits bitset
}

// keep makes the set of a list, which it takes, of classes of n.
func keep(list []int32, n int) classSet {
	slices.Sort(list)
	list = slices.Compact(list)
	if len(list)*32 < n {
		return classSet{list: slices.Clip(list)}
	}
	b := newBitset(n)
	for _, c := range list {
		b.set(c)
	}
	return classSet{bits: b}
}

func (s classSet) has(c int32) bool {
	if s.bits != nil {
		return s.bits.has(c)
	}
	_, found := slices.BinarySearch(s.list, c)
	return found
}

// into adds the set to b.
func (s classSet) into(b bitset) {
	if s.bits != nil {
		b.add(s.bits)
		return
	}
	for _, c := range s.list {
		b.set(c)
	}
}

func (s classSet) all() iter.Seq[int32] {
	if s.bits != nil {
		return s.bits.all()
	}
	return slices.Values(s.list)
}
