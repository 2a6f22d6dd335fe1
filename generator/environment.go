// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"net/netip"
	"slices"
)

// Environment says what the groups among the peers are in one cluster. What is
// not known is empty, and an edge that needs it is a Problem, not a guess.
type Environment struct {
	Domain string // of the cluster's Services: "cluster.local"

	DNS, APIServer, Nodes, Gateway, Monitoring Group

	// Gateways are workloads that are the gateway of something, beside the group.
	Gateways []Peer

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

	// Others belong to the group and accept on ports of their own, as a cache of name
	// servers on the nodes does. An edge to the group that names no port leads to
	// them as well; Build makes it one to a block.
	Others []Listener

	Where string // what says so: "Service kube-system/kube-dns", "--api-server"
}

// Listener is addresses and the ports on which they accept.
type Listener struct {
	Addresses netip.Prefix
	Ports     []Port
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
	env := Environment{Domain: DefaultDomain, Private: prefixes(private), Metadata: prefixes(metadata)}
	for _, p := range env.Metadata {
		if p.Addr().Is4() {
			env.Metadata = append(env.Metadata, translated(p))
		}
	}
	return env
}

// translated returns the addresses by which NAT64 reaches a block of IPv4: the
// last 32 bits of 64:ff9b::/96 (RFC 6052 §2.2).
func translated(p netip.Prefix) netip.Prefix {
	to := netip.MustParseAddr("64:ff9b::").As16()
	from := p.Addr().As4()
	copy(to[12:], from[:])
	return netip.PrefixFrom(netip.AddrFrom16(to), 96+p.Bits())
}

// private are the blocks that are not on the internet (IANA special-purpose
// registries, RFC 6890 and its updates). The two of NAT64 (RFC 6052 §2.1, RFC
// 8215) are every address of IPv4 in another form, also those of the cluster, of
// private networks and of the metadata services.
var private = []string{
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
	"::1/128", "64:ff9b::/96", "64:ff9b:1::/48", "fc00::/7", "fe80::/10", "ff00::/8",
}

// metadata are the addresses of the clouds' metadata and credential services:
// AWS, Azure, GCP and OpenStack share the first; AWS IPv6, GKE's proxy, EKS Pod
// Identity in both families, Azure's wire server, Alibaba Cloud, Oracle Cloud.
// NewEnvironment adds the forms in which NAT64 reaches those of IPv4.
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

// ResolverOnNode reports whether addresses of a peer are those of a name server on
// the network of every node: of the link, and of the group of name servers.
func (e *Environment) ResolverOnNode(k PeerKind, p netip.Prefix) bool {
	other := k == CIDRPeer && slices.ContainsFunc(e.DNS.Others, func(l Listener) bool { return l.Addresses.Overlaps(p) })
	return (k == DNSPeer || other) && p.Addr().IsLinkLocalUnicast()
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

// Prefixes returns the fewest prefixes that are a block without its exceptions, in
// order; none where nothing is left. Exceptions need not be inside the block.
func (b Block) Prefixes() []netip.Prefix {
	p := CIDRPeerOf(b.Prefix).Prefix
	if !p.IsValid() {
		return nil
	}
	var inside []netip.Prefix
	for _, e := range b.Except {
		switch e = CIDRPeerOf(e).Prefix; {
		case !e.Overlaps(p):
		case e.Bits() <= p.Bits():
			return nil
		default:
			inside = append(inside, e)
		}
	}
	if len(inside) == 0 {
		return []netip.Prefix{p}
	}
	low := netip.PrefixFrom(p.Addr(), p.Bits()+1)
	raw := p.Addr().AsSlice()
	raw[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	middle, _ := netip.AddrFromSlice(raw) // as long as the one it was made of
	high := netip.PrefixFrom(middle, low.Bits())
	return slices.Concat(Block{low, inside}.Prefixes(), Block{high, inside}.Prefixes())
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
	var inside []netip.Prefix
	for _, x := range list {
		switch x = x.Masked(); {
		case x.Bits() <= p.Bits() && x.Overlaps(p):
			return Block{}
		case x.Overlaps(p):
			inside = append(inside, x)
		}
	}
	slices.SortFunc(inside, netip.Prefix.Compare)
	out := Block{Prefix: p}
	for _, x := range inside { // what holds others comes right before them
		if n := len(out.Except); n == 0 || !out.Except[n-1].Overlaps(x) {
			out.Except = append(out.Except, x)
		}
	}
	return out
}
