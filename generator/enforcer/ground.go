// SPDX-License-Identifier: Apache-2.0

package enforcer

import (
	"net/netip"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/internal/rendering"
)

// ground is whose addresses are whose in a cluster.
type ground struct {
	pods    []netip.Prefix     // the ranges of pods
	taken   []netip.Prefix     // single addresses in these ranges that nodes or the API server have
	unclear rendering.Prefixes // in these ranges, and yet named as addresses of something else
	strays  rendering.Prefixes // addresses of pods outside of these ranges
	nodes   []netip.Prefix
}

func groundOf(m *generator.Model) ground {
	env := &m.Environment
	g := ground{pods: normal(env.PodRanges), nodes: normal(env.Nodes.Addresses)}
	for _, p := range slices.Concat(g.nodes, normal(env.APIServer.Addresses)) {
		if p.IsSingleIP() && slices.ContainsFunc(g.pods, p.Overlaps) && !slices.Contains(g.taken, p) {
			g.taken = append(g.taken, p)
		}
	}
	if !slices.ContainsFunc(g.pods, func(r netip.Prefix) bool { return touches(generator.Block{Prefix: r, Except: g.taken}, r) }) {
		g.pods, g.taken = nil, nil // no address is left that a pod may have: the ranges are not known
	}
	named := map[netip.Prefix]bool{}
	for k := generator.DNSPeer; k <= generator.MonitoringPeer; k++ {
		group, _ := env.Group(k)
		for _, p := range normal(group.Addresses) {
			named[p] = true
		}
	}
	for i := range m.Edges {
		for _, p := range [...]generator.Peer{m.Edges[i].From, m.Edges[i].To} {
			if p.Kind == generator.CIDRPeer && slices.ContainsFunc(g.pods, func(r netip.Prefix) bool { return r.Bits() <= p.Prefix.Bits() && r.Overlaps(p.Prefix) }) {
				named[p.Prefix] = true
			}
		}
	}
	var unclear, strays []netip.Prefix
	for p := range named {
		for _, r := range g.pods {
			if r.Overlaps(p) {
				unclear = append(unclear, generator.Block{Prefix: narrower(r, p), Except: g.taken}.Prefixes()...)
			}
		}
	}
	for _, w := range m.Universe.Workloads() {
		if w.HostNetwork {
			continue
		}
		for _, a := range w.Addresses {
			inside := func(p netip.Prefix) bool { return p.Contains(a.Unmap()) }
			if !slices.ContainsFunc(g.pods, inside) || slices.ContainsFunc(g.taken, inside) {
				strays = append(strays, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			}
		}
	}
	g.unclear, g.strays = rendering.PrefixesOf(unclear), rendering.PrefixesOf(strays)
	return g
}

// normal returns prefixes without host bits, and those of IPv4 as such.
func normal(list []netip.Prefix) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, p := range list {
		out[i] = generator.CIDRPeerOf(p).Prefix
	}
	return out
}

func narrower(a, b netip.Prefix) netip.Prefix {
	if a.Bits() > b.Bits() {
		return a
	}
	return b
}

// touches reports whether a block holds any address of a prefix.
func touches(b generator.Block, p netip.Prefix) bool {
	return b.Prefix.Overlaps(p) && len(generator.Block{Prefix: narrower(b.Prefix, p), Except: b.Except}.Prefixes()) > 0
}
