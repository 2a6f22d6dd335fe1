// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"cmp"
	"slices"
)

// ConflictKind says how the sources of a model disagree about a connection. The
// zero value is none.
type ConflictKind uint8

// The kinds of conflicts.
const (
	DeclaredUnseen ConflictKind = 1 + iota // somebody asked for it, and nobody used it
	ManifestUnseen                         // configured, and not used
	SeenUndeclared                         // used, and neither asked for nor configured nor given by a template
)

var conflictKinds = [...]string{
	DeclaredUnseen: "declared but never seen", ManifestUnseen: "in manifests but not seen", SeenUndeclared: "seen but not declared",
}

// String returns the kind in words.
func (k ConflictKind) String() string {
	if int(k) < len(conflictKinds) && conflictKinds[k] != "" {
		return conflictKinds[k]
	}
	return "no conflict"
}

// Conflict is a connection about which the sources disagree. It is in the model
// all the same: a person decides.
type Conflict struct {
	Kind ConflictKind
	Edge Edge
}

// String returns the connection, what is odd about it, and where it was said.
func (c Conflict) String() string {
	return Problem{Edge: c.Edge, What: c.Kind.String()}.String()
}

// Conflicts compares what was asked for and configured with what was seen, and
// returns where they disagree, ordered by kind and edge.
//
// That something was not seen counts only where somebody looked: covered says of
// a workload whether it did (flows.Result.Covers). An edge from a group or a
// namespace, some of whose members may be silent, needs all its known members
// covered. Without any edge that was seen, nothing is unseen.
//
// A connection within a wider one confirms that: a flow to TCP/8080 one to the
// port "http", and one from a workload one from its namespace.
func (m *Model) Conflicts(covered func(WorkloadID) bool) []Conflict {
	var seen, said []Edge
	for _, e := range m.Edges {
		if e.has(Flow) {
			seen = append(seen, e)
		}
		if e.has(Intent, Template, Manifest) {
			said = append(said, e)
		}
	}
	if len(seen) == 0 {
		return nil
	}
	var out []Conflict
	x := newWholes(m, said)
	confirmed := make([]bool, len(said))
	for _, f := range seen {
		around := x.around(f)
		for _, i := range around {
			confirmed[i] = true
		}
		if len(around) == 0 {
			out = append(out, Conflict{SeenUndeclared, f})
		}
	}
	looked := map[Peer]bool{}
	for i, e := range said {
		switch {
		case confirmed[i] || !e.has(Intent, Manifest) || !m.covers(e, covered, looked):
		case e.has(Intent):
			out = append(out, Conflict{DeclaredUnseen, e})
		default:
			out = append(out, Conflict{ManifestUnseen, e})
		}
	}
	slices.SortStableFunc(out, func(a, b Conflict) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Edge.Compare(b.Edge)) })
	return out
}

// has reports whether an edge has evidence of one of the sources.
func (e *Edge) has(list ...Source) bool {
	return slices.ContainsFunc(e.Because, func(b Evidence) bool { return slices.Contains(list, b.Source) })
}

// wholes finds the edges that are around another: between the same peers, or
// between peers that these are a part of. Only peers that are no single workload
// have parts, and there are few of them.
type wholes struct {
	model   *Model
	edges   []Edge
	between map[[2]Peer][]int // edges by their ends
	wide    []Peer            // ends that are no workload
	members map[Peer]map[*Workload]bool
	of      map[Peer][]Peer // a peer and what it is a part of
}

func newWholes(m *Model, edges []Edge) *wholes {
	x := &wholes{model: m, edges: edges, between: map[[2]Peer][]int{}, members: map[Peer]map[*Workload]bool{}, of: map[Peer][]Peer{}}
	for i, e := range edges {
		key := [2]Peer{e.From, e.To}
		x.between[key] = append(x.between[key], i)
		for _, p := range key {
			if _, known := x.members[p]; known || p.Kind == WorkloadPeer {
				continue
			}
			x.wide, x.members[p] = append(x.wide, p), map[*Workload]bool{}
			for _, w := range m.Members(p) {
				x.members[p][w] = true
			}
		}
	}
	return x
}

// around returns the places of the edges that f is one connection of.
func (x *wholes) around(f Edge) []int { return x.near(f, x.model.portHolds) }

// near returns the places of the edges that are between the same peers as f, or
// around them, and of which the ports are as asked.
func (x *wholes) near(f Edge, ports func(e, f Edge) bool) []int {
	var out []int
	for _, from := range x.holding(f.From) {
		for _, to := range x.holding(f.To) {
			for _, i := range x.between[[2]Peer{from, to}] {
				if ports(x.edges[i], f) {
					out = append(out, i)
				}
			}
		}
	}
	return out
}

// holding returns a peer and those that it is a part of.
func (x *wholes) holding(part Peer) []Peer {
	list, known := x.of[part]
	if known {
		return list
	}
	list = []Peer{part}
	for _, whole := range x.wide {
		if whole != part && x.holds(whole, part) {
			list = append(list, whole)
		}
	}
	x.of[part] = list
	return list
}

// holds reports whether a peer is a part of another.
func (x *wholes) holds(whole, part Peer) bool {
	switch part.Kind { //nolint:exhaustive // the others are a part of nothing
	case WorkloadPeer:
		return x.members[whole][x.model.Universe.Workload(part.ID())]
	case NamespacePeer:
		return whole.Kind == ClusterPeer
	case CIDRPeer:
		return slices.ContainsFunc(x.model.Blocks(whole), func(b Block) bool {
			return b.Prefix.Bits() <= part.Prefix.Bits() && b.Holds(part.Prefix.Addr())
		})
	case FQDNPeer:
		return whole.Kind == ExternalPeer
	}
	return false
}

// portHolds compares ports by the numbers that they have in the pods that accept.
func (m *Model) portHolds(e, f Edge) bool {
	if e.Port == f.Port {
		return true
	}
	members := m.Members(f.To)
	if len(members) == 0 {
		return Ports(e.Port).Contains(f.Port)
	}
	return slices.ContainsFunc(members, func(w *Workload) bool {
		want, have := w.Resolve(e.Port), w.Resolve(f.Port)
		return !have.Empty() && have.Minus(want).Empty()
	})
}

// covers reports whether somebody looked at the known workloads of an edge: of
// the end that opens the connection, and where that has none, of the other. The
// answers for peers are kept in looked.
func (m *Model) covers(e Edge, covered func(WorkloadID) bool, looked map[Peer]bool) bool {
	p := e.From
	if !p.HasPods() {
		p = e.To
	}
	answer, known := looked[p]
	if !known {
		members := m.Members(p)
		answer = len(members) > 0 && !slices.ContainsFunc(members, func(w *Workload) bool { return !covered(w.ID) })
		looked[p] = answer
	}
	return answer
}
