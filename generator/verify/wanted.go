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
	from  [][]int32 // of each class: edges, by index
	to    map[generator.Peer]classSet
	named map[generator.Port][]holder

	all, some bitset // of row
}

func (s *space) wanted() *wanted {
	n := len(s.classes)
	w := &wanted{
		space: s, from: make([][]int32, n), to: map[generator.Peer]classSet{}, named: map[generator.Port][]holder{},
		all: newBitset(n), some: newBitset(n),
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
			w.from[c] = append(w.from[c], int32(i)) //nolint:gosec // the edges fit into memory
		}
		set(w.to, e.To)
		if _, known := w.named[e.Port]; !known && e.Port.Name != "" {
			w.named[e.Port] = s.holdersOf(e.Port)
		}
	}
	return w
}

// row is where a class should be able to connect to.
func (w *wanted) row(from int32) []part {
	var row []part
	for _, i := range w.from[from] {
		e := &w.space.model.Edges[i]
		clear(w.all)
		w.to[e.To].into(w.all)
		if e.Port.Name == "" {
			row = plus(row, w.all, generator.Ports(e.Port))
			continue
		}
		for _, h := range w.named[e.Port] {
			if w.some.meet(w.all, h.classes) {
				row = plus(row, w.some, h.ports)
			}
		}
	}
	return row
}
