// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// Difference is connections that are in one and not in the other: each of From
// with each of To on each of Ports.
type Difference struct {
	From, To Ends
	Ports    generator.PortSet

	// Egress and Ingress say what each side makes of these connections, under the
	// policies that the difference is about: who allows what is extra, gained or
	// lost, who refuses what is missing. Past maxExplained pairs of ends in one
	// answer, they are about the first pair and the first port alone.
	Egress, Ingress Decision
}

// String returns the connections in words, without the reasons.
func (d Difference) String() string {
	return d.From.String() + " -> " + d.To.String() + " " + d.Ports.String()
}

// Report is what policies and a model do not have in common. Empty lists are a
// proof: over all ends that a Set knows, strangers included.
type Report struct {
	Missing []Difference // wanted and refused: something would break
	Extra   []Difference // allowed and not wanted
}

// Exact reports whether the policies allow exactly what the model wants.
func (r Report) Exact() bool { return len(r.Missing) == 0 && len(r.Extra) == 0 }

// Compare says where policies allow less than a model wants, and where more. Less
// is about edges with an end in a guarded namespace; more is about connections
// that a guard is about: those that guarded pods open, where egress is guarded,
// and those that they accept, where ingress is.
func Compare(policies []Policy, m *generator.Model, o Options) (Report, error) {
	s, err := Compile(policies, m, o)
	if err != nil {
		return Report{}, err
	}
	wanted := s.space.wanted()
	g := s.space.guarded()
	missing, extra := newGrouping(s), newGrouping(s)
	for from, allowed := range s.rows() {
		want := wanted.row(from)
		lacks := minus(want, allowed)
		if !g.any.has(from) {
			lacks = only(lacks, g.any)
		}
		missing.add(from, lacks)
		more := minus(allowed, want)
		if !g.egress.has(from) {
			more = only(more, g.ingress)
		}
		extra.add(from, more)
	}
	return Report{Missing: missing.list(), Extra: extra.list()}, nil
}

// Diff says which connections a change of policies gains and loses, in the
// universe of a model; of its edges and guards nothing is asked.
func Diff(before, after []Policy, m *generator.Model, o Options) (gained, lost []Difference, err error) {
	sets, err := compile(m, o, before, after)
	if err != nil {
		return nil, nil, err
	}
	old := make([][]part, len(sets[0].space.classes))
	for from, row := range sets[0].rows() {
		old[from] = row
	}
	more, less := newGrouping(sets[1]), newGrouping(sets[0])
	for from, row := range sets[1].rows() {
		more.add(from, minus(row, old[from]))
		less.add(from, minus(old[from], row))
	}
	return more.list(), less.list(), nil
}

// maxExplained bounds the pairs of ends of which each gets its own reasons: a
// second of work. Policies that leave a large cluster open differ from a model in
// more pairs than that, and the reason is the same for all.
const maxExplained = 1 << 20

// grouping gathers differences: sources that differ in the same way are one.
type grouping struct {
	set       *Set
	explained int
	found     []Difference
	byHash    map[uint64][]int
	seed      maphash.Seed
}

func newGrouping(s *Set) *grouping {
	return &grouping{set: s, byHash: map[uint64][]int{}, seed: maphash.MakeSeed()}
}

// add takes what one class differs in.
func (g *grouping) add(from int32, row []part) {
	for _, p := range row {
		if g.explained += p.to.count(); g.explained > maxExplained {
			port := p.ports.List()[0]
			v := g.set.verdict(from, p.to.first(), generator.Ports(generator.NumberedPort(port.Protocol, port.First)))
			g.join(from, p, v.Egress, v.Ingress)
			continue
		}
		g.explain(from, p)
	}
}

// reason tells apart what is explained differently.
type reason struct {
	egress, ingress Decision
	ports           string
}

// explain divides what one class differs in by who decides it.
func (g *grouping) explain(from int32, p part) {
	by := map[reason]*part{}
	var order []reason
	for to := range p.to.all() {
		for _, e := range g.set.egress.decide(from, to, p.ports) {
			for _, i := range g.set.ingress.decide(to, from, e.ports) {
				why := reason{e.by, i.by, i.ports.String()}
				if by[why] == nil {
					by[why] = &part{newBitset(len(p.to) * 64), i.ports}
					order = append(order, why)
				}
				by[why].to.set(to)
			}
		}
	}
	for _, why := range order {
		g.join(from, *by[why], why.egress, why.ingress)
	}
}

// join adds a class to the difference that is the same for another, or begins one.
func (g *grouping) join(from int32, p part, egress, ingress Decision) {
	var h maphash.Hash
	h.SetSeed(g.seed)
	for _, w := range p.to {
		maphash.WriteComparable(&h, w)
	}
	maphash.WriteComparable(&h, reason{egress, ingress, p.ports.String()})
	key := h.Sum64()
	for _, i := range g.byHash[key] {
		d := &g.found[i]
		if d.Egress == egress && d.Ingress == ingress && d.Ports.Equal(p.ports) && slices.Equal(d.To.classes, p.to) {
			d.From.classes.set(from)
			return
		}
	}
	source := newBitset(len(p.to) * 64)
	source.set(from)
	g.byHash[key] = append(g.byHash[key], len(g.found))
	g.found = append(g.found, Difference{Ends{g.set.space, source}, Ends{g.set.space, p.to}, p.ports, egress, ingress})
}

// list returns the differences by their first ends: workloads before strangers,
// these before addresses and names.
func (g *grouping) list() []Difference {
	s := g.set.space
	first := func(e Ends) int32 {
		least := int32(len(s.elements)) //nolint:gosec // the elements fit into memory
		for c := range e.classes.all() {
			least = min(least, s.classes[c][0])
		}
		return least
	}
	type place struct{ from, to int32 }
	places := make([]place, len(g.found))
	order := make([]int, len(g.found))
	for i := range g.found {
		places[i] = place{first(g.found[i].From), first(g.found[i].To)}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(places[a].from, places[b].from), cmp.Compare(places[a].to, places[b].to), cmp.Compare(a, b))
	})
	out := make([]Difference, len(order))
	for i, k := range order {
		out[i] = g.found[k]
	}
	return out
}
