// SPDX-License-Identifier: Apache-2.0

package rendering

import (
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
)

// Problems collects the edges that a dialect cannot express, with what to do.
type Problems struct{ list []generator.Problem }

// Add reports edges.
func (p *Problems) Add(edges []*generator.Edge, err error) {
	for _, e := range edges {
		p.list = append(p.list, generator.Problem{Edge: *e, What: err.Error()})
	}
}

// Refuse reports the edges of a rule that lead to a peer of it, and returns the
// rest.
func (p *Problems) Refuse(edges []*generator.Edge, q *compact.Peer, err error) []*generator.Edge {
	var rest, lost []*generator.Edge
	for _, e := range edges {
		if leadsTo(e.To, q) || leadsTo(e.From, q) {
			lost = append(lost, e)
		} else {
			rest = append(rest, e)
		}
	}
	p.Add(lost, err)
	return rest
}

// List returns the problems in order, each once.
func (p *Problems) List() []generator.Problem {
	slices.SortStableFunc(p.list, func(a, b generator.Problem) int { return a.Edge.Compare(b.Edge) })
	return slices.CompactFunc(p.list, func(a, b generator.Problem) bool { return a.Edge.Compare(b.Edge) == 0 && a.What == b.What })
}

func leadsTo(p generator.Peer, q *compact.Peer) bool {
	switch {
	case p.Kind != q.Kind:
		return false
	case q.IsName():
		return p.Name == q.Name
	case p.Kind == generator.CIDRPeer:
		return q.Block.Prefix.Overlaps(p.Prefix)
	}
	return true
}
