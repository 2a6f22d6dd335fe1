// SPDX-License-Identifier: Apache-2.0

package enforcer

import (
	"net/netip"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/rendering"
)

// reach is ends of edges, or peers of a rule, to be asked which of the peers may have
// been made of which of the ends: of a group those of its kind, of a name that name,
// of a block those that overlap it. A rule may have as many as a recording has
// addresses. The zero value is empty.
type reach struct {
	kinds  map[generator.PeerKind]bool
	names  map[string]bool
	blocks rendering.Prefixes
}

// reachOfEdges takes the ends that rules of a direction name.
func reachOfEdges(d compact.Direction, edges []*generator.Edge) *reach {
	out := &reach{kinds: map[generator.PeerKind]bool{}, names: map[string]bool{}}
	var blocks []netip.Prefix
	for _, e := range edges {
		p := d.Peer(e)
		switch out.kinds[p.Kind] = true; p.Kind { //nolint:exhaustive // of the others the kind is enough
		case generator.FQDNPeer:
			out.names[p.Name] = true
		case generator.CIDRPeer:
			blocks = append(blocks, p.Prefix)
		}
	}
	out.blocks = rendering.PrefixesOf(blocks)
	return out
}

func reachOfPeers(peers []compact.Peer) *reach {
	out := &reach{kinds: map[generator.PeerKind]bool{}, names: map[string]bool{}}
	var blocks []netip.Prefix
	for i := range peers {
		q := &peers[i]
		switch out.kinds[q.Kind] = true; {
		case q.IsName():
			out.names[q.Name] = true
		case q.Kind == generator.CIDRPeer:
			blocks = append(blocks, q.Block.Prefix)
		}
	}
	out.blocks = rendering.PrefixesOf(blocks)
	return out
}

// leads reports whether one of the ends may be what a peer was made of.
func (r *reach) leads(q *compact.Peer) bool {
	switch {
	case q.IsName():
		return r.names[q.Name]
	case q.Kind == generator.CIDRPeer:
		return r.blocks.Overlap(q.Block.Prefix)
	}
	return r.kinds[q.Kind]
}

// madeOf reports whether one of the peers may have been made of an end.
func (r *reach) madeOf(p generator.Peer) bool {
	switch p.Kind { //nolint:exhaustive // of the others the kind is enough
	case generator.FQDNPeer:
		return r.names[p.Name]
	case generator.CIDRPeer:
		return r.blocks.Overlap(p.Prefix)
	}
	return r.kinds[p.Kind]
}

// needs are ports of edges, to be asked which a port of a rule is, or has a part of.
// The zero value is empty.
type needs struct {
	exact     map[generator.Port]bool
	protocols map[generator.Protocol]bool
	numbers   generator.PortSet
}

func needsOf(edges []*generator.Edge) needs {
	out := needs{exact: map[generator.Port]bool{}, protocols: map[generator.Protocol]bool{}}
	var list []generator.Port
	for _, e := range edges {
		if !out.exact[e.Port] {
			out.exact[e.Port], out.protocols[e.Port.Protocol] = true, true
			list = append(list, e.Port)
		}
	}
	out.numbers = generator.Ports(list...)
	return out
}

// have reports what within does, of any of the edges.
func (n *needs) have(p generator.Port) bool {
	return n.exact[p] || p == generator.EveryPort(p.Protocol) && n.protocols[p.Protocol] || !generator.Ports(p).Intersect(n.numbers).Empty()
}
