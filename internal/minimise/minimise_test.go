// SPDX-License-Identifier: Apache-2.0

package minimise

import (
	"slices"
	"testing"
)

// TestSmallestKeepsWhatTheCaseIsAbout: of lists of lists only what the failure needs
// is left, and the case that was given stays as it was.
func TestSmallestKeepsWhatTheCaseIsAbout(t *testing.T) {
	t.Parallel()
	given := [][]int{{1, 2}, {3, 7, 4}, {}, {7, 5, 9}}
	without := func(c [][]int, k *Knife) [][]int {
		out := make([][]int, len(c))
		for i := range c {
			out[i] = slices.Clone(c[i])
		}
		return Remove(k, out, func(inner *[]int) { *inner = Remove(k, *inner, nil) })
	}
	has := func(c [][]int, n int) bool {
		return slices.ContainsFunc(c, func(inner []int) bool { return slices.Contains(inner, n) })
	}
	got := Smallest(given, without, func(c [][]int) bool { return has(c, 7) && has(c, 9) })
	if len(got) != 1 || !slices.Equal(got[0], []int{7, 9}) {
		t.Errorf("%v, not [[7 9]]", got)
	}
	count := 0
	for less := range OneLess(got, without) {
		if count++; has(less, 7) && has(less, 9) {
			t.Errorf("%v fails as well", less)
		}
	}
	if count != 3 { // the list, and each of its numbers
		t.Errorf("%d things can be removed", count)
	}
	if len(given) != 4 || !slices.Equal(given[1], []int{3, 7, 4}) {
		t.Errorf("the given case is %v now", given)
	}
}
