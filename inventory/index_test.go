// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTreeAgainstASortedSlice makes random changes to versions of a tree, and
// compares each version, also after later ones were made from it, with a slice.
func TestTreeAgainstASortedSlice(t *testing.T) {
	t.Parallel()
	type line struct {
		words
		key Key
	}
	compare := func(x, y line) int { return cmp.Or(x.compare(&y.words), x.key.Compare(y.key)) }
	rng := rand.New(rand.NewPCG(1, 2))
	type version struct {
		tree *tree
		want []line
	}
	var versions []version
	current := version{tree: (*tree)(nil).clone(&owner{})}
	for range 300 {
		next := version{current.tree.clone(&owner{}), slices.Clone(current.want)}
		grow := rng.IntN(3) > 0
		for range rng.IntN(200) {
			l := line{words{fmt.Sprint(rng.IntN(20)), fmt.Sprint(rng.IntN(5)), "c"}, Key{Namespace: "n", Name: fmt.Sprint(rng.IntN(50))}}
			at, found := slices.BinarySearchFunc(next.want, l, compare)
			if grow {
				if old := next.tree.put(&l.words, &Entry{Key: l.key}); (old != nil) != found {
					t.Fatalf("put %v: replaced %v, want %v", l, old != nil, found)
				}
				if !found {
					next.want = slices.Insert(next.want, at, l)
				}
				continue
			}
			if old := next.tree.remove(&l.words, &l.key); (old != nil) != found {
				t.Fatalf("remove %v: found %v, want %v", l, old != nil, found)
			}
			if found {
				next.want = slices.Delete(next.want, at, at+1)
			}
		}
		versions = append(versions, next)
		current = next
	}
	for i, v := range versions {
		var got []line
		v.tree.ascend(0, 0, func(r row) bool { got = append(got, line{*r.at, r.entry.Key}); return true })
		if !slices.Equal(got, v.want) || v.tree.Len() != len(v.want) {
			t.Fatalf("version %d: %d rows, want %d", i, len(got), len(v.want))
		}
		for a := range 20 {
			var got, want []Key
			scanTree(v.tree, words{a: fmt.Sprint(a), b: "3"}, matchAB, func(e *Entry) bool { got = append(got, e.Key); return true })
			for _, l := range v.want {
				if l.a == fmt.Sprint(a) && l.b == "3" {
					want = append(want, l.key)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("version %d: scan of %d yields %v, want %v", i, a, got, want)
			}
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
	if got, most := len(tr.branches), n/maxLeaf+1; got > most {
		t.Errorf("%d leaves for %d rows, want at most %d", got, n, most)
	}
}
