// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"strings"

	"k8s.io/utils/third_party/forked/golang/btree"
)

// A row is one line of an index: up to three words and the entry found under
// them. Rows with equal words are told apart by the entry's key, so an index is
// a sorted multimap.
type row struct {
	a, b, c string
	entry   *Entry
}

// compareWords orders two rows by their words only.
func compareWords(x, y row) int {
	// Every step down a tree ends here, so a difference ends the comparison.
	if c := strings.Compare(x.a, y.a); c != 0 {
		return c
	}
	if c := strings.Compare(x.b, y.b); c != 0 {
		return c
	}
	return strings.Compare(x.c, y.c)
}

func lessRow(x, y row) bool {
	if c := compareWords(x, y); c != 0 {
		return c < 0
	}
	// A row without entry is a pivot: it sorts before every row with its words.
	if x.entry == nil || y.entry == nil {
		return x.entry == nil && y.entry != nil
	}
	return x.entry.Key.Compare(y.entry.Key) < 0
}

// degree is the B-tree's minimum fan-out: 32 rows of 56 bytes make nodes of up
// to 3.5 KiB, the unit that a change of a shared tree copies.
const degree = 32

type tree = btree.BTree[row]

func newTree() *tree { return btree.New(degree, lessRow) }

// depth says how many leading words of a pivot must match.
type depth uint8

const (
	matchA depth = iota + 1
	matchAB
	matchABC
)

func (d depth) matches(pivot, r row) bool {
	switch d {
	case matchABC:
		return r.c == pivot.c && r.b == pivot.b && r.a == pivot.a
	case matchAB:
		return r.b == pivot.b && r.a == pivot.a
	case matchA:
		return r.a == pivot.a
	}
	return false
}

// scanTree yields the entries under the pivot's words in key order until yield
// returns false; it reports whether the scan ran to its end.
func scanTree(t *tree, pivot row, d depth, yield func(*Entry) bool) bool {
	if t == nil {
		return true
	}
	complete := true
	t.AscendGreaterOrEqual(pivot, func(r row) bool {
		if !d.matches(pivot, r) {
			return false
		}
		complete = yield(r.entry)
		return complete
	})
	return complete
}
