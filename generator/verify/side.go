// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"encoding/binary"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// side is one of the two places where a connection is decided: at the pod that
// opens it, or at the one that accepts it.
type side struct {
	set      *Set
	egress   bool
	of       []int32 // the subject of each class
	subjects []subject
}

// subject is classes that the same policies select. At the accepting side they
// also have the same numbers for the named ports of those policies.
type subject struct {
	classes  []int32
	policies []int32
	isolated []int32 // those of the policies that isolate
}

func (d *side) isolates(p *policy) bool {
	if d.egress {
		return p.isolates.Egress
	}
	return p.isolates.Ingress
}

func (d *side) rules(p int32) []rule {
	if d.egress {
		return d.set.policies[p].egress
	}
	return d.set.policies[p].ingress
}

// group makes the subjects of what selects each class.
func (d *side) group(selected [][]int32) {
	d.of = make([]int32, len(selected))
	known := map[string]int32{}
	var key []byte
	for c, policies := range selected {
		class := int32(c)
		key = key[:0]
		for _, p := range policies {
			key = binary.LittleEndian.AppendUint32(key, uint32(p)) //nolint:gosec // an index
		}
		if !d.egress {
			key = d.appendNumbers(key, class, policies)
		}
		i, ok := known[string(key)]
		if !ok {
			i = int32(len(d.subjects)) //nolint:gosec // as many as classes
			known[string(key)] = i
			s := subject{policies: policies}
			for _, p := range policies {
				if d.isolates(&d.set.policies[p]) {
					s.isolated = append(s.isolated, p)
				}
			}
			d.subjects = append(d.subjects, s)
		}
		d.of[c] = i
		d.subjects[i].classes = append(d.subjects[i].classes, class)
	}
}

// appendNumbers appends what the named ports of the policies are in a class.
func (d *side) appendNumbers(key []byte, class int32, policies []int32) []byte {
	for _, p := range policies {
		for _, r := range d.rules(p) {
			for _, name := range r.names {
				key = append(key, d.set.space.some(class).resolve(name).String()...)
				key = append(key, ';')
			}
		}
	}
	return key
}

// portsAt returns the ports of a rule where a class accepts.
func (d *side) portsAt(r *rule, class int32) generator.PortSet {
	ports := r.ports
	for _, name := range r.names {
		ports = ports.Union(d.set.space.some(class).resolve(name))
	}
	return ports
}

// walk calls visit for the rules of a subject in the order in which they count,
// and end at the end of each tier.
func (d *side) walk(s *subject, visit func(*rule), end func(Tier)) {
	next := 0
	for tier := Admin; tier <= Baseline; tier++ {
		from := next
		for next < len(s.policies) && d.set.policies[s.policies[next]].tier == tier {
			next++
		}
		only := []Action{0}
		if tier == Normal {
			only = []Action{Deny, Accept}
		}
		for _, action := range only {
			for _, p := range s.policies[from:next] {
				rules := d.rules(p)
				for i := range rules {
					if action == 0 || rules[i].action == action {
						visit(&rules[i])
					}
				}
			}
		}
		end(tier)
	}
}

// cell is peers that a subject treats alike.
type cell struct {
	peers                     bitset
	accepted, decided, passed generator.PortSet
}

// cells divides all classes by the ports that a subject accepts from them, or
// opens to them. Classes of which it accepts nothing are in no cell.
func (d *side) cells(s *subject) []cell {
	n := len(d.set.space.classes)
	whole := cell{peers: newBitset(n)}
	whole.peers.fill(n)
	list := []cell{whole}
	peers, scratch := newBitset(n), newBitset(n)
	visit := func(r *rule) {
		clear(peers)
		if r.anyone {
			peers.fill(n)
		} else {
			r.peers.into(peers)
		}
		if !d.egress {
			list = apply(list, peers, d.portsAt(r, s.classes[0]), r.action)
			return
		}
		if !r.ports.Empty() {
			list = apply(list, peers, r.ports, r.action)
		}
		for _, name := range r.names {
			for _, h := range d.set.holders[name] {
				if scratch.meet(peers, h.classes) {
					list = apply(list, scratch, h.ports, r.action)
				}
			}
		}
	}
	all := generator.AllPorts()
	d.walk(s, visit, func(t Tier) {
		for i := range list {
			c := &list[i]
			c.passed = generator.PortSet{}
			switch {
			case t == Normal && len(s.isolated) > 0:
				c.decided = all
			case t == Baseline:
				c.accepted = c.accepted.Union(all.Minus(c.decided))
			}
		}
	})
	return joinCells(list)
}

// apply lets a rule decide what is left to decide. Splitting a rule into several
// of the same effect, as for named ports, changes nothing.
func apply(list []cell, peers bitset, ports generator.PortSet, action Action) []cell {
	for i := range len(list) {
		c := &list[i]
		open := ports.Minus(c.decided).Minus(c.passed)
		if open.Empty() || !c.peers.meets(peers) {
			continue
		}
		in := slices.Clone(c.peers)
		in.meet(in, peers)
		if !slices.Equal(in, c.peers) {
			c.peers.remove(in)
			list = append(list, *c)
			c = &list[len(list)-1]
			c.peers = in
		}
		switch action {
		case Accept:
			c.accepted, c.decided = c.accepted.Union(open), c.decided.Union(open)
		case Deny:
			c.decided = c.decided.Union(open)
		case Pass:
			c.passed = c.passed.Union(open)
		}
	}
	return list
}

func joinCells(list []cell) []cell {
	out := list[:0]
next:
	for _, c := range list {
		if c.accepted.Empty() {
			continue
		}
		for i := range out {
			if out[i].accepted.Equal(c.accepted) {
				out[i].peers.add(c.peers)
				continue next
			}
		}
		out = append(out, c)
	}
	return out
}
