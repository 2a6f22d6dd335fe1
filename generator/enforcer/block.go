// SPDX-License-Identifier: Apache-2.0

package enforcer

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
)

// block returns the blocks that hold, on the enforcer, what a block means in the
// model: addresses that are no pod's.
func (a *adapter) block(p *compact.Policy, q *compact.Peer) ([]compact.Peer, error) {
	meets := func(prefix netip.Prefix) bool { return touches(q.Block, prefix) }
	switch a.nodes {
	case nodesByAddress:
	case nodesAsPods:
		inside := func(n netip.Prefix) bool { return slices.ContainsFunc(a.ground.pods, n.Overlaps) }
		if p.Direction == compact.Ingress && (q.Kind == generator.NodePeer || slices.ContainsFunc(a.ground.nodes, meets)) &&
			!slices.ContainsFunc(a.ground.nodes, inside) {
			return nil, errManagement
		}
	case nodesApart, nodesOnly:
		switch {
		case q.Kind == generator.NodePeer || slices.ContainsFunc(a.ground.nodes, meets):
			return nil, errNodes
		case q.Kind == generator.APIServerPeer && a.nodes == nodesApart && len(a.ground.nodes) == 0:
			return nil, errAPIServer
		}
	}
	if a.resolver && a.model.Environment.ResolverOnNode(q.Kind, q.Block.Prefix) {
		return nil, errResolver
	}
	if err := a.family(q); err != nil {
		return nil, err
	}
	if !a.byAddress {
		return []compact.Peer{*q}, nil
	}
	return a.withoutPods(q)
}

// family refuses a block of the family that the pods do not have; where they
// have both, or it is not known, none.
func (a *adapter) family(q *compact.Peer) error {
	other := func(r netip.Prefix) bool { return r.Addr().Is4() != q.Block.Prefix.Addr().Is4() }
	if !a.oneFamily || q.Kind != generator.CIDRPeer || len(a.ground.pods) == 0 || !other(a.ground.pods[0]) {
		return nil
	}
	if slices.ContainsFunc(a.ground.pods, func(r netip.Prefix) bool { return !other(r) }) {
		return nil
	}
	return fmt.Errorf("%s is of the other family than the addresses of the pods, and the rules of that are ignored: leave it out", q.Block.Prefix)
}

// withoutPods takes the ranges of pods out of a block. What nodes and the API
// server have in these ranges stays, address by address.
func (a *adapter) withoutPods(q *compact.Peer) ([]compact.Peer, error) {
	g := &a.ground
	if len(g.pods) == 0 {
		return nil, errRanges
	}
	for pod := range g.strays.Overlapping(q.Block.Prefix) {
		if q.Block.Holds(pod.Addr()) {
			return nil, fmt.Errorf("%s holds %s, which a pod has and no range of pods (--pod-cidr)", q.Block.Prefix, pod.Addr())
		}
	}
	for u := range g.unclear.Overlapping(q.Block.Prefix) {
		if touches(q.Block, u) {
			return nil, fmt.Errorf("%s is in the ranges of pods, and %s would allow the pods that have its addresses: name what runs there", u, q.Block.Prefix)
		}
	}
	var out []compact.Peer
	rest := generator.Without(q.Block.Prefix, slices.Concat(q.Block.Except, g.pods))
	if len(rest.Prefixes()) > 0 {
		out = append(out, compact.Peer{Kind: q.Kind, Block: rest})
	}
	for _, one := range g.taken { // the addresses of some nodes
		if touches(q.Block, one) {
			out = append(out, compact.Peer{Kind: q.Kind, Block: generator.Block{Prefix: one}})
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("every address of %s is in the ranges of pods: name the pods", q.Block.Prefix)
	}
	return out, nil
}

// sides groups policies by namespace and direction: those which count together
// for a pod. The policies are ordered by namespace.
func sides(list []compact.Policy) [][]int {
	type side struct {
		namespace string
		direction compact.Direction
	}
	at := map[side]int{}
	var out [][]int
	for i := range list {
		s := side{list[i].Namespace, list[i].Direction}
		if _, known := at[s]; !known {
			at[s] = len(out)
			out = append(out, nil)
		}
		out[at[s]] = append(out[at[s]], i)
	}
	return out
}

// separate writes blocks without exceptions where those of one would count for
// another block. Its policies are of one side.
func separate(list []compact.Policy, side []int) {
	var blocks []generator.Block
	each(list, side, func(q *compact.Peer) {
		if q.IsBlock() {
			blocks = append(blocks, q.Block)
		}
	})
	for _, i := range side {
		for j := range list[i].Rules {
			r := &list[i].Rules[j]
			var peers []compact.Peer
			for _, q := range r.Peers {
				if !q.IsBlock() || !slices.ContainsFunc(blocks, func(o generator.Block) bool { return mixes(q.Block, o) }) {
					peers = append(peers, q)
					continue
				}
				for _, p := range q.Block.Prefixes() {
					peers = append(peers, compact.Peer{Kind: q.Kind, Block: generator.Block{Prefix: p}})
				}
			}
			r.Peers = peers
		}
	}
}

// mixes reports whether the exceptions of a block would take from another: from
// one of the same prefix, and from a wider one that has them.
func mixes(b, o generator.Block) bool {
	if b.Prefix == o.Prefix {
		return !slices.Equal(b.Except, o.Except)
	}
	return slices.ContainsFunc(b.Except, func(e netip.Prefix) bool { return o.Prefix.Bits() < e.Bits() && o.Prefix.Overlaps(e) && touches(o, e) })
}

func each(list []compact.Policy, side []int, visit func(*compact.Peer)) {
	for _, i := range side {
		for j := range list[i].Rules {
			for k := range list[i].Rules[j].Peers {
				visit(&list[i].Rules[j].Peers[k])
			}
		}
	}
}
