// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// services finds the Services that are there for clients outside of the cluster.
// What the pods see as the source is the client with externalTrafficPolicy Local,
// and otherwise may be a node.
func (f *finder) services() {
	for s := range inventory.List[*corev1.Service](f.inv, inventory.ServiceKind, "") {
		key := inventory.KeyOf(s)
		to := generator.ServicePeerOf(s.Namespace, s.Name)
		balanced := s.Spec.Type == corev1.ServiceTypeLoadBalancer
		if len(s.Spec.Selector) == 0 || !balanced && s.Spec.Type != corev1.ServiceTypeNodePort && len(s.Spec.ExternalIPs) == 0 {
			continue
		}
		why := declared(key, "spec.type", "is reached from outside (type "+string(s.Spec.Type)+")")
		if len(s.Spec.ExternalIPs) > 0 && !balanced && s.Spec.Type != corev1.ServiceTypeNodePort {
			why = declared(key, "spec.externalIPs", "is reached from outside (externalIPs)")
		}
		if balanced && len(s.Spec.LoadBalancerSourceRanges) > 0 {
			f.ranges(s, to)
		} else {
			f.edge(generator.Peer{Kind: generator.ExternalPeer}, to, generator.Port{}, why)
		}
		if s.Spec.ExternalTrafficPolicy != corev1.ServiceExternalTrafficPolicyLocal && !f.env.Nodes.Empty() {
			why.What += ", through the address of a node"
			f.edge(generator.Peer{Kind: generator.NodePeer}, to, generator.Port{}, why)
		}
	}
}

// onNode: a port of the node that leads to a container.
func (f *finder) onNode(p *pod, c container) {
	if p.Spec.HostNetwork {
		return
	}
	for i := range c.Ports {
		port := &c.Ports[i]
		protocol, err := generator.ParseProtocol(string(port.Protocol))
		if port.HostPort == 0 || err != nil || port.ContainerPort < 1 || port.ContainerPort > generator.MaxPort {
			continue
		}
		why := declared(p.Key, field{c.field + ".ports", i, ".hostPort"}.String(), "is reached from outside (hostPort)")
		f.edge(generator.Peer{Kind: generator.ExternalPeer}, p.peer, generator.NumberedPort(protocol, uint16(port.ContainerPort)), why)
	}
}

func (f *finder) ranges(s *corev1.Service, to generator.Peer) {
	why := declared(inventory.KeyOf(s), "spec.loadBalancerSourceRanges", "is reached from these addresses (loadBalancerSourceRanges)")
	for _, text := range s.Spec.LoadBalancerSourceRanges {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			f.problem(generator.Peer{}, to, generator.Port{}, why, "%q is no block of addresses", text)
			continue
		}
		f.edge(generator.CIDRPeerOf(p), to, generator.Port{}, why)
	}
}
