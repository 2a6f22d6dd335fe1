// SPDX-License-Identifier: Apache-2.0

package clusterpolicy

import (
	"fmt"
	"slices"
	"strings"

	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/rendering"
)

// peersOf writes a peer down, as several where the limits ask for it.
func (r *renderer) peersOf(p *compact.Policy, q *compact.Peer) ([]policyv1alpha2.ClusterNetworkPolicyEgressPeer, error) {
	switch {
	case !q.IsPods() && p.Direction == compact.Ingress:
		return nil, errOutside
	case q.IsName() && r.options.Channel != Experimental:
		return nil, errDomain
	case q.IsName() && strings.Contains(strings.TrimPrefix(q.Name, "*."), "*"):
		return nil, errWildcard
	case q.IsName():
		return []policyv1alpha2.ClusterNetworkPolicyEgressPeer{{DomainNames: []policyv1alpha2.DomainName{policyv1alpha2.DomainName(q.Name)}}}, nil
	case q.IsBlock():
		return networks(q.Block)
	case q.Kind != generator.ClusterPeer && len(q.Namespaces) == 0:
		return nil, rendering.ErrNobody
	}
	namespaces, pods := selected(q.Namespaces, &q.Pods)
	return []policyv1alpha2.ClusterNetworkPolicyEgressPeer{{Namespaces: namespaces, Pods: pods}}, nil
}

// networks writes a block down as blocks without exceptions.
func networks(b generator.Block) ([]policyv1alpha2.ClusterNetworkPolicyEgressPeer, error) {
	left := b.Prefixes()
	if len(left) == 0 {
		return nil, fmt.Errorf("nothing is left of %s", b.Prefix)
	}
	var out []policyv1alpha2.ClusterNetworkPolicyEgressPeer
	for part := range slices.Chunk(left, maxNames) {
		var peer policyv1alpha2.ClusterNetworkPolicyEgressPeer
		for _, p := range part {
			peer.Networks = append(peer.Networks, policyv1alpha2.CIDR(p.String()))
		}
		out = append(out, peer)
	}
	return out, nil
}

// ports returns the ports of a rule that can be said, and the edges of those.
func (r *renderer) ports(list []generator.Port, edges []*generator.Edge) ([]generator.Port, []*generator.Edge) {
	out := make([]generator.Port, 0, len(list))
	for _, p := range list {
		if p.Validate() != nil {
			continue
		}
		err := r.ambiguous(p, edges)
		if err == nil {
			out = append(out, p)
			continue
		}
		var rest []*generator.Edge
		for _, e := range edges {
			if e.Port == p {
				r.problems.Add([]*generator.Edge{e}, err)
			} else {
				rest = append(rest, e)
			}
		}
		edges = rest
	}
	return out, edges
}

// ambiguous says which of the accepting pods may have a port of another protocol
// by that name: a name is all that a rule can say.
func (r *renderer) ambiguous(p generator.Port, edges []*generator.Edge) error {
	if p.Name == "" {
		return nil
	}
	for _, e := range edges {
		switch {
		case e.Port != p:
			continue
		case e.To.Kind == generator.ClusterPeer || e.To.Kind == generator.NamespacePeer:
			return fmt.Errorf("the name of a port is of every protocol, and any pod of %s may have one called %s: give the number", e.To, p.Name)
		}
		for _, w := range r.model.Members(e.To) {
			for _, q := range w.Ports {
				if q.Name == p.Name && q.Protocol != p.Protocol {
					return fmt.Errorf("the name of a port is of every protocol, and %s has %s of %s: give the number", w.ID, q.Name, q.Protocol)
				}
			}
		}
	}
	return nil
}

// protocolsOf writes ports down. A name that two protocols share is one entry.
func protocolsOf(list []generator.Port) []policyv1alpha2.ClusterNetworkPolicyProtocol {
	var out []policyv1alpha2.ClusterNetworkPolicyProtocol
	named := map[string]bool{}
	for _, p := range list {
		if p.Name != "" {
			if !named[p.Name] {
				out = append(out, policyv1alpha2.ClusterNetworkPolicyProtocol{DestinationNamedPort: p.Name})
			}
			named[p.Name] = true
			continue
		}
		port := &policyv1alpha2.Port{Number: int32(p.First)}
		if p.Last > p.First {
			port = &policyv1alpha2.Port{Range: &policyv1alpha2.PortRange{Start: int32(p.First), End: int32(p.Last)}}
		}
		var to policyv1alpha2.ClusterNetworkPolicyProtocol
		switch p.Protocol {
		case generator.TCP:
			to.TCP = &policyv1alpha2.ClusterNetworkPolicyProtocolTCP{DestinationPort: port}
		case generator.UDP:
			to.UDP = &policyv1alpha2.ClusterNetworkPolicyProtocolUDP{DestinationPort: port}
		case generator.SCTP:
			to.SCTP = &policyv1alpha2.ClusterNetworkPolicyProtocolSCTP{DestinationPort: port}
		}
		out = append(out, to)
	}
	return out
}
