// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"encoding/binary"
	"iter"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// Connection is what some ends may open to others.
type Connection struct {
	From, To Ends
	Ports    generator.PortSet // never empty
}

// Connectivity yields everything that is allowed: for each class of ends that open
// connections, the classes that accept them, by ports. No pair of ends is in two
// connections. Connections of addresses with addresses are not the cluster's and
// are left out. What is yielded before Err says that it took too much is true.
func (a *Asker) Connectivity() iter.Seq[Connection] {
	return func(yield func(Connection) bool) {
		s, t := a.set, newPortTable(a.meter)
		for from, parts := range s.rows(t) {
			source := newBitset(len(s.space.classes))
			source.set(from)
			for _, p := range parts {
				if !yield(Connection{Ends{s.space, source}, Ends{s.space, p.to}, t.sets[p.ports]}) {
					return
				}
			}
		}
	}
}

// part is some classes and the ports on which they are reached.
type part struct {
	to    bitset
	ports portID
}

// rows yields for every class that opens connections what accepts them: parts
// that have no class in common. The caller may keep them. They end early when the
// steps of the table are used up.
func (s *Set) rows(t *portTable) iter.Seq2[int32, []part] {
	return func(yield func(int32, []part) bool) {
		x := s.indexIngress(t)
		for i := range s.egress.subjects {
			subject := &s.egress.subjects[i]
			out := s.egress.cells(t, subject, nil)
			for _, from := range subject.classes {
				if s.openers.has(from) && (t.meter.over() || !yield(from, x.row(from, out))) {
					return
				}
			}
		}
	}
}

// index answers what the accepting sides accept from a class. A cell of few
// sources is listed with each of them; one of many is kept as it is.
type index struct {
	set   *Set
	table *portTable
	few   [][]acceptance // of each source
	many  []wide

	scratch map[portID]bitset // of row: what accepts
	used    []portID          // which of them are not empty
	at      map[portID]int
}

// acceptance is ports on which the classes of a subject accept.
type acceptance struct {
	ports   portID
	subject int32
}

// wide is ports on which some classes accept from many.
type wide struct {
	ports    portID
	from, to bitset
}

func (s *Set) indexIngress(t *portTable) *index {
	n := len(s.space.classes)
	x := &index{set: s, table: t, few: make([][]acceptance, n), scratch: map[portID]bitset{}, at: map[portID]int{}}
	wides := map[string]int{}
	for i := range s.ingress.subjects {
		subject := &s.ingress.subjects[i]
		for _, c := range s.ingress.cells(t, subject, nil) {
			t.meter.spend(2 * len(c.peers))
			if c.peers.count()*32 < n {
				for from := range c.peers.all() {
					x.few[from] = append(x.few[from], acceptance{c.accepted, int32(i)}) //nolint:gosec // as many as classes
				}
				continue
			}
			key := wideKey(c.accepted, c.peers)
			w, known := wides[key]
			if !known {
				w = len(x.many)
				wides[key] = w
				x.many = append(x.many, wide{ports: c.accepted, from: c.peers, to: newBitset(n)})
			}
			for _, to := range subject.classes {
				x.many[w].to.set(to)
			}
		}
	}
	return x
}

// accepting gathers by ports what accepts from a class, into scratch.
func (x *index) accepting(from int32) {
	for _, p := range x.used {
		clear(x.scratch[p])
	}
	x.used = x.used[:0]
	words := (len(x.few) + 63) / 64
	of := func(p portID) bitset {
		if x.scratch[p] == nil {
			x.scratch[p] = newBitset(len(x.few))
		}
		if x.scratch[p].empty() {
			x.used = append(x.used, p)
		}
		return x.scratch[p]
	}
	for _, a := range x.few[from] {
		b := of(a.ports)
		classes := x.set.ingress.subjects[a.subject].classes
		x.table.meter.spend(words + len(classes))
		for _, to := range classes {
			b.set(to)
		}
	}
	for i := range x.many {
		if w := &x.many[i]; w.from.has(from) {
			x.table.meter.spend(2 * words)
			of(w.ports).add(w.to)
		}
	}
	x.table.meter.spend(len(x.many))
}

// row is where a class may connect to, of what its own side opens.
func (x *index) row(from int32, out []cell) []part {
	x.accepting(from)
	var parts []part
	clear(x.at)
	meet := newBitset(len(x.few))
	for i := range out {
		c := &out[i]
		for _, accepts := range x.used {
			ports := x.table.intersect(c.accepted, accepts)
			if !x.table.meter.spend(3 * len(meet)) {
				return parts
			}
			if ports == noPort || !meet.meet(c.peers, x.scratch[accepts]) {
				continue
			}
			if !x.set.pods.has(from) {
				if !meet.meet(meet, x.set.pods) {
					continue
				}
			}
			i, ok := x.at[ports]
			if !ok {
				i = len(parts)
				x.at[ports] = i
				parts = append(parts, part{newBitset(len(x.few)), ports})
			}
			parts[i].to.add(meet)
		}
	}
	return parts
}

func wideKey(ports portID, from bitset) string {
	key := make([]byte, 0, 8*(1+len(from)))
	key = binary.LittleEndian.AppendUint64(key, uint64(ports)) //nolint:gosec // an index
	for _, w := range from {
		key = binary.LittleEndian.AppendUint64(key, w)
	}
	return string(key)
}
