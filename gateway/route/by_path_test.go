// SPDX-License-Identifier: Apache-2.0

package route

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestCandidatesAreFoundByTheirPaths, as in a map of them, and none that was put is changed by
// what is put after it.
func TestCandidatesAreFoundByTheirPaths(t *testing.T) {
	t.Parallel()
	paths, alone, several := []string{"", "/a", "/b", "/a/b"}, 0, 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		list := make([]candidate, r.IntN(5))
		for i := range list {
			list[i] = candidate{route: i, prefix: paths[r.IntN(len(paths))]}
		}
		before := slices.Clone(list)
		var m byPath
		want := map[string][]int{}
		for i := range list {
			m.put(list[i].prefix, list[i:i+1])
			want[list[i].prefix] = append(want[list[i].prefix], i)
		}
		m.sort()
		for _, path := range paths {
			var got []int
			for _, c := range m.of(path) {
				got = append(got, c.route)
			}
			if !slices.Equal(got, want[path]) {
				t.Fatalf("%v: %q has %v, want %v", want, path, got, want[path])
			}
		}
		for i := range list {
			if list[i].route != before[i].route {
				t.Fatalf("%v: candidate %d is another one", want, i)
			}
		}
		if m.all == nil {
			alone++
		} else {
			several++
		}
	}
	if alone < 20 || several < 20 {
		t.Errorf("%d have one path at most, %d more", alone, several)
	}
}
