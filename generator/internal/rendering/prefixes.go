// SPDX-License-Identifier: Apache-2.0

package rendering

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
)

// Prefixes are blocks of addresses, to be asked which of them overlap another in less
// time than looking at each. The zero value is empty.
type Prefixes struct {
	exact map[netip.Prefix]bool
	list  []netip.Prefix // by address, the wider first
}

// PrefixesOf takes blocks without host bits.
func PrefixesOf(list []netip.Prefix) Prefixes {
	out := Prefixes{exact: make(map[netip.Prefix]bool, len(list)), list: slices.SortedFunc(slices.Values(list), byAddress)}
	for _, p := range list {
		out.exact[p] = true
	}
	return out
}

func byAddress(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// Overlapping visits the blocks that have an address in common with one: those around
// it, then it and those within it, by their addresses.
func (s *Prefixes) Overlapping(p netip.Prefix) iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		if len(s.list) == 0 {
			return
		}
		for bits := range p.Bits() {
			if around, err := p.Addr().Prefix(bits); err == nil && s.exact[around] && !yield(around) {
				return
			}
		}
		at, _ := slices.BinarySearchFunc(s.list, p, byAddress)
		for _, q := range s.list[at:] {
			if !p.Contains(q.Addr()) || !yield(q) {
				return
			}
		}
	}
}

// Overlap reports whether any of the blocks has an address in common with one.
func (s *Prefixes) Overlap(p netip.Prefix) bool {
	for range s.Overlapping(p) {
		return true
	}
	return false
}
