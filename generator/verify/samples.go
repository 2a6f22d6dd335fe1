// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"net/netip"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// IsPod reports whether the end is a pod of the cluster.
func (e End) IsPod() bool { return e.Workload != generator.WorkloadID{} || e.Stranger.Kind != 0 }

// Samples returns an end for each part that a peer is made of: every known
// workload, a pod that nobody described where one may belong to it, one address
// of each block, a domain name. It is for questions that a person asks: a proof
// is made by Compare, over all ends. A Service has none; Build says what it leads
// to.
func Samples(m *generator.Model, p generator.Peer) []End {
	var out []End
	for _, w := range m.Members(p) {
		out = append(out, PodOf(w.ID))
	}
	switch p.Kind {
	case generator.NamespacePeer:
		out = append(out, StrangerIn(p.Namespace))
	case generator.ClusterPeer:
		out = append(out, StrangerIn(""))
	case generator.FQDNPeer:
		out = append(out, DomainOf(p.Name))
	case generator.DNSPeer, generator.APIServerPeer, generator.NodePeer, generator.GatewayPeer, generator.MonitoringPeer:
		group, _ := m.Environment.Group(p.Kind)
		for _, set := range group.Pods {
			// Of a group whose pods run on the network of their node, the pods are known.
			if slices.ContainsFunc(m.Universe.Within(set.Namespace), func(w *generator.Workload) bool { return set.Holds(w.ID.Namespace, w.Labels) }) {
				continue
			}
			pod := strangerOf(set)
			if !slices.Contains(out, pod) {
				out = append(out, pod)
			}
		}
	case generator.WorkloadPeer, generator.ServicePeer, generator.CIDRPeer, generator.ExternalPeer: // pods and blocks alone
	}
	for _, b := range m.Blocks(p) {
		if a, ok := sampleOf(b); ok {
			out = append(out, AddressOf(a))
		}
	}
	return out
}

// sampleOf returns an address of a block that is in none of its exceptions: the
// first, or the first behind an exception.
func sampleOf(b generator.Block) (netip.Addr, bool) {
	if !b.Prefix.IsValid() {
		return netip.Addr{}, false
	}
	a := b.Prefix.Addr()
	for _, except := range b.Except { // ordered, and none inside another
		if except.Contains(a) {
			a = lastOf(except).Next()
		}
	}
	return a, a.IsValid() && b.Holds(a)
}
