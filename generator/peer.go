// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
)

// PeerKind says what a Peer stands for. The zero value is no kind and is refused.
type PeerKind uint8

// The kinds of peers. Those from DNSPeer on are groups: what they are in a
// cluster is said by its Environment.
const (
	WorkloadPeer   PeerKind = 1 + iota // the pods of one workload
	NamespacePeer                      // every pod of a namespace, also those to come
	ClusterPeer                        // every pod of every namespace
	ServicePeer                        // what a Service leads to; Build replaces it
	CIDRPeer                           // addresses
	FQDNPeer                           // whatever addresses a domain name has
	ExternalPeer                       // every address outside the cluster and its private networks
	DNSPeer                            // the cluster's name servers
	APIServerPeer                      // the API server
	NodePeer                           // the nodes, and pods on the network of a node
	GatewayPeer                        // the pods of the ingress gateway
	MonitoringPeer                     // the pods that scrape metrics
)

var peerKinds = [...]string{
	WorkloadPeer: "workload", NamespacePeer: "namespace", ClusterPeer: "cluster", ServicePeer: "service", CIDRPeer: "cidr", FQDNPeer: "fqdn",
	ExternalPeer: "external", DNSPeer: "dns", APIServerPeer: "api-server", NodePeer: "nodes", GatewayPeer: "gateway", MonitoringPeer: "monitoring",
}

// String returns the kind in one word.
func (k PeerKind) String() string {
	if int(k) < len(peerKinds) && peerKinds[k] != "" {
		return peerKinds[k]
	}
	return "no peer"
}

// Peer is one end of an edge. It is comparable, and two peers are the same when
// they are equal. Which fields count depends on the kind; the others are empty.
type Peer struct {
	Kind      PeerKind
	Namespace string       // of a workload, a namespace or a Service
	Workload  string       // kind of a workload: "Deployment"
	Name      string       // of a workload or a Service; the domain name of an FQDN, perhaps with a wildcard
	Prefix    netip.Prefix // of a CIDR: without host bits
}

// ErrPeer is what is wrong with a peer that names nothing.
var ErrPeer = errors.New("peer names nothing")

// WorkloadPeerOf is the peer of a workload.
func WorkloadPeerOf(id WorkloadID) Peer {
	return Peer{Kind: WorkloadPeer, Namespace: id.Namespace, Workload: id.Kind, Name: id.Name}
}

// NamespacePeerOf is every pod of a namespace.
func NamespacePeerOf(namespace string) Peer { return Peer{Kind: NamespacePeer, Namespace: namespace} }

// ServicePeerOf is what a Service leads to.
func ServicePeerOf(namespace, name string) Peer {
	return Peer{Kind: ServicePeer, Namespace: namespace, Name: name}
}

// CIDRPeerOf is a block of addresses; host bits are dropped, and an IPv4 block
// that is written as IPv6 is the IPv4 block.
func CIDRPeerOf(p netip.Prefix) Peer {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return Peer{Kind: CIDRPeer, Prefix: p.Masked()}
}

// FQDNPeerOf is whatever addresses a domain name has.
func FQDNPeerOf(name string) Peer { return Peer{Kind: FQDNPeer, Name: name} }

// ID returns the workload of a workload's peer; the zero value for another kind.
func (p Peer) ID() WorkloadID {
	if p.Kind != WorkloadPeer {
		return WorkloadID{}
	}
	return WorkloadID{Namespace: p.Namespace, Kind: p.Workload, Name: p.Name}
}

// Validate says what is wrong with a peer; nil for one that an edge may have.
func (p Peer) Validate() error {
	complete := false
	switch p.Kind {
	case WorkloadPeer:
		complete = p.Namespace != "" && p.Workload != "" && p.Name != ""
	case ServicePeer:
		complete = p.Namespace != "" && p.Name != ""
	case NamespacePeer:
		complete = p.Namespace != ""
	case CIDRPeer:
		complete = p.Prefix.IsValid() && p.Prefix == p.Prefix.Masked()
	case FQDNPeer:
		complete = p.Name != ""
	case ClusterPeer, ExternalPeer, DNSPeer, APIServerPeer, NodePeer, GatewayPeer, MonitoringPeer:
		complete = true
	}
	if !complete {
		return fmt.Errorf("%s: %w", p, ErrPeer)
	}
	return nil
}

// String returns the peer as people write it: "Deployment shop/web",
// "Service shop/web", "namespace shop", "10.0.0.0/8", "api.example.com", "dns".
func (p Peer) String() string {
	switch p.Kind {
	case WorkloadPeer:
		return p.ID().String()
	case ServicePeer:
		return "Service " + p.Namespace + "/" + p.Name
	case NamespacePeer:
		return "namespace " + p.Namespace
	case CIDRPeer:
		return p.Prefix.String()
	case FQDNPeer:
		return p.Name
	case ClusterPeer, ExternalPeer, DNSPeer, APIServerPeer, NodePeer, GatewayPeer, MonitoringPeer:
	}
	return p.Kind.String()
}

// Compare orders peers by namespace, kind and name; what has no namespace is last.
func (p Peer) Compare(o Peer) int {
	if (p.Namespace == "") != (o.Namespace == "") {
		if p.Namespace == "" {
			return 1
		}
		return -1
	}
	if c := cmp.Or(cmp.Compare(p.Namespace, o.Namespace), cmp.Compare(p.Kind, o.Kind), cmp.Compare(p.Workload, o.Workload),
		cmp.Compare(p.Name, o.Name)); c != 0 || p.Kind != CIDRPeer {
		return c
	}
	return p.Prefix.Compare(o.Prefix) // of a prefix that is none, it would allocate an error
}
