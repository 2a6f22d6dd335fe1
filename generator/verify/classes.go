// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"maps"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// divider divides elements into classes, one set after the other.
type divider struct {
	class, size []int32
	stamp       []int32 // of each element: the last set it was in
	sets        int32
	inside      map[int32]int32 // of each class: how many of it are in the set
	fresh       map[int32]int32 // of each class: the one for its part in the set
}

func newDivider(n int) *divider {
	return &divider{
		class: make([]int32, n), size: []int32{int32(n)}, stamp: make([]int32, n), //nolint:gosec // the elements fit into memory
		inside: map[int32]int32{}, fresh: map[int32]int32{},
	}
}

// split takes what is in a set apart from what is not. An element may be listed
// twice. New classes are numbered in the order of the list.
func (d *divider) split(set []int32) {
	d.sets++
	clear(d.inside)
	clear(d.fresh)
	for _, id := range set {
		if d.stamp[id] != d.sets {
			d.stamp[id] = d.sets
			d.inside[d.class[id]]++
		}
	}
	for _, id := range set {
		if d.stamp[id] != d.sets {
			continue
		}
		d.stamp[id] = 0
		c := d.class[id]
		if d.inside[c] == d.size[c] {
			continue // all of the class
		}
		to, ok := d.fresh[c]
		if !ok {
			to = int32(len(d.size)) //nolint:gosec // as many as elements
			d.fresh[c] = to
			d.size = append(d.size, 0)
		}
		d.class[id] = to
		d.size[to]++
	}
	for c, to := range d.fresh {
		d.size[c] -= d.size[to]
	}
}

// divide makes the classes: by kind and guard, every selection, block and name of
// the policies, every named port, and every peer of the model's edges.
func (s *space) divide(v *vocabulary, policies []Policy) {
	d := newDivider(len(s.elements))
	s.divideByKind(d)
	for i := range policies {
		p := &policies[i]
		d.split(s.selectPods(p.Subject))
		for _, rules := range [][]Rule{p.Ingress, p.Egress} {
			for j := range rules {
				for _, peer := range rules[j].Peers {
					d.split(s.elementsOf(peer))
				}
				if s.meter.over() {
					return
				}
			}
		}
	}
	for _, p := range sortedPorts(v.names) {
		if !s.meter.spend(4 * len(s.elements)) {
			return
		}
		numbers := map[string][]int32{}
		for i := range s.elements {
			if set := s.elements[i].resolve(p); !set.Empty() {
				numbers[set.String()] = append(numbers[set.String()], int32(i))
			}
		}
		for _, number := range slices.Sorted(maps.Keys(numbers)) {
			d.split(numbers[number])
		}
	}
	for i := range s.model.Edges {
		if s.meter.over() {
			return
		}
		for _, p := range [...]generator.Peer{s.model.Edges[i].From, s.model.Edges[i].To} {
			if _, known := s.cache.peers[p]; !known {
				d.split(s.elementsOfPeer(p))
			}
		}
	}
	s.class = d.class
	s.classes = make([][]int32, len(d.size))
	for i, c := range d.class {
		s.classes[c] = append(s.classes[c], int32(i))
	}
}

func (s *space) divideByKind(d *divider) {
	var pods, ingress, egress []int32
	for i := range s.elements {
		e, id := &s.elements[i], int32(i)
		if !e.isPod() {
			continue
		}
		pods = append(pods, id)
		guard := s.namespaces[e.namespace].guard
		if guard.Ingress {
			ingress = append(ingress, id)
		}
		if guard.Egress {
			egress = append(egress, id)
		}
	}
	for _, set := range [][]int32{pods, ingress, egress, s.domains} {
		d.split(set)
	}
}

// some returns an element of a class; all of them answer alike.
func (s *space) some(class int32) *element { return &s.elements[s.classes[class][0]] }

// classSetOf returns the classes of elements that no class is divided by.
func (s *space) classSetOf(elements []int32) classSet {
	list := make([]int32, len(elements))
	for i, id := range elements {
		list[i] = s.class[id]
	}
	return keep(list, len(s.classes))
}

// kindSet returns the classes whose elements have a property.
func (s *space) kindSet(has func(*element) bool) bitset {
	out := newBitset(len(s.classes))
	for c := range s.classes {
		if class := int32(c); has(s.some(class)) {
			out.set(class)
		}
	}
	return out
}

// holder is the classes in which a name is one port number.
type holder struct {
	ports   generator.PortSet
	classes bitset
}

// holdersOf returns the classes that have a named port, by its number.
func (s *space) holdersOf(p generator.Port) []holder {
	var out []holder
	if !s.meter.spend(len(s.classes)) {
		return nil
	}
	for c := range s.classes {
		class := int32(c)
		ports := s.some(class).resolve(p)
		if ports.Empty() {
			continue
		}
		s.meter.spend(len(out))
		i := slices.IndexFunc(out, func(h holder) bool { return h.ports.Equal(ports) })
		if i < 0 {
			i = len(out)
			out = append(out, holder{ports, newBitset(len(s.classes))})
		}
		out[i].classes.set(class)
	}
	return out
}
