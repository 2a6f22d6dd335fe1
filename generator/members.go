// SPDX-License-Identifier: Apache-2.0

package generator

import "net/netip"

// Members returns the known workloads that a peer stands for, in order. Those
// on the network of their node are in none: no policy selects them.
func (m *Model) Members(p Peer) []*Workload {
	var from []*Workload
	switch p.Kind {
	case WorkloadPeer:
		if w := m.Universe.Workload(p.ID()); w != nil {
			from = []*Workload{w}
		}
	case NamespacePeer:
		from = m.Universe.Within(p.Namespace)
	case ClusterPeer:
		from = m.Universe.Workloads()
	case DNSPeer, APIServerPeer, NodePeer, GatewayPeer, MonitoringPeer:
		group, _ := m.Environment.Group(p.Kind)
		for _, set := range group.Pods {
			for _, w := range m.Universe.Within(set.Namespace) {
				if set.Holds(w.ID.Namespace, w.Labels) {
					from = append(from, w)
				}
			}
		}
	case ServicePeer, CIDRPeer, FQDNPeer, ExternalPeer: // no pods
	}
	out := make([]*Workload, 0, len(from))
	for _, w := range from {
		if !w.HostNetwork {
			out = append(out, w)
		}
	}
	return out
}

// HoldsStrangers reports whether pods that nobody described, with labels of
// their own, belong to a peer when they appear in a namespace.
func (p Peer) HoldsStrangers(namespace string) bool {
	return p.Kind == ClusterPeer || p.Kind == NamespacePeer && p.Namespace == namespace
}

// Blocks returns the addresses that a peer stands for. A domain name has none
// that could be known beforehand.
func (m *Model) Blocks(p Peer) []Block {
	switch p.Kind {
	case CIDRPeer:
		return []Block{{Prefix: p.Prefix}}
	case ExternalPeer:
		external := m.Environment.External()
		return external[:]
	case DNSPeer, APIServerPeer, NodePeer, GatewayPeer, MonitoringPeer:
		group, _ := m.Environment.Group(p.Kind)
		return whole(group.Addresses)
	case WorkloadPeer, NamespacePeer, ClusterPeer, ServicePeer, FQDNPeer: // no addresses that are known
	}
	return nil
}

func whole(list []netip.Prefix) []Block {
	out := make([]Block, len(list))
	for i, p := range list {
		out[i].Prefix = p
	}
	return out
}
