// SPDX-License-Identifier: Apache-2.0

package inventory

import "slices"

// maxLeaf bounds the rows of a leaf: 256 rows of 16 bytes are 4 KiB, the unit
// that a change of a shared tree copies.
const maxLeaf = 256

// owner marks what an edit has made itself and may therefore change.
type owner struct{ _ byte }

// tree is a sorted sequence of rows in leaves, and of leaves in boughs. A
// published one never changes; the next version shares the boughs and leaves that
// it does not touch. Three levels are enough: half a million rows have three
// thousand leaves in a hundred boughs, and a change copies one of each and the
// list of boughs, 8 KiB in all.
type tree struct {
	boughs []bough
	rows   int
	owner  *owner
}

// maxBough bounds the leaves of a bough: 64 branches of 24 bytes are 1.5 KiB.
const maxBough = 64

type bough struct {
	first row // of the first leaf, here so that a search visits one bough only
	held  *branches
}

type branches struct {
	list  []branch // never empty once published
	owner *owner
}

type branch struct {
	first row // of the leaf, here so that a search visits one leaf only
	leaf  *leaf
}

type leaf struct {
	rows  []row
	owner *owner
}

// place is where a row is or would be. i may be one past the end of the leaf.
// The zero value is the beginning.
type place struct{ bough, branch, i int }

// clone returns a tree that the owner may change.
func (t *tree) clone(o *owner) *tree {
	if t == nil {
		return &tree{owner: o}
	}
	// With room for a bough that splits.
	return &tree{boughs: append(make([]bough, 0, len(t.boughs)+1), t.boughs...), rows: t.rows, owner: o}
}

// Len is the number of rows.
func (t *tree) Len() int { return t.rows }

// seek returns the place of the first row that is not before the words and key.
func (t *tree) seek(w *words, k *Key) place {
	low, high := 0, len(t.boughs) // the boughs before low begin before the place
	for low < high {
		mid := int(uint(low+high) >> 1)
		if t.boughs[mid].first.compare(w, k) < 0 {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == 0 {
		return place{}
	}
	p := place{bough: low - 1}
	list := t.boughs[p.bough].held.list
	low, high = 1, len(list) // the first leaf of the bough begins before the place
	for low < high {
		mid := int(uint(low+high) >> 1)
		if list[mid].first.compare(w, k) < 0 {
			low = mid + 1
		} else {
			high = mid
		}
	}
	p.branch = low - 1
	rows := list[p.branch].leaf.rows
	low, high = 1, len(rows) // and so does the first row of the leaf
	for low < high {
		mid := int(uint(low+high) >> 1)
		if rows[mid].compare(w, k) < 0 {
			low = mid + 1
		} else {
			high = mid
		}
	}
	p.i = low
	if low == len(rows) {
		if next, first := t.after(p); first != nil && first.compare(w, k) == 0 {
			return next
		}
	}
	return p
}

// after returns the beginning of the next leaf and its first row, nil behind the
// last leaf.
func (t *tree) after(p place) (place, *row) {
	if list := t.boughs[p.bough].held.list; p.branch+1 < len(list) {
		return place{p.bough, p.branch + 1, 0}, &list[p.branch+1].first
	}
	if p.bough+1 < len(t.boughs) {
		return place{p.bough + 1, 0, 0}, &t.boughs[p.bough+1].first
	}
	return place{}, nil
}

// at returns the row of a place, nil when there is none.
func (t *tree) at(p place) *row {
	if p.bough >= len(t.boughs) {
		return nil
	}
	if rows := t.boughs[p.bough].held.list[p.branch].leaf.rows; p.i < len(rows) {
		return &rows[p.i]
	}
	return nil
}

// held returns the branches of a bough with the right to change them.
func (t *tree) held(at int) *branches {
	b := t.boughs[at].held
	if b.owner == t.owner {
		return b
	}
	b = &branches{list: append(make([]branch, 0, min(len(b.list)+4, maxBough+1)), b.list...), owner: t.owner}
	t.boughs[at].held = b
	return b
}

// own returns the leaf of a place with the right to change it.
func (t *tree) own(p place) *leaf {
	b := &t.held(p.bough).list[p.branch]
	if b.leaf.owner != t.owner {
		l := b.leaf
		b.leaf = &leaf{rows: append(make([]row, 0, min(len(l.rows)+8, maxLeaf)), l.rows...), owner: t.owner}
	}
	return b.leaf
}

// begins notes the first row of a leaf where searches look for it.
func (t *tree) begins(p place) {
	b := &t.boughs[p.bough].held.list[p.branch]
	b.first = b.leaf.rows[0]
	if p.branch == 0 {
		t.boughs[p.bough].first = b.first
	}
}

// put adds a row, or replaces the one with the same words and key and returns
// its entry. Nil words stand for the entry's namespace and name.
func (t *tree) put(w *words, e *Entry) (old *Entry) {
	pivot := w
	if pivot == nil {
		pivot = &words{a: e.Key.Namespace, b: e.Key.Name}
	}
	if len(t.boughs) == 0 {
		t.rows++
		r := row{entry: e, at: lasting(w)}
		only := branch{r, &leaf{rows: []row{r}, owner: t.owner}}
		t.boughs = append(t.boughs, bough{r, &branches{list: []branch{only}, owner: t.owner}})
		return nil
	}
	p := t.seek(pivot, &e.Key)
	l := t.own(p)
	if p.i < len(l.rows) && l.rows[p.i].compare(pivot, &e.Key) == 0 {
		old, l.rows[p.i].entry = l.rows[p.i].entry, e
		t.begins(p)
		return old
	}
	r := row{entry: e}
	switch {
	case w == nil:
	case p.i > 0 && l.rows[p.i-1].compareWords(w) == 0:
		r.at = l.rows[p.i-1].at
	case p.i < len(l.rows) && l.rows[p.i].compareWords(w) == 0:
		r.at = l.rows[p.i].at
	default:
		r.at = lasting(w)
	}
	t.rows++
	if len(l.rows) == maxLeaf {
		p = t.split(p)
		l = t.own(p)
	}
	l.rows = slices.Insert(l.rows, p.i, r)
	t.begins(p)
	return nil
}

func lasting(w *words) *words {
	if w == nil {
		return nil
	}
	out := *w
	return &out
}

// remove takes the row with the words and the key away and returns its entry.
func (t *tree) remove(w *words, k *Key) *Entry {
	p := t.seek(w, k)
	if r := t.at(p); r == nil || r.compare(w, k) != 0 {
		return nil
	}
	l := t.own(p)
	old := l.rows[p.i].entry
	l.rows = slices.Delete(l.rows, p.i, p.i+1)
	t.rows--
	t.join(p)
	return old
}

// ascend yields the rows from a place on until yield returns false.
func (t *tree) ascend(p place, yield func(row) bool) {
	for ; p.bough < len(t.boughs); p.bough++ {
		list := t.boughs[p.bough].held.list
		for ; p.branch < len(list); p.branch++ {
			for _, r := range list[p.branch].leaf.rows[p.i:] {
				if !yield(r) {
					return
				}
			}
			p.i = 0
		}
		p.branch = 0
	}
}
