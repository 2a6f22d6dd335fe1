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
		d.set.space.meter.spend(len(policies))
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
			d.findIsolating(&s)
			d.subjects = append(d.subjects, s)
		}
		d.of[c] = i
		d.subjects[i].classes = append(d.subjects[i].classes, class)
	}
}

// free returns the classes that no policy selects.
func (d *side) free() bitset {
	out := newBitset(len(d.of))
	for c, i := range d.of {
		if len(d.subjects[i].policies) == 0 {
			out.set(int32(c))
		}
	}
	return out
}

// findIsolating finds which of its policies isolate a subject.
func (d *side) findIsolating(s *subject) {
	for _, p := range s.policies {
		if d.isolates(&d.set.policies[p]) {
			s.isolated = append(s.isolated, p)
		}
	}
}

// appendNumbers appends what the named ports of the policies are in a class.
func (d *side) appendNumbers(key []byte, class int32, policies []int32) []byte {
	for _, p := range policies {
		for _, r := range d.rules(p) {
			if !d.set.space.meter.spend(4 * len(r.names)) {
				return key
			}
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

// treatment is what rules made of ports so far.
type treatment struct{ accepted, decided, passed portID }

// cell is peers that a subject treats alike.
type cell struct {
	peers bitset
	treatment
}

// cells divides all classes by the ports that a subject accepts from them, or
// opens to them, as if it had no rule without. Classes of which it accepts nothing are
// in no cell, and no two cells have the same ports.
func (d *side) cells(t *portTable, s *subject, without *rule) []cell {
	n := len(d.set.space.classes)
	whole := cell{peers: newBitset(n)}
	whole.peers.fill(n)
	list := []cell{whole}
	peers, scratch := newBitset(n), newBitset(n)
	visit := func(r *rule) {
		if r == without || t.meter.over() {
			return
		}
		t.meter.spend(len(peers) + len(r.peers.list))
		clear(peers)
		if r.anyone {
			peers.fill(n)
		} else {
			r.peers.into(peers)
		}
		if !d.egress {
			list = apply(t, list, peers, t.at(d, r, s.classes[0], everyPort), r.action)
			return
		}
		if !r.ports.Empty() {
			list = apply(t, list, peers, t.at(d, r, -1, everyPort), r.action)
		}
		for _, name := range r.names {
			for _, h := range d.set.holders[name] {
				t.meter.spend(len(peers))
				if scratch.meet(peers, h.classes) {
					list = apply(t, list, scratch, t.intern(h.ports), r.action)
				}
			}
		}
	}
	d.walk(s, visit, func(tier Tier) {
		for i := range list {
			c := &list[i]
			c.passed = noPort
			switch {
			case tier == Normal && len(s.isolated) > 0:
				c.decided = everyPort
			case tier == Baseline:
				c.accepted = t.union(c.accepted, t.minus(everyPort, c.decided))
			}
		}
	})
	return joinCells(t, list)
}

// apply lets a rule decide what is left to decide. Splitting a rule into several
// of the same effect, as for named ports, changes nothing, and neither does asking
// it twice.
func apply(t *portTable, list []cell, peers bitset, ports portID, action Action) []cell {
	for i := range len(list) {
		c := &list[i]
		open := t.minus(t.minus(ports, c.decided), c.passed)
		if !t.meter.spend(1) {
			return list
		}
		if open == noPort {
			continue
		}
		if t.meter.spend(len(peers)); !c.peers.meets(peers) {
			continue
		}
		next := c.treatment
		switch action {
		case Accept:
			next.accepted, next.decided = t.union(c.accepted, open), t.union(c.decided, open)
		case Deny:
			next.decided = t.union(c.decided, open)
		case Pass:
			next.passed = t.union(c.passed, open)
		}
		if c.peers.within(peers) {
			c.treatment = next
			continue
		}
		same := slices.IndexFunc(list, func(o cell) bool { return o.treatment == next })
		if t.meter.spend(len(list) + 4*len(peers)); same < 0 {
			same = len(list)
			list = append(list, cell{newBitset(len(peers) * 64), next})
			c = &list[i]
		}
		list[same].peers.addBoth(c.peers, peers)
		c.peers.remove(peers)
	}
	return list
}

func joinCells(t *portTable, list []cell) []cell {
	out := list[:0]
next:
	for _, c := range list {
		if c.accepted == noPort {
			continue
		}
		t.meter.spend(len(out) + len(c.peers))
		for i := range out {
			if out[i].accepted == c.accepted {
				out[i].peers.add(c.peers)
				continue next
			}
		}
		out = append(out, c)
	}
	return out
}
