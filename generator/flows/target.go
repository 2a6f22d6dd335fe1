// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// maxDomains is how many domain names one address may stand for. An address with
// more is one of a provider's that every customer shares, and its names say
// nothing.
const maxDomains = 8

// dnsPort is where clients of a name server send to, also where its pods listen
// on another port.
const dnsPort = 53

// apiPorts are where API servers listen: what kubeadm chooses, and what managed
// clusters do.
var apiPorts = []uint16{6443, 443}

// targets returns what a destination is on a port, and the port that an edge to
// it has. There are several only for an address with several domain names.
func (d *directory) targets(f *Flow, to *end) ([]generator.Peer, generator.Port) {
	port := generator.NumberedPort(f.Protocol, f.DestinationPort)
	switch {
	case to.service != nil:
		return d.throughService(to, port)
	case to.kind == anAddress:
		return d.outside(f, to), port
	}
	switch p := to.peer; p.Kind { //nolint:exhaustive // the others are what they are on every port
	case generator.WorkloadPeer:
		if d.dns[p.ID()] && slices.Contains(d.env.DNS.Ports, port) {
			return dnsServers, generator.Port{} // over UDP and TCP, whichever was seen
		}
	case generator.DNSPeer:
		if f.DestinationPort == dnsPort || slices.Contains(d.env.DNS.Ports, port) {
			return dnsServers, generator.Port{}
		}
		if to.pod {
			break
		}
		return d.machine(f), port // of the cache on the node, and something else there
	case generator.APIServerPeer:
		if to.pod {
			break
		}
		// What else runs on the machine of an API server has the same identity and
		// the same address: the kubelet, a node exporter.
		if ports := d.env.APIServer.Ports; f.Protocol != generator.TCP || !slices.Contains(ports, port) && (len(ports) > 0 || !slices.Contains(apiPorts, f.DestinationPort)) {
			return d.machine(f), port
		}
	}
	return []generator.Peer{to.peer}, port
}

// machine returns the nodes, or the address alone of what is none of them.
func (d *directory) machine(f *Flow) []generator.Peer {
	a := f.Destination.Address
	isNode := func(p netip.Prefix) bool { return p.Contains(a) }
	if !a.IsValid() || a.IsLinkLocalUnicast() || f.Destination.Reserved&(Host|RemoteNode) != 0 || slices.ContainsFunc(d.env.Nodes.Addresses, isNode) {
		return []generator.Peer{{Kind: generator.NodePeer}}
	}
	return []generator.Peer{generator.CIDRPeerOf(netip.PrefixFrom(a, a.BitLen()))}
}

var dnsServers = []generator.Peer{{Kind: generator.DNSPeer}}

// throughService: the Services of the name servers and of the API server stand
// for those, whose ports are known better than by what was seen. Build finds out
// what another one leads to.
func (d *directory) throughService(to *end, port generator.Port) ([]generator.Peer, generator.Port) {
	s := to.service
	if s.Namespace == "default" && s.Name == "kubernetes" {
		return []generator.Peer{{Kind: generator.APIServerPeer}}, generator.Port{}
	}
	isDNS := func(set generator.PodSet) bool { return set.Holds(s.Namespace, s.Spec.Selector) }
	if port.First == dnsPort && len(s.Spec.Selector) > 0 && slices.ContainsFunc(d.env.DNS.Pods, isDNS) {
		return dnsServers, generator.Port{}
	}
	return []generator.Peer{to.peer}, port
}

// outside returns the domain names by which a pod knew an address, or the
// address. A name of this cluster stands for a Service with addresses of its own:
// which name a pod was told for an address is for whoever answered it to say, and
// one with pods is not at an address outside.
func (d *directory) outside(f *Flow, to *end) []generator.Peer {
	var out []generator.Peer
	for _, name := range f.Names {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		switch inside := strings.HasSuffix(name, "."+d.env.Domain); {
		case !plain(name):
		case inside:
			if s, ok := d.env.ServiceOf(name, f.Source.Namespace); ok && !d.hasPods(s) {
				out = append(out, s)
			}
		default:
			out = append(out, generator.FQDNPeerOf(name))
		}
	}
	slices.SortFunc(out, generator.Peer.Compare)
	out = slices.Compact(out)
	if len(out) == 0 || len(out) > maxDomains {
		return []generator.Peer{to.peer}
	}
	return out
}

// plain reports whether a name is one that policies can have: letters, digits, "-"
// and "_" between dots (cilium pkg/policy/api/fqdn.go). Pods ask for any others.
func plain(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// hasPods reports whether a Service selects pods.
func (d *directory) hasPods(p generator.Peer) bool {
	s := d.inv.Service(p.Namespace, p.Name)
	return s != nil && len(s.Spec.Selector) > 0
}
