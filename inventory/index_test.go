// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTreeAgainstASortedSlice makes random changes to versions of a tree, and
// compares each version, also after later ones were made from it, with a slice.
func TestTreeAgainstASortedSlice(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ versions, changes, names, boughs int }{
		"many small versions": {300, 200, 50, 1},
		"a few large ones":    {32, 12_000, 600, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			playTree(t, rand.New(rand.NewPCG(1, 2)), tc.versions, tc.changes, tc.names, tc.boughs)
		})
	}
}

type line struct {
	words
	key Key
}

type version struct {
	tree *tree
	want []line
}

func playTree(t *testing.T, rng *rand.Rand, many, changes, names, boughs int) {
	there := map[line]bool{}
	var versions []version
	current := version{tree: (*tree)(nil).clone(&owner{})}
	most := 0
	for n := range many {
		next := version{tree: current.tree.clone(&owner{})}
		grow := rng.IntN(3) > 0 && n < many*3/4
		for range rng.IntN(changes) {
			l := line{words{fmt.Sprint(rng.IntN(20)), fmt.Sprint(rng.IntN(5)), "c"}, Key{Namespace: "n", Name: fmt.Sprint(rng.IntN(names))}}
			if !grow && len(current.want) > 0 && rng.IntN(4) > 0 {
				l = current.want[rng.IntN(len(current.want))]
			}
			found := there[l]
			if grow {
				if old := next.tree.put(&l.words, &Entry{Key: l.key}); (old != nil) != found {
					t.Fatalf("put %v: replaced %v, want %v", l, old != nil, found)
				}
				there[l] = true
				continue
			}
			if old := next.tree.remove(&l.words, &l.key); (old != nil) != found {
				t.Fatalf("remove %v: found %v, want %v", l, old != nil, found)
			}
			delete(there, l)
		}
		next.want = slices.SortedFunc(maps.Keys(there), func(x, y line) int { return cmp.Or(x.compare(&y.words), x.key.Compare(y.key)) })
		most = max(most, len(next.tree.boughs))
		versions = append(versions, next)
		current = next
	}
	if most < boughs || boughs > 1 && len(current.tree.boughs) >= most {
		t.Fatalf("the tree had %d boughs at most, and %d in the end", most, len(current.tree.boughs))
	}
	for i, v := range versions {
		v.check(t, i)
	}
}

func (v version) check(t *testing.T, i int) {
	t.Helper()
	var got []line
	v.tree.ascend(place{}, func(r row) bool { got = append(got, line{*r.at, r.entry.Key}); return true })
	if !slices.Equal(got, v.want) || v.tree.Len() != len(v.want) {
		t.Fatalf("version %d: %d rows, want %d", i, len(got), len(v.want))
	}
	for at, b := range v.tree.boughs {
		if len(b.held.list) == 0 || len(b.held.list) > maxBough || b.first != b.held.list[0].first {
			t.Fatalf("version %d: bough %d has %d leaves, or another first row", i, at, len(b.held.list))
		}
		for _, l := range b.held.list {
			if len(l.leaf.rows) == 0 || len(l.leaf.rows) > maxLeaf || l.first != l.leaf.rows[0] {
				t.Fatalf("version %d: a leaf of %d rows, or with another first row", i, len(l.leaf.rows))
			}
		}
	}
	for a := range 20 {
		var got, want []Key
		first := fmt.Sprint(a)
		scanTree(v.tree, words{a: first, b: "3"}, matchAB, func(e *Entry) bool { got = append(got, e.Key); return true })
		for _, l := range v.want {
			if l.a == first && l.b == "3" {
				want = append(want, l.key)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("version %d: scan of %d yields %v, want %v", i, a, got, want)
		}
	}
}

// TestRowsInOrderFillTheirLeaves: a cluster is listed in order, and half-empty
// leaves would cost as much memory again.
func TestRowsInOrderFillTheirLeaves(t *testing.T) {
	t.Parallel()
	tr := (*tree)(nil).clone(&owner{})
	const n = 10_000
	for i := range n {
		tr.put(nil, &Entry{Key: Key{Namespace: "n", Name: fmt.Sprintf("%06d", i)}})
	}
	leaves := 0
	for _, b := range tr.boughs {
		leaves += len(b.held.list)
	}
	if most := n/maxLeaf + 1; leaves > most || len(tr.boughs) > most/maxBough+1 {
		t.Errorf("%d boughs and %d leaves for %d rows, want at most %d leaves", len(tr.boughs), leaves, n, most)
	}
}
