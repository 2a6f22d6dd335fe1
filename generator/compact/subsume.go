// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/selector"
)

// subsume leaves out what wider rules allow already: those of every pod of the
// namespace, and those with peers among which the peer is. Their rules take over
// the edges, so that no reason is lost.
func (s *side) subsume() {
	cover := map[*cell][]*cell{}
	for _, subject := range s.all() {
		for key, own := range subject.cells {
			var wider []*cell
			for _, k := range subject.wider(key) {
				wider = append(wider, subject.cells[k])
			}
			if s.whole != nil && s.whole != subject {
				if same := s.whole.cells[key]; same != nil {
					wider = append(wider, same)
				}
				for _, k := range s.whole.wider(key) {
					wider = append(wider, s.whole.cells[k])
				}
			}
			var allowed ports
			for _, w := range wider {
				allowed = allowed.union(w.ports)
			}
			if allowed.holds(own.ports) {
				own.dead = true
				cover[own] = wider
			}
		}
	}
	// What covers a dead cell that is dead itself is covered by what is wider
	// still, and that covers the first as well.
	for own, wider := range cover {
		for _, w := range wider {
			if !w.dead && w.ports.meets(own.ports) {
				w.edges = append(w.edges, own.edges...)
			}
		}
	}
	for _, subject := range s.all() {
		for _, own := range subject.cells {
			slices.SortFunc(own.edges, func(a, b *generator.Edge) int { return a.Compare(*b) })
			own.edges = slices.Compact(own.edges)
		}
	}
}

// wider returns the peers of the subject among which a peer is, for the same requests
// or for all of them.
func (s *subject) wider(k peerKey) []peerKey {
	var out []peerKey
	add := func(w peerKey) {
		for _, requests := range []generator.Requests{k.requests, {}} {
			w.requests = requests
			if _, has := s.cells[w]; has && w != k {
				out = append(out, w)
			}
			if k.requests.All() {
				break
			}
		}
	}
	if !k.requests.All() {
		add(k)
	}
	switch k.kind {
	case generator.WorkloadPeer:
		add(peerKey{kind: generator.NamespacePeer, namespace: k.namespace})
		add(peerKey{kind: generator.ClusterPeer})
	case generator.NamespacePeer:
		add(peerKey{kind: generator.ClusterPeer})
	case generator.CIDRPeer:
		for bits := range k.prefix.Bits() {
			p, err := k.prefix.Addr().Prefix(bits)
			if err == nil {
				add(peerKey{kind: generator.CIDRPeer, prefix: p})
			}
		}
	case generator.ClusterPeer, generator.ServicePeer, generator.FQDNPeer, generator.ExternalPeer, generator.DNSPeer, generator.APIServerPeer, generator.NodePeer, generator.GatewayPeer, generator.MonitoringPeer: // among no others
	}
	return out
}

// separate leaves out what a selector would allow to more workloads than asked
// for it: those that carry the same labels are selected together or not at all.
func (c *compactor) separate(s *subject) {
	for _, key := range s.live() {
		found := s.cells[key]
		if found.pairs == nil {
			continue
		}
		want := alike(s.class) * alike(key.class)
		var common ports
		if len(found.pairs) == want {
			first := true
			for _, p := range found.pairs {
				if first {
					common, first = p, false
				}
				common = common.intersect(p)
			}
		}
		var kept []*generator.Edge
		var allowed ports
		for _, e := range found.edges {
			if p := portsOf(e.Port); common.holds(p) {
				kept = append(kept, e)
				allowed = allowed.union(p)
				continue
			}
			alike, but := c.sharing(s.class, key.class)
			c.problem(e, "no policy can allow this and nothing else: %s have the same labels%s", strings.Join(alike, ", "), but)
		}
		found.edges, found.ports, found.dead = kept, allowed, allowed.empty()
	}
}

// alike is how many workloads a selector of the class selects.
func alike(c *selector.Class) int {
	if c == nil {
		return 1
	}
	return len(c.Workloads)
}

// sharing returns the workloads that share their labels with another, in order, and
// which others they have that no policy selects by.
func (c *compactor) sharing(classes ...*selector.Class) (alike []string, but string) {
	var all []*generator.Workload
	for _, class := range classes {
		if class == nil || len(class.Workloads) < 2 {
			continue
		}
		for _, w := range class.Workloads {
			alike, all = append(alike, w.ID.String()), append(all, w)
		}
	}
	slices.Sort(alike)
	return slices.Compact(alike), c.unused(all...)
}
