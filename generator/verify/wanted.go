// SPDX-License-Identifier: Apache-2.0

package verify

import "github.com/gatehouse-sh/gatehouse/generator"

// guarded is classes by the guard of their namespace.
type guarded struct{ egress, ingress, any bitset }

func (s *space) guarded() guarded {
	of := func(is func(generator.Guard) bool) bitset {
		return s.kindSet(func(e *element) bool { return e.isPod() && is(s.namespaces[e.namespace].guard) })
	}
	return guarded{
		egress:  of(func(g generator.Guard) bool { return g.Egress }),
		ingress: of(func(g generator.Guard) bool { return g.Ingress }),
		any:     of(func(g generator.Guard) bool { return g.Egress || g.Ingress }),
	}
}

// wanted is the edges of a model over classes.
type wanted struct {
	space *space
	table *portTable
	from  [][]int32 // of each class: edges, by index
	to    map[generator.Peer]classSet
	named map[generator.Port][]holder

	some bitset   // of row
	free []bitset // empty, of row
}

func (s *space) wanted(t *portTable) *wanted {
	n := len(s.classes)
	w := &wanted{
		space: s, table: t, from: make([][]int32, n), to: map[generator.Peer]classSet{}, named: map[generator.Port][]holder{},
		some: newBitset(n),
	}
	sources := map[generator.Peer]classSet{}
	set := func(known map[generator.Peer]classSet, p generator.Peer) classSet {
		if _, ok := known[p]; !ok {
			known[p] = s.classSetOf(s.elementsOfPeer(p))
		}
		return known[p]
	}
	for i := range s.model.Edges {
		e := &s.model.Edges[i]
		for c := range set(sources, e.From).all() {
			t.meter.spend(1)
			w.from[c] = append(w.from[c], int32(i)) //nolint:gosec // the edges fit into memory
		}
		set(w.to, e.To)
		if t.meter.over() {
			break
		}
		if _, known := w.named[e.Port]; !known && e.Port.Name != "" {
			w.named[e.Port] = s.holdersOf(e.Port)
		}
	}
	return w
}

// row is where a class should be able to connect to: first everything on each
// port, since a class may have as many edges as a recording has addresses.
func (w *wanted) row(from int32) []part {
	var ports []generator.Port
	to := map[generator.Port]bitset{}
	for _, i := range w.from[from] {
		e := &w.space.model.Edges[i]
		if to[e.Port] == nil {
			ports = append(ports, e.Port)
			to[e.Port] = w.empty()
		}
		target := w.to[e.To]
		w.table.meter.spend(1 + len(target.list) + len(target.bits))
		target.into(to[e.Port])
	}
	var row []part
	for _, same := range w.alike(ports, to) {
		all, p := to[same[0]], same[0]
		if p.Name == "" {
			row = w.table.plus(row, all, w.table.intern(generator.Ports(same...)))
		} else {
			for _, h := range w.named[p] {
				if w.some.meet(all, h.classes) {
					row = w.table.plus(row, w.some, w.table.intern(h.ports))
				}
			}
		}
	}
	for _, all := range to {
		clear(all)
		w.free = append(w.free, all)
	}
	return row
}

// fewPorts are added to a row one by one: that is less work than to look for those
// that lead to the same.
const fewPorts = 8

// alike puts the numbered ports together that lead to the same classes.
func (w *wanted) alike(ports []generator.Port, to map[generator.Port]bitset) [][]generator.Port {
	out := make([][]generator.Port, 0, len(ports))
	at := map[string]int{}
	for i, p := range ports {
		if len(ports) > fewPorts && p.Name == "" {
			w.table.meter.spend(2 * len(to[p]))
			key := wideKey(noPort, to[p])
			if k, known := at[key]; known {
				out[k] = append(out[k], p)
				continue
			}
			at[key] = len(out)
		}
		out = append(out, ports[i:i+1:i+1])
	}
	return out
}

// empty returns a set that row gives back.
func (w *wanted) empty() bitset {
	if n := len(w.free); n > 0 {
		b := w.free[n-1]
		w.free = w.free[:n-1]
		return b
	}
	b := newBitset(len(w.from))
	w.table.meter.spend(rangeSteps + keptSteps*len(b))
	return b
}
