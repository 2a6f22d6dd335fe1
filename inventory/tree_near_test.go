// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestASearchBeginsAnywhere compares searches that begin where another ended with
// those that begin at the root, in a tree of many leaves and boughs with rows of
// equal words, in leaps and in small steps of either direction.
func TestASearchBeginsAnywhere(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	tr := (*tree)(nil).clone(&owner{})
	const span = 60_000
	for range 40_000 {
		w := words{a: fmt.Sprintf("%05d", r.IntN(span)), b: pick(r, testNames)}
		tr.put(&w, &Entry{Key: Key{Name: pick(r, testNames)}})
	}
	if len(tr.boughs) < 2 {
		t.Fatalf("%d boughs: this tests no step from one to the next", len(tr.boughs))
	}
	var l lane
	near, at := 0, 0
	for i := range 60_000 {
		if at += r.IntN(41) - 20; i%50 == 0 {
			at = r.IntN(span + 20)
		}
		pivot := words{a: fmt.Sprintf("%05d", max(at, 0)), b: pick(r, append(testNames, ""))}
		if l.tree != nil {
			if _, found := tr.near(l.at, &pivot); found {
				near++
			}
		}
		if got, want := l.seek(tr, &pivot), tr.seek(&pivot, nil); got != want {
			t.Fatalf("%v: got %v, want %v", pivot, got, want)
		}
	}
	if near < 30_000 {
		t.Errorf("only %d searches stayed in their leaf", near)
	}
	for _, pivot := range []words{{}, {a: "~"}} {
		if got, want := l.seek(tr, &pivot), tr.seek(&pivot, nil); got != want {
			t.Errorf("%v: got %v, want %v", pivot, got, want)
		}
	}
}

// TestASweepAnswersAsTheVersionDoes asks everything in random order of one view and
// of its version, overlaid and not, empty and not.
func TestASweepAnswersAsTheVersionDoes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 9))
	all := questions()
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range all {
			if !yield(name) {
				return
			}
		}
	})
	e, answers := New().Edit(), 0
	for round := range 60 {
		for range 5 * min(round, 1) { // the first round has no objects
			o := randomObject(r)
			if r.IntN(4) == 0 {
				o = randomBinding(r)
			}
			e.Put(NewEntry(o))
		}
		inv := e.Inventory()
		e = inv.Edit()
		plain := inv
		if r.IntN(2) == 0 {
			plain = inv.With(randomObject(r))
		}
		sweep := plain.Sweep()
		for range 300 {
			name := pick(r, names)
			want := all[name](plain)
			answers += len(want)
			if got := all[name](sweep); !slices.Equal(got, want) {
				t.Fatalf("%s: got %v, want %v", name, got, want)
			}
		}
	}
	if answers < 1000 {
		t.Errorf("%d answers", answers)
	}
}
