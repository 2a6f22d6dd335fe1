// SPDX-License-Identifier: Apache-2.0

package inventory

import "slices"

// split makes room for a row at a place of a full leaf and returns where the
// place is then. Rows that come in order fill their leaves.
func (t *tree) split(p place) place {
	b := t.held(p.bough)
	l := b.list[p.branch].leaf
	cut := maxLeaf / 2
	if p.i == maxLeaf {
		cut = maxLeaf
	}
	next := branch{leaf: &leaf{rows: append(make([]row, 0, maxLeaf), l.rows[cut:]...), owner: t.owner}}
	clear(l.rows[cut:])
	l.rows = l.rows[:cut]
	if len(next.leaf.rows) > 0 {
		next.first = next.leaf.rows[0]
	}
	b.list = slices.Insert(b.list, p.branch+1, next)
	if !(p.i < cut || p.i == cut && cut < maxLeaf) {
		p.branch, p.i = p.branch+1, p.i-cut
	}
	if len(b.list) > maxBough {
		p = t.fork(p)
	}
	return p
}

// fork splits a bough that is too long and returns where a place of it is then.
// The first row of the new bough may not be known yet: begins notes it.
func (t *tree) fork(p place) place {
	b := t.held(p.bough)
	cut := len(b.list) / 2
	if p.branch == len(b.list)-1 {
		cut = p.branch // leaves that come in order fill their boughs
	}
	next := &branches{list: append(make([]branch, 0, maxBough+1), b.list[cut:]...), owner: t.owner}
	clear(b.list[cut:])
	b.list = b.list[:cut]
	t.boughs = slices.Insert(t.boughs, p.bough+1, bough{next.list[0].first, next})
	if p.branch >= cut {
		p.bough, p.branch = p.bough+1, p.branch-cut
	}
	return p
}

// join puts a leaf that has become small together with its neighbour, and so a
// bough.
func (t *tree) join(p place) {
	b := t.held(p.bough)
	l := b.list[p.branch].leaf
	switch {
	case len(l.rows) == 0:
		b.list = slices.Delete(b.list, p.branch, p.branch+1)
		if len(b.list) == 0 {
			t.boughs = slices.Delete(t.boughs, p.bough, p.bough+1)
			return
		}
		t.boughs[p.bough].first = b.list[0].first
	case p.branch+1 < len(b.list) && len(l.rows)+len(b.list[p.branch+1].leaf.rows) <= maxLeaf/2:
		l.rows = append(l.rows, b.list[p.branch+1].leaf.rows...)
		b.list = slices.Delete(b.list, p.branch+1, p.branch+2)
		t.begins(p)
	default:
		t.begins(p)
		return
	}
	if next := p.bough + 1; next < len(t.boughs) && len(b.list)+len(t.boughs[next].held.list) <= maxBough/2 {
		b.list = append(b.list, t.boughs[next].held.list...)
		t.boughs = slices.Delete(t.boughs, next, next+1)
	}
}
