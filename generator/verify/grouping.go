// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// maxExplained bounds the pairs of ends of which each gets its own reasons, and
// maxAsked the rules that are asked for them: a second of work. Policies that leave a large cluster open differ from a model in
// more pairs than that, and the reason is the same for all.
const (
	maxExplained = 1 << 20
	maxAsked     = 1 << 25
)

// grouping gathers differences: sources that differ in the same way are one.
type grouping struct {
	set              *Set
	table            *portTable
	explained, asked int
	free             bitset // classes that no policy selects for what they accept; nil before anybody asked
	found            []found
	byHash           map[uint64][]int
	seed             maphash.Seed
}

// found is a Difference by numbers.
type found struct {
	from, to bitset
	reason
}

func newGrouping(s *Set, t *portTable) *grouping {
	return &grouping{set: s, table: t, byHash: map[uint64][]int{}, seed: maphash.MakeSeed()}
}

// add takes what one class differs in.
func (g *grouping) add(from int32, row []part) {
	for _, p := range row {
		n := p.to.count()
		g.explained += n
		g.asked += n * (1 + len(g.set.egress.subjects[g.set.egress.of[from]].policies))
		if g.explained > maxExplained || g.asked > maxAsked {
			port := g.table.sets[p.ports].List()[0]
			v := g.set.verdict(g.table, from, p.to.first(), g.table.intern(generator.Ports(generator.NumberedPort(port.Protocol, port.First))))
			g.join(p.to, from, reason{v.Egress, v.Ingress, p.ports})
			continue
		}
		g.explain(from, p)
	}
}

// reason tells apart what is explained differently.
type reason struct {
	egress, ingress Decision
	ports           portID
}

// explain divides what one class differs in by who decides it.
func (g *grouping) explain(from int32, p part) {
	p.to = g.undecided(from, p)
	by := map[reason]bitset{}
	var order []reason
	for to := range p.to.all() {
		for _, e := range g.set.egress.decide(g.table, from, to, p.ports) {
			for _, i := range g.set.ingress.decide(g.table, to, from, e.ports) {
				why := reason{e.by, i.by, i.ports}
				if by[why] == nil {
					g.table.meter.spend(len(p.to))
					by[why] = newBitset(len(p.to) * 64)
					order = append(order, why)
				}
				by[why].set(to)
			}
		}
		if g.table.meter.over() {
			return
		}
	}
	for _, why := range order {
		g.join(by[why], from, why)
	}
}

// undecided explains at once what no policy has a part in, and returns the rest: before
// anything is guarded that is most of a cluster.
func (g *grouping) undecided(from int32, p part) bitset {
	egress := &g.set.egress
	if len(egress.subjects[egress.of[from]].policies) > 0 {
		return p.to
	}
	if g.free == nil {
		g.free = g.set.ingress.free()
	}
	g.table.meter.spend(4 * len(p.to))
	in, rest := newBitset(len(p.to)*64), slices.Clone(p.to)
	if in.meet(p.to, g.free) {
		rest.remove(in)
		nobody := Decision{Action: Accept}
		g.join(in, from, reason{nobody, nobody, p.ports})
	}
	return rest
}

// join adds a class to the difference that is the same for another, or begins one.
func (g *grouping) join(to bitset, from int32, why reason) {
	g.table.meter.spend(2 * len(to))
	var h maphash.Hash
	h.SetSeed(g.seed)
	for _, w := range to {
		maphash.WriteComparable(&h, w)
	}
	maphash.WriteComparable(&h, why)
	key := h.Sum64()
	for _, i := range g.byHash[key] {
		d := &g.found[i]
		if d.reason == why && slices.Equal(d.to, to) {
			d.from.set(from)
			return
		}
	}
	g.table.meter.spend(rangeSteps + 2*keptSteps*len(to))
	source := newBitset(len(to) * 64)
	source.set(from)
	g.byHash[key] = append(g.byHash[key], len(g.found))
	g.found = append(g.found, found{source, to, why})
}

// list returns the differences by their first ends: workloads before strangers,
// these before addresses and names.
func (g *grouping) list() []Difference {
	s := g.set.space
	first := func(classes bitset) int32 {
		least := int32(len(s.elements)) //nolint:gosec // the elements fit into memory
		for c := range classes.all() {
			least = min(least, s.classes[c][0])
		}
		return least
	}
	type place struct{ from, to int32 }
	places := make([]place, len(g.found))
	order := make([]int, len(g.found))
	for i := range g.found {
		places[i] = place{first(g.found[i].from), first(g.found[i].to)}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(places[a].from, places[b].from), cmp.Compare(places[a].to, places[b].to), cmp.Compare(a, b))
	})
	out := make([]Difference, len(order))
	for i, k := range order {
		f := &g.found[k]
		out[i] = Difference{Ends{s, f.from}, Ends{s, f.to}, g.table.sets[f.ports], f.egress, f.ingress}
	}
	return out
}
