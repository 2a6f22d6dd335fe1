// SPDX-License-Identifier: Apache-2.0

package verify

import "slices"

// Reducer knows which pods the policies of a Set select, and asks with the steps of an
// Asker.
type Reducer struct {
	set             *Set
	meter           *meter
	everything      bitset
	egress, ingress [][]int32 // the subjects of each policy
}

// Reducer prepares questions about what the policies of a set change.
func (a *Asker) Reducer() *Reducer {
	s := a.set
	everything := newBitset(len(s.space.classes))
	everything.fill(len(s.space.classes))
	return &Reducer{set: s, meter: a.meter, everything: everything, egress: s.egress.bySelected(), ingress: s.ingress.bySelected()}
}

// bySelected returns the subjects that each policy selects.
func (d *side) bySelected() [][]int32 {
	out := make([][]int32, len(d.set.policies))
	for i := range d.subjects {
		for _, p := range d.subjects[i].policies {
			out[p] = append(out[p], int32(i))
		}
	}
	return out
}

// Reduction answers which policies of a Set change anything, among some of its
// policies taken alone and on one side of connections: what the other side does is
// left out. One goroutine at a time may ask.
type Reduction struct {
	set             *Set
	table           *portTable
	egress, ingress reducedSide
}

// reducedSide is the subjects of one side under the policies that count.
type reducedSide struct {
	side     *side
	peers    bitset // what can be at the other end
	subjects [][]int32
	reduced  map[int32]*reducedSubject
	counts   map[int32]bool
}

// reducedSubject is a subject under the policies that count.
type reducedSubject struct {
	subject
	cells []cell
}

// Among makes a Reduction to some policies: by their places in the list that Compile
// was given.
func (r *Reducer) Among(policies []int) *Reduction {
	counts := make(map[int32]bool, len(policies))
	for _, i := range policies {
		counts[r.set.places[i]] = true
	}
	of := func(d *side, peers bitset, subjects [][]int32) reducedSide {
		return reducedSide{side: d, peers: peers, subjects: subjects, reduced: map[int32]*reducedSubject{}, counts: counts}
	}
	return &Reduction{set: r.set, table: newPortTable(r.meter), egress: of(&r.set.egress, r.everything, r.egress), ingress: of(&r.set.ingress, r.set.openers, r.ingress)}
}

// under returns a subject under the policies that count, but for one; -1 for none.
func (d *reducedSide) under(i, but int32) subject {
	out := subject{classes: d.side.subjects[i].classes}
	for _, p := range d.side.subjects[i].policies {
		if d.counts[p] && p != but {
			out.policies = append(out.policies, p)
		}
	}
	d.side.findIsolating(&out)
	return out
}

// subject returns a subject under the policies that count, with what it is allowed.
func (d *reducedSide) subject(t *portTable, i int32) *reducedSubject {
	own := d.reduced[i]
	if own == nil {
		own = &reducedSubject{subject: d.under(i, -1)}
		own.cells = d.side.cells(t, &own.subject, nil)
		d.reduced[i] = own
	}
	return own
}

// maxKept is how many ranges of ports a Reduction keeps, some 32 MB.
const maxKept = 1 << 20

// Same reports whether the same would be allowed without a policy, by its place in
// the list that Compile was given, or without one of its rules when its number is
// not negative. accepting chooses the side: connections that the policy's pods accept, or
// those that they open. A policy that does not count changes nothing.
func (r *Reduction) Same(policy, number int, accepting bool) bool {
	d := &r.egress
	if accepting {
		d = &r.ingress
	}
	p := r.set.places[policy]
	if !d.counts[p] {
		return true
	}
	if r.table.kept > maxKept {
		r.table = newPortTable(r.table.meter)
		clear(r.egress.reduced)
		clear(r.ingress.reduced)
	}
	for _, i := range d.subjects[p] {
		own := d.subject(r.table, i)
		rest, without := own.subject, (*rule)(nil)
		if number < 0 {
			rest = d.under(i, p)
		} else {
			without = &d.side.rules(p)[number]
		}
		cells := d.side.cells(r.table, &rest, without)
		if !r.table.meter.spend(len(rest.policies)+2*len(own.cells)*(len(cells)+len(d.peers))) || !sameCells(own.cells, cells, d.peers) {
			return false
		}
	}
	return true
}

// sameCells reports whether two divisions, of which each has its ports once, give the
// same ports to some peers.
func sameCells(a, b []cell, peers bitset) bool {
	meet := newBitset(len(peers) * 64)
	covers := func(a, b []cell) bool {
		for i := range a {
			k := slices.IndexFunc(b, func(c cell) bool { return c.accepted == a[i].accepted })
			if !meet.meet(a[i].peers, peers) {
				continue
			}
			if k < 0 {
				return false
			}
			for w := range meet {
				if meet[w]&^b[k].peers[w] != 0 {
					return false
				}
			}
		}
		return true
	}
	return covers(a, b) && covers(b, a)
}
