// SPDX-License-Identifier: Apache-2.0

package rendering

import (
	"net/netip"
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

// Refuse reports the edges of a rule of a direction of which a refused peer was made,
// and returns the rest. A group may be the peer of some edges of a rule, and of others
// the pods that the policy is about: these are not refused.
func (p *Problems) Refuse(d compact.Direction, edges []*generator.Edge, r *Refusals) []*generator.Edge {
	if len(r.kinds)+len(r.names)+len(r.blocks) == 0 {
		return edges
	}
	var rest []*generator.Edge
	for _, e := range edges {
		err := r.reason(d.Peer(e))
		if err == nil {
			rest = append(rest, e)
			continue
		}
		p.Add([]*generator.Edge{e}, err)
	}
	return rest
}

// List returns the problems in order, each once.
func (p *Problems) List() []generator.Problem {
	slices.SortStableFunc(p.list, func(a, b generator.Problem) int { return a.Edge.Compare(b.Edge) })
	return slices.CompactFunc(p.list, func(a, b generator.Problem) bool { return a.Edge.Compare(b.Edge) == 0 && a.What == b.What })
}

// Refusals are the peers of a rule that a dialect cannot express, and why: the
// first reason for each. A rule may have as many as a recording has addresses. The
// zero value is empty.
type Refusals struct {
	kinds  map[generator.PeerKind]error // of groups, and of pods
	names  map[string]error
	exact  map[netip.Prefix]error
	blocks []refusal // in order, those of exact as well

	index   Prefixes // of the first indexed of blocks
	indexed int
}

type refusal struct {
	prefix netip.Prefix
	err    error
}

// Add refuses a peer.
func (r *Refusals) Add(q *compact.Peer, err error) {
	switch {
	case q.IsName():
		r.names = first(r.names, q.Name, err)
	case q.Kind == generator.CIDRPeer:
		r.exact = first(r.exact, q.Block.Prefix, err)
		r.blocks = append(r.blocks, refusal{q.Block.Prefix, err})
	default:
		r.kinds = first(r.kinds, q.Kind, err)
	}
}

func first[K comparable](known map[K]error, key K, err error) map[K]error {
	if known == nil {
		known = map[K]error{}
	}
	if known[key] == nil {
		known[key] = err
	}
	return known
}

// reason says why a peer of the model cannot be expressed; nil when it can.
func (r *Refusals) reason(p generator.Peer) error {
	switch p.Kind {
	case generator.FQDNPeer:
		return r.names[p.Name]
	case generator.CIDRPeer:
		if err := r.exact[p.Prefix]; err != nil {
			return err
		}
		if !r.overlap(p.Prefix) {
			return nil
		}
		for i := range r.blocks {
			if r.blocks[i].prefix.Overlaps(p.Prefix) {
				return r.blocks[i].err
			}
		}
		return nil
	case generator.WorkloadPeer, generator.NamespacePeer, generator.ClusterPeer, generator.ServicePeer, generator.ExternalPeer,
		generator.DNSPeer, generator.APIServerPeer, generator.NodePeer, generator.GatewayPeer, generator.MonitoringPeer:
	}
	return r.kinds[p.Kind]
}

// overlap reports whether a refused block has an address in common with one.
func (r *Refusals) overlap(p netip.Prefix) bool {
	if r.indexed < len(r.blocks) {
		list := make([]netip.Prefix, len(r.blocks))
		for i := range r.blocks {
			list[i] = r.blocks[i].prefix
		}
		r.index, r.indexed = PrefixesOf(list), len(list)
	}
	return r.index.Overlap(p)
}

// Numbered returns the ports that are no names: those that an address has.
func Numbered(list []generator.Port) []generator.Port {
	return slices.DeleteFunc(slices.Clone(list), func(p generator.Port) bool { return p.Name != "" })
}
