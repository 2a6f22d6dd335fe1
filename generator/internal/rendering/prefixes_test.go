// SPDX-License-Identifier: Apache-2.0

package rendering

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

// TestPrefixes compares what is found with a look at each block.
func TestPrefixes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 6))
	draw := func() netip.Prefix {
		if r.IntN(3) == 0 {
			return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 13, byte(r.IntN(2)), 15: byte(r.IntN(8))}), 28+r.IntN(101)).Masked()
		}
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(r.IntN(2)), byte(r.IntN(4)), byte(r.IntN(8))}), r.IntN(33)).Masked()
	}
	some, none := 0, 0
	for range 3000 {
		list := make([]netip.Prefix, r.IntN(6))
		for i := range list {
			list[i] = draw()
		}
		set := PrefixesOf(list)
		p := draw()
		var want []netip.Prefix
		for _, q := range list {
			if q.Overlaps(p) && !slices.Contains(want, q) {
				want = append(want, q)
			}
		}
		var got []netip.Prefix
		for q := range set.Overlapping(p) {
			if !slices.Contains(got, q) {
				got = append(got, q)
			}
		}
		slices.SortFunc(want, byAddress)
		slices.SortFunc(got, byAddress)
		if !slices.Equal(got, want) || set.Overlap(p) != (len(want) > 0) {
			t.Fatalf("%v: %s overlaps %v, not %v", list, p, got, want)
		}
		if len(want) > 0 {
			some++
		} else {
			none++
		}
	}
	if some < 500 || none < 500 {
		t.Errorf("%d with, %d without", some, none)
	}
	var zero Prefixes
	if zero.Overlap(netip.MustParsePrefix("0.0.0.0/0")) {
		t.Error("the zero value is not empty")
	}
}
