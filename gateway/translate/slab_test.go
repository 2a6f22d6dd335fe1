// SPDX-License-Identifier: Apache-2.0

package translate

import "testing"

// TestWhatASlabGivesIsNobodyElses.
func TestWhatASlabGivesIsNobodyElses(t *testing.T) {
	t.Parallel()
	var s slab[[2]int]
	var all []*[2]int
	for n := range 2*slabSize + 3 {
		one := s.one()
		if *one != [2]int{} {
			t.Fatalf("value %d is %v", n, *one)
		}
		list := one[:0]
		for range 3 { // the third is beyond it
			list = append(list, n)
		}
		list[0] = -1
		all = append(all, one)
	}
	for n, one := range all {
		if *one != [2]int{n, n} {
			t.Errorf("value %d is %v", n, *one)
		}
	}
}
