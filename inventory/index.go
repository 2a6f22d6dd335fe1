// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"slices"
	"strings"
)

// words are what a row of an index is found under: up to three of them.
type words struct{ a, b, c string }

func (w *words) compare(o *words) int {
	// Every step of a search ends here, so a difference ends the comparison.
	if c := strings.Compare(w.a, o.a); c != 0 {
		return c
	}
	if c := strings.Compare(w.b, o.b); c != 0 {
		return c
	}
	return strings.Compare(w.c, o.c)
}

// A row is one line of an index: the words and the entry found under them. Rows
// with equal words are told apart by the entry's key, so an index is a sorted
// multimap. A row holds two pointers only: a large cluster has half a million.
type row struct {
	at    *words // shared by neighbours with equal words; nil: namespace and name of the entry
	entry *Entry
}

func (r row) compareWords(o *words) int {
	if r.at == o {
		return 0
	}
	if r.at != nil {
		return r.at.compare(o)
	}
	k := &r.entry.Key
	if c := strings.Compare(k.Namespace, o.a); c != 0 {
		return c
	}
	if c := strings.Compare(k.Name, o.b); c != 0 {
		return c
	}
	return strings.Compare("", o.c)
}

// compare orders a row against the words and the key of another. A nil key is a
// pivot: it sorts before every row with its words.
func (r row) compare(o *words, k *Key) int {
	if c := r.compareWords(o); c != 0 {
		return c
	}
	if k == nil {
		return 1
	}
	return r.entry.Key.Compare(*k)
}

// maxLeaf bounds the rows of a leaf: 256 rows of 16 bytes are 4 KiB, the unit
// that a change of a shared tree copies.
const maxLeaf = 256

// owner marks what an edit has made itself and may therefore change.
type owner struct{ _ byte }

// tree is a sorted sequence of rows in leaves. A published one never changes;
// the next version shares the leaves that it does not touch. Two levels are
// enough: half a million rows have three thousand leaves, and copying that many
// branches takes a few microseconds.
type tree struct {
	branches []branch
	rows     int
	owner    *owner
}

type branch struct {
	first row // of the leaf, here so that a search visits one leaf only
	leaf  *leaf
}

type leaf struct {
	rows  []row
	owner *owner
}

// clone returns a tree that the owner may change.
func (t *tree) clone(o *owner) *tree {
	if t == nil {
		return &tree{owner: o}
	}
	// With room for the leaves that a few insertions split.
	return &tree{branches: append(make([]branch, 0, len(t.branches)+4), t.branches...), rows: t.rows, owner: o}
}

// Len is the number of rows.
func (t *tree) Len() int { return t.rows }

