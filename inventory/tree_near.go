// SPDX-License-Identifier: Apache-2.0

package inventory

import rbacv1 "k8s.io/api/rbac/v1"

// sweep remembers where the searches of one goroutine ended, so that the next one
// begins there. Questions that come in order, as those about the subjects of a
// thousand bindings do, then cost a few comparisons each, and a question whose
// answer is as empty as that of the last costs two.
type sweep struct {
	lanes   [laneCount]lane
	objects [8]lane // of the kinds that were asked for last
	next    uint8   // the oldest of these
}

// lane is where the last search of a tree ended.
type lane struct {
	tree *tree
	at   place
}

// The lanes of the indexes are their numbers. Users and groups have lanes of their
// own in bySubject: questions about an account ask for all three in turn.
const (
	laneUser = postingCount + iota
	laneGroup
	laneCount
)

// laneOf is the lane for subjects of a kind.
func laneOf(kind string) int {
	switch kind {
	case rbacv1.UserKind:
		return laneUser
	case rbacv1.GroupKind:
		return laneGroup
	}
	return bySubject
}

// Sweep returns a view of the same version for one goroutine that asks many
// questions, best in the order of namespaces and names. Its answers are the same.
// Views that are made of it are for that goroutine too.
func (inv *Inventory) Sweep() *Inventory {
	out := *inv
	out.sweep = &sweep{}
	return &out
}

// seekLane is seek for an index.
func (inv *Inventory) seekLane(t *tree, at int, pivot *words) place {
	if inv.sweep == nil {
		return t.seek(pivot, nil)
	}
	return inv.sweep.lanes[at].seek(t, pivot)
}

// leave notes where a scan ended: the next question begins there.
func (inv *Inventory) leave(at int, t *tree, end place) {
	if inv.sweep != nil {
		inv.sweep.lanes[at] = lane{t, end}
	}
}

// seekObject is seek for the tree of a kind.
func (inv *Inventory) seekObject(t *tree, pivot *words) place {
	s := inv.sweep
	if s == nil {
		return t.seek(pivot, nil)
	}
	for i := range s.objects {
		if s.objects[i].tree == t {
			return s.objects[i].seek(t, pivot)
		}
	}
	l := &s.objects[s.next]
	s.next = (s.next + 1) % uint8(len(s.objects))
	return l.seek(t, pivot)
}

// leaveObject is leave for the tree of a kind.
func (inv *Inventory) leaveObject(t *tree, end place) {
	if inv.sweep == nil {
		return
	}
	for i := range inv.sweep.objects {
		if inv.sweep.objects[i].tree == t {
			inv.sweep.objects[i].at = end
		}
	}
}

func (l *lane) seek(t *tree, pivot *words) place {
	p, near := place{}, false
	if l.tree == t {
		p, near = t.near(l.at, pivot)
	}
	if !near {
		p = t.seek(pivot, nil)
	}
	l.tree, l.at = t, p
	return p
}

// near is seek for a pivot, from a place on in either direction; false when the
// pivot's place is not known to be in the same leaf.
func (t *tree) near(from place, pivot *words) (place, bool) {
	if from.bough >= len(t.boughs) || from.branch >= len(t.boughs[from.bough].held.list) {
		return place{}, false
	}
	rows := t.boughs[from.bough].held.list[from.branch].leaf.rows
	low, high := from.i, from.i // rows[:low] sort before the pivot, rows[high:] do not
	for step := 1; high < len(rows) && rows[high].compare(pivot, nil) < 0; step *= 2 {
		low, high = high+1, min(high+step, len(rows))
	}
	if low == from.i && high == from.i { // the pivot is not behind the place
		for step := 1; low > 0 && rows[low-1].compare(pivot, nil) >= 0; step *= 2 {
			high, low = low-1, max(low-step, 0)
		}
	}
	for low < high {
		mid := int(uint(low+high) >> 1)
		if rows[mid].compare(pivot, nil) < 0 {
			low = mid + 1
		} else {
			high = mid
		}
	}
	p := from
	p.i = low
	switch {
	case low == 0:
		return p, from.bough == 0 && from.branch == 0 // else it may belong into the leaf before
	case low == len(rows):
		_, next := t.after(from)
		return p, next == nil || next.compare(pivot, nil) >= 0
	}
	return p, true
}
