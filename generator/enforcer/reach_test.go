// SPDX-License-Identifier: Apache-2.0

package enforcer

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/randommodel"
)

// leadsTo reports whether an end may be what a peer was made of.
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

// TestReach compares what many edges lead to and need with a look at each.
func TestReach(t *testing.T) {
	t.Parallel()
	asked := map[bool]int{}
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 6))
		m := randommodel.New(r, randommodel.Options{})
		plan, _ := compact.Compact(m, compact.Options{})
		for i := range plan.Allows {
			for j := range plan.Allows[i].Rules {
				rule := &plan.Allows[i].Rules[j]
				var some []*generator.Edge
				for k := range m.Edges {
					if r.IntN(3) == 0 {
						some = append(some, &m.Edges[k])
					}
				}
				ends, needed, peers := reachOfEdges(plan.Allows[i].Direction, some), needsOf(some), reachOfPeers(rule.Peers)
				for k := range rule.Peers {
					q := &rule.Peers[k]
					want := slices.ContainsFunc(some, func(e *generator.Edge) bool { return leadsTo(plan.Allows[i].Direction.Peer(e), q) })
					if asked[want]++; ends.leads(q) != want {
						t.Fatalf("seed %d: %+v is led to: %v", seed, q, !want)
					}
				}
				for _, p := range rule.Ports {
					if want := slices.ContainsFunc(some, func(e *generator.Edge) bool { return within(e, p) }); needed.have(p) != want {
						t.Fatalf("seed %d: %s is needed: %v", seed, p, !want)
					}
				}
				for k := range m.Edges {
					p := m.Edges[k].To
					if want := slices.ContainsFunc(rule.Peers, func(q compact.Peer) bool { return leadsTo(p, &q) }); peers.madeOf(p) != want {
						t.Fatalf("seed %d: of %s a peer was made: %v", seed, p, !want)
					}
				}
			}
		}
	}
	if asked[true] < 100 || asked[false] < 100 {
		t.Errorf("%v answers", asked)
	}
}
