// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"maps"
	"net/netip"
	"slices"
)

// Environment says what the groups among the peers are in one cluster. What is
// not known is empty, and an edge that needs it is a Problem, not a guess.
type Environment struct {
	Domain string // of the cluster's Services: "cluster.local"

	DNS, APIServer, Nodes, Gateway, Monitoring Group

	PodRanges     []netip.Prefix // addresses of pods
	ServiceRanges []netip.Prefix // cluster addresses of Services

	// Private is what external addresses never include, besides the ranges above
	// and the addresses of the nodes and the API server.
	Private []netip.Prefix

	// Metadata are addresses by which a cloud hands out credentials. No edge
	// reaches one unless an intent names it.
	Metadata []netip.Prefix
}

// Group is what a peer like "dns" stands for: pods, addresses or both.
type Group struct {
	Pods      []PodSet
	Addresses []netip.Prefix
	Ports     []Port // on which the group accepts connections; of DNS and the API server
	Where     string // what says so: "Service kube-system/kube-dns", "--api-server"
}

// Empty reports whether nothing is known of a group.
func (g Group) Empty() bool { return len(g.Pods) == 0 && len(g.Addresses) == 0 }

// PodSet is the pods of a namespace that carry every one of some labels; without
// labels, all of them.
type PodSet struct {
	Namespace string
	Labels    map[string]string // read-only
}

// Holds reports whether pods with these labels, in this namespace, are in the set.
func (s PodSet) Holds(namespace string, labels map[string]string) bool {
	if namespace != s.Namespace {
		return false
	}
	for key, value := range s.Labels {
		if have, ok := labels[key]; !ok || have != value {
			return false
		}
	}
	return true
}

// DefaultDomain is the domain of a cluster that was not given another.
const DefaultDomain = "cluster.local"

// NewEnvironment returns what is true of every cluster, and no group.
func NewEnvironment() Environment {
	return Environment{Domain: DefaultDomain, Private: prefixes(private), Metadata: prefixes(metadata)}
}

// private are the blocks that are not on the internet (IANA special-purpose
// registries, RFC 6890 and its updates).
var private = []string{
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
	"::1/128", "fc00::/7", "fe80::/10", "ff00::/8",
}

// metadata are the addresses of the clouds' metadata and credential services:
// AWS, Azure, GCP and OpenStack share the first; AWS IPv6, GKE's proxy, EKS Pod
// Identity in both families, Azure's wire server, Alibaba Cloud, Oracle Cloud.
var metadata = []string{
	"169.254.169.254/32", "fd00:ec2::254/128", "169.254.169.252/32", "169.254.170.23/32", "fd00:ec2::23/128", "168.63.129.16/32",
	"100.100.100.200/32", "192.0.0.192/32",
}

func prefixes(list []string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, text := range list {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

// Group returns what a peer stands for; false for peers that are no group.
func (e *Environment) Group(k PeerKind) (Group, bool) {
	switch k {
	case DNSPeer:
		return e.DNS, true
	case APIServerPeer:
		return e.APIServer, true
	case NodePeer:
		return e.Nodes, true
	case GatewayPeer:
		return e.Gateway, true
	case MonitoringPeer:
		return e.Monitoring, true
	case WorkloadPeer, NamespacePeer, ClusterPeer, ServicePeer, CIDRPeer, FQDNPeer, ExternalPeer:
	}
	return Group{}, false
}

// Block is a block of addresses without some blocks inside it: the ipBlock of a
// NetworkPolicy.
type Block struct {
	Prefix netip.Prefix
	Except []netip.Prefix // inside Prefix, smaller than it, ordered, none inside another
}

// Holds reports whether an address is in the block.
func (b Block) Holds(a netip.Addr) bool {
	return b.Prefix.Contains(a) && !slices.ContainsFunc(b.Except, func(p netip.Prefix) bool { return p.Contains(a) })
}

// External returns the addresses outside the cluster and its private networks,
// one block for IPv4 and one for IPv6. In words: everything but Private, Metadata,
// the pods, the Services, the nodes and the API server.
func (e *Environment) External() [2]Block {
	inside := slices.Concat(e.Private, e.Metadata, e.PodRanges, e.ServiceRanges, e.Nodes.Addresses, e.APIServer.Addresses)
	return [2]Block{
		Without(netip.MustParsePrefix("0.0.0.0/0"), inside),
		Without(netip.MustParsePrefix("::/0"), inside),
	}
}

// Without returns a block without the parts of it that lie in any of the
// prefixes. A prefix that covers the block leaves nothing, which the block says
// by the zero value.
func Without(p netip.Prefix, list []netip.Prefix) Block {
	set := map[netip.Prefix]bool{}
	for _, x := range list {
		switch x = x.Masked(); {
		case x.Bits() <= p.Bits() && x.Overlaps(p):
			return Block{}
		case x.Overlaps(p):
			set[x] = true
		}
	}
	out := Block{Prefix: p}
	for _, x := range slices.SortedFunc(maps.Keys(set), netip.Prefix.Compare) {
		if !slices.ContainsFunc(out.Except, x.Overlaps) { // a wider one comes first
			out.Except = append(out.Except, x)
		}
	}
	return out
}
