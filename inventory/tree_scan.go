// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"slices"
	"strings"
)

// scan yields the entries of an index, those of the overlay last.
func (inv *Inventory) scan(t *tree, index int, pivot words, d depth, yield func(*Entry) bool) {
	inv.scanLane(t, index, index, pivot, d, yield)
}

// scanLane is scan with the lane to search in.
func (inv *Inventory) scanLane(t *tree, lane, index int, pivot words, d depth, yield func(*Entry) bool) {
	inv.noteIndex(index, pivot, d)
	yield = inv.ending(yield)
	if t != nil {
		visit := yield
		if inv.over.hidesIndexed() {
			visit = func(e *Entry) bool { return inv.over.hides(e.Key) || yield(e) }
		}
		end, whole := scanFrom(t, inv.seekLane(t, lane, &pivot), pivot, d, visit)
		inv.leave(lane, t, end)
		if !whole {
			return
		}
	}
	inv.scanOverlay(index, pivot, d, yield)
}

// scanOverlay yields the entries that the overlay adds to an index.
func (inv *Inventory) scanOverlay(index int, pivot words, d depth, yield func(*Entry) bool) {
	if inv.over == nil {
		return
	}
	for i := range inv.over.postings {
		p := &inv.over.postings[i]
		if p.index == index && d.matches(&pivot, &p.words) && !yield(p.entry) {
			return
		}
	}
}

// scanPrefix yields the entries whose first two words are the pivot's and whose
// third begins with the pivot's. A Read knows whole words only, so it depends on
// all with the first two.
func (inv *Inventory) scanPrefix(index, lane int, pivot words, yield func(*Entry) bool) {
	inv.noteIndex(index, pivot, matchAB)
	begins := func(w *words) bool { return matchAB.matches(&pivot, w) && strings.HasPrefix(w.c, pivot.c) }
	inv.scanWhile(index, lane, pivot, begins, func(_ *words, e *Entry) bool { return yield(e) })
}

// scanWords is scan with the words under which an entry is found.
func (inv *Inventory) scanWords(index int, pivot words, d depth, yield func(*words, *Entry) bool) {
	inv.noteIndex(index, pivot, d)
	inv.scanWhile(index, index, pivot, func(w *words) bool { return d.matches(&pivot, w) }, yield)
}

// scanWhile yields the rows from a pivot on while they match, those of the overlay
// last.
func (inv *Inventory) scanWhile(index, lane int, pivot words, matches func(*words) bool, yield func(*words, *Entry) bool) {
	if t := inv.postings[index]; t != nil {
		more, hides := true, inv.over.hidesIndexed()
		p := inv.seekLane(t, lane, &pivot)
		t.ascend(p, func(r row) bool {
			if inv.Ended() || !matches(r.at) {
				return false
			}
			more = hides && inv.over.hides(r.entry.Key) || yield(r.at, r.entry)
			return more
		})
		if !more {
			return
		}
	}
	if inv.over == nil {
		return
	}
	for i := range inv.over.postings {
		if p := &inv.over.postings[i]; p.index == index && matches(&p.words) && !yield(&p.words, p.entry) {
			return
		}
	}
}

// hidesIndexed reports whether an index may hold what the overlay hides. No index
// holds roles, and the question about a role is the one that looks at thousands of
// other objects.
func (o *overlay) hidesIndexed() bool {
	return o != nil && slices.ContainsFunc(o.hidden, func(k Key) bool { return k.Kind != ClusterRoleKind && k.Kind != RoleKind })
}

// scanTree yields the entries under the pivot's words in key order until yield
// returns false.
func scanTree(t *tree, pivot words, d depth, yield func(*Entry) bool) {
	if t != nil {
		scanFrom(t, t.seek(&pivot, nil), pivot, d, yield)
	}
}

// scanFrom is scanTree where the place of the pivot is known. It returns where it
// ended, and whether the entries did.
func scanFrom(t *tree, p place, pivot words, d depth, yield func(*Entry) bool) (place, bool) {
	var same *words // the words that matched last: most rows share theirs
	for ; p.bough < len(t.boughs); p = (place{bough: p.bough + 1}) {
		for list := t.boughs[p.bough].held.list; p.branch < len(list); p.branch, p.i = p.branch+1, 0 {
			for rows := list[p.branch].leaf.rows; p.i < len(rows); p.i++ {
				r := rows[p.i]
				switch {
				case r.at == nil:
					if !d.matches(&pivot, &words{a: r.entry.Key.Namespace, b: r.entry.Key.Name}) {
						return p, true
					}
				case r.at != same:
					if !d.matches(&pivot, r.at) {
						return p, true
					}
					same = r.at
				}
				if !yield(r.entry) {
					return p, false
				}
			}
		}
	}
	return p, true
}
