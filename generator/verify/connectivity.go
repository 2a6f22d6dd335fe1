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
// are left out.
func (s *Set) Connectivity() iter.Seq[Connection] {
	return func(yield func(Connection) bool) {
		for from, parts := range s.rows() {
			source := newBitset(len(s.space.classes))
			source.set(from)
			for _, p := range parts {
				if !yield(Connection{Ends{s.space, source}, Ends{s.space, p.to}, p.ports}) {
					return
				}
			}
		}
	}
}

// part is some classes and the ports on which they are reached.
type part struct {
	to    bitset
	ports generator.PortSet
}

// rows yields for every class that opens connections what accepts them: parts
// that have no class in common. The caller may keep them.
func (s *Set) rows() iter.Seq2[int32, []part] {
	return func(yield func(int32, []part) bool) {
		x := s.indexIngress()
		for i := range s.egress.subjects {
			subject := &s.egress.subjects[i]
			out := s.egress.cells(subject)
			for _, from := range subject.classes {
				if s.openers.has(from) && !yield(from, x.row(from, out)) {
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
	ports []generator.PortSet // each once
	byKey map[string]int32    // its place in ports
	few   [][]acceptance      // of each source
	many  []wide
	both  map[[2]int32]generator.PortSet // intersections of ports

	scratch []bitset // of row: what accepts, for each of ports
	used    []int32  // which of them are not empty
}

// acceptance is ports on which the classes of a subject accept.
type acceptance struct{ ports, subject int32 }

// wide is ports on which some classes accept from many.
type wide struct {
	ports    int32
	from, to bitset
}

func (s *Set) indexIngress() *index {
	n := len(s.space.classes)
	x := &index{set: s, byKey: map[string]int32{}, few: make([][]acceptance, n), both: map[[2]int32]generator.PortSet{}}
	wides := map[string]int{}
	for i := range s.ingress.subjects {
		subject := &s.ingress.subjects[i]
		for _, c := range s.ingress.cells(subject) {
			ports := x.intern(c.accepted)
			if c.peers.count()*32 < n {
				for from := range c.peers.all() {
					x.few[from] = append(x.few[from], acceptance{ports, int32(i)}) //nolint:gosec // as many as classes
				}
				continue
			}
			key := wideKey(ports, c.peers)
			w, known := wides[key]
			if !known {
				w = len(x.many)
				wides[key] = w
				x.many = append(x.many, wide{ports: ports, from: c.peers, to: newBitset(n)})
			}
			for _, to := range subject.classes {
				x.many[w].to.set(to)
			}
		}
	}
	x.scratch = make([]bitset, len(x.ports))
	return x
}

// intern returns the number of a set of ports.
func (x *index) intern(p generator.PortSet) int32 {
	key := p.String()
	i, known := x.byKey[key]
	if !known {
		i = int32(len(x.ports)) //nolint:gosec // as many as cells
		x.byKey[key] = i
		x.ports = append(x.ports, p)
	}
	return i
}

// accepting gathers by ports what accepts from a class, into scratch.
func (x *index) accepting(from int32) {
	for _, p := range x.used {
		clear(x.scratch[p])
	}
	x.used = x.used[:0]
	of := func(p int32) bitset {
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
		for _, to := range x.set.ingress.subjects[a.subject].classes {
			b.set(to)
		}
	}
	for i := range x.many {
		if w := &x.many[i]; w.from.has(from) {
			of(w.ports).add(w.to)
		}
	}
}

// row is where a class may connect to, of what its own side opens.
func (x *index) row(from int32, out []cell) []part {
	x.accepting(from)
	var parts []part
	at := map[string]int{}
	meet := newBitset(len(x.few))
	for _, c := range out {
		opens := x.intern(c.accepted)
		for _, accepts := range x.used {
			ports, known := x.both[[2]int32{opens, accepts}]
			if !known {
				ports = x.ports[opens].Intersect(x.ports[accepts])
				x.both[[2]int32{opens, accepts}] = ports
			}
			if ports.Empty() || !meet.meet(c.peers, x.scratch[accepts]) {
				continue
			}
			if !x.set.pods.has(from) {
				if !meet.meet(meet, x.set.pods) {
					continue
				}
			}
			key := ports.String()
			i, ok := at[key]
			if !ok {
				i = len(parts)
				at[key] = i
				parts = append(parts, part{newBitset(len(x.few)), ports})
			}
			parts[i].to.add(meet)
		}
	}
	return parts
}

func wideKey(ports int32, from bitset) string {
	key := make([]byte, 0, 8*(1+len(from)))
	key = binary.LittleEndian.AppendUint64(key, uint64(ports)) //nolint:gosec // an index
	for _, w := range from {
		key = binary.LittleEndian.AppendUint64(key, w)
	}
	return string(key)
}
