// SPDX-License-Identifier: Apache-2.0

package generator

import "slices"

// Guarded returns the edges with an end that may be a pod of a guarded namespace, in
// order. What the others connect is in the model, and no policy is made for it.
func (m *Model) Guarded() []Edge {
	return slices.DeleteFunc(slices.Clone(m.Edges), func(e Edge) bool { return !m.mayGuard(e.From) && !m.mayGuard(e.To) })
}

// mayGuard reports whether a pod of a guarded namespace may be among what a peer is.
func (m *Model) mayGuard(p Peer) bool {
	switch p.Kind {
	case WorkloadPeer, NamespacePeer, ServicePeer:
		_, guarded := m.Guards[p.Namespace]
		return guarded
	case ClusterPeer:
		return len(m.Guards) > 0
	case DNSPeer, APIServerPeer, NodePeer, GatewayPeer, MonitoringPeer:
		group, _ := m.Environment.Group(p.Kind)
		return slices.ContainsFunc(group.Pods, func(s PodSet) bool {
			_, guarded := m.Guards[s.Namespace]
			return guarded
		})
	case CIDRPeer, FQDNPeer, ExternalPeer: // no pods
	}
	return false
}