// seek returns the place of the first row that is not before the words and key:
// a branch and an index into its leaf, which may be one past its end.
func (t *tree) seek(w *words, k *Key) (at, i int) {
	low, high := 0, len(t.branches) // the branches before low begin before the place
	for low < high {
		mid := int(uint(low+high) >> 1)
		if t.branches[mid].first.compare(w, k) < 0 {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == 0 {
		return 0, 0
	}
	rows := t.branches[low-1].leaf.rows
	from, to := 1, len(rows) // the first row of the leaf is before the place
	for from < to {
		mid := int(uint(from+to) >> 1)
		if rows[mid].compare(w, k) < 0 {
			from = mid + 1
		} else {
			to = mid
		}
	}
	if from == len(rows) && low < len(t.branches) && t.branches[low].first.compare(w, k) == 0 {
		return low, 0
	}
	return low - 1, from
}

// own returns the leaf of a branch with the right to change it.
func (t *tree) own(at int) *leaf {
	l := t.branches[at].leaf
	if l.owner == t.owner {
		return l
	}
	l = &leaf{rows: append(make([]row, 0, min(len(l.rows)+8, maxLeaf)), l.rows...), owner: t.owner}
	t.branches[at].leaf = l
	return l
}

// put adds a row, or replaces the one with the same words and key and returns
// its entry. Nil words stand for the entry's namespace and name.
func (t *tree) put(w *words, e *Entry) (old *Entry) {
	pivot := w
	if pivot == nil {
		pivot = &words{a: e.Key.Namespace, b: e.Key.Name}
	}
	if len(t.branches) == 0 {
		t.rows++
		r := row{entry: e, at: lasting(w)}
		t.branches = append(t.branches, branch{r, &leaf{rows: []row{r}, owner: t.owner}})
		return nil
	}
	at, i := t.seek(pivot, &e.Key)
	l := t.own(at)
	if i < len(l.rows) && l.rows[i].compare(pivot, &e.Key) == 0 {
		old, l.rows[i].entry = l.rows[i].entry, e
		t.branches[at].first = l.rows[0]
		return old
	}
	r := row{entry: e}
	switch {
	case w == nil:
	case i > 0 && l.rows[i-1].compareWords(w) == 0:
		r.at = l.rows[i-1].at
	case i < len(l.rows) && l.rows[i].compareWords(w) == 0:
		r.at = l.rows[i].at
	default:
		r.at = lasting(w)
	}
	t.rows++
	if len(l.rows) == maxLeaf {
		at, i = t.split(at, i)
		l = t.branches[at].leaf
	}
	l.rows = slices.Insert(l.rows, i, r)
	t.branches[at].first = l.rows[0]
	return nil
}

func lasting(w *words) *words {
	if w == nil {
		return nil
	}
	out := *w
	return &out
}

// split makes room for a row at a place of a full leaf and returns where the
// place is then. Rows that come in order fill their leaves.
func (t *tree) split(at, i int) (int, int) {
	l := t.branches[at].leaf
	cut := maxLeaf / 2
	if i == maxLeaf {
		cut = maxLeaf
	}
	next := &leaf{rows: append(make([]row, 0, maxLeaf), l.rows[cut:]...), owner: t.owner}
	clear(l.rows[cut:])
	l.rows = l.rows[:cut]
	b := branch{leaf: next}
	if len(next.rows) > 0 {
		b.first = next.rows[0]
	}
	t.branches = slices.Insert(t.branches, at+1, b)
	if i < cut || i == cut && cut < maxLeaf {
		return at, i
	}
	return at + 1, i - cut
}

// remove takes the row with the words and the key away and returns its entry.
func (t *tree) remove(w *words, k *Key) *Entry {
	at, i := t.seek(w, k)
	if at >= len(t.branches) {
		return nil
	}
	if rows := t.branches[at].leaf.rows; i >= len(rows) || rows[i].compare(w, k) != 0 {
		return nil
	}
	l := t.own(at)
	old := l.rows[i].entry
	l.rows = slices.Delete(l.rows, i, i+1)
	t.rows--
	t.join(at)
	return old
}

// join puts a leaf that has become small together with its neighbour.
func (t *tree) join(at int) {
	l := t.branches[at].leaf
	if len(l.rows) == 0 {
		t.branches = slices.Delete(t.branches, at, at+1)
		return
	}
	t.branches[at].first = l.rows[0]
	if at+1 < len(t.branches) && len(l.rows)+len(t.branches[at+1].leaf.rows) <= maxLeaf/2 {
		l.rows = append(l.rows, t.branches[at+1].leaf.rows...)
		t.branches = slices.Delete(t.branches, at+1, at+2)
	}
}

// ascend yields the rows from a place on until yield returns false.
func (t *tree) ascend(at, i int, yield func(row) bool) {
	for ; at < len(t.branches); at++ {
		rows := t.branches[at].leaf.rows
		for ; i < len(rows); i++ {
			if !yield(rows[i]) {
				return
			}
		}
		i = 0
	}
}

// depth says how many leading words of a pivot must match.
type depth uint8

const (
	matchA depth = iota + 1
	matchAB
	matchABC
)

func (d depth) matches(pivot, w *words) bool {
	switch d {
	case matchABC:
		return w.c == pivot.c && w.b == pivot.b && w.a == pivot.a
	case matchAB:
		return w.b == pivot.b && w.a == pivot.a
	case matchA:
		return w.a == pivot.a
	}
	return false
}

// scanTree yields the entries under the pivot's words in key order until yield
// returns false; it reports whether the scan ran to its end.
func scanTree(t *tree, pivot words, d depth, yield func(*Entry) bool) bool {
	if t == nil {
		return true
	}
	var same *words // the words that matched last: most rows share theirs
	at, i := t.seek(&pivot, nil)
	for ; at < len(t.branches); at++ {
		for _, r := range t.branches[at].leaf.rows[i:] {
			switch {
			case r.at == nil:
				if !d.matches(&pivot, &words{a: r.entry.Key.Namespace, b: r.entry.Key.Name}) {
					return true
				}
			case r.at != same:
				if !d.matches(&pivot, r.at) {
					return true
				}
				same = r.at
			}
			if !yield(r.entry) {
				return false
			}
		}
		i = 0
	}
	return true
}
