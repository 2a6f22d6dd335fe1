// SPDX-License-Identifier: Apache-2.0

package enforcer

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
)

// nodeCache is the address of the cache of name servers on the nodes of GKE
// (docs.cloud.google.com/kubernetes-engine/docs/how-to/nodelocal-dns-cache).
var nodeCache = netip.MustParseAddr("169.254.20.10")

// Notes returns what people must know of the enforcer for this model: what no
// policy can change, in sentences, and only what concerns it.
func (p Profile) Notes(m *generator.Model) []string {
	var out []string
	for _, n := range notes {
		if slices.Contains(n.of, p.name) {
			if text := n.text(m); text != "" {
				out = append(out, text)
			}
		}
	}
	return out
}

// note is a sentence about some enforcers; it is empty for a model that it does
// not concern.
type note struct {
	of   []string
	text func(*generator.Model) string
}

var notes = []note{
	{[]string{"aws-vpc-cni"}, func(m *generator.Model) string {
		var bare []string
		for _, w := range m.Universe.Workloads() {
			if g := m.Guards[w.ID.Namespace]; w.ID.Kind == "Pod" && (g.Ingress || g.Egress) && !w.HostNetwork {
				bare = append(bare, w.ID.String())
			}
		}
		if len(bare) == 0 {
			return ""
		}
		return "AWS VPC CNI enforces no policy for pods without an owner: " + strings.Join(bare, ", ")
	}},
	{[]string{"aws-vpc-cni"}, func(m *generator.Model) string {
		ranges := normal(m.Environment.PodRanges)
		both := slices.ContainsFunc(ranges, func(r netip.Prefix) bool { return r.Addr().Is4() != ranges[0].Addr().Is4() })
		if len(ranges) == 0 || both || !opens(m, func(e *generator.Edge) bool { return e.To.Kind == generator.ExternalPeer }) {
			return ""
		}
		return "AWS VPC CNI knows the family of the pods' addresses alone: rules for the other are ignored, and the pods have no way there"
	}},
	{[]string{"aws-vpc-cni"}, func(m *generator.Model) string {
		var moved []string
		for _, s := range m.Services {
			if s.Moved && len(moved) < shown {
				moved = append(moved, s.Service.Namespace+"/"+s.Service.Name)
			}
		}
		if len(moved) == 0 || !opens(m, func(e *generator.Edge) bool { return e.To.Kind == generator.WorkloadPeer }) {
			return ""
		}
		return "AWS asks for Services whose port is that of their containers, which it is not of " + strings.Join(moved, ", ") + " (and maybe others): test these connections"
	}},
	{[]string{"aws-vpc-cni"}, func(m *generator.Model) string {
		if !guarded(m) {
			return ""
		}
		return "AWS VPC CNI refuses ICMP for guarded pods, which no NetworkPolicy can allow: ping, and the messages by which large packets find their size"
	}},
	{[]string{"cilium", "gke"}, func(m *generator.Model) string {
		if !guarded(m) {
			return ""
		}
		return "ICMP is refused for guarded pods, except for what belongs to a connection, and no NetworkPolicy can allow it: ping fails"
	}},
	{[]string{"calico"}, func(m *generator.Model) string {
		if !accepts(m, fromNodes) {
			return ""
		}
		return "With IP-in-IP or VXLAN nodes connect to the pods of other nodes from the address of their tunnel, in the ranges of pods: it belongs among the addresses of the nodes (--node-cidr; annotations projectcalico.org/IPv4IPIPTunnelAddr and IPv4VXLANTunnelAddr)"
	}},
	{[]string{"ovn-kubernetes"}, func(m *generator.Model) string {
		if !accepts(m, fromNodes) {
			return ""
		}
		return "OVN-Kubernetes can be told a namespace that stands for the nodes (host-network-namespace; openshift-host-network in OpenShift): as a peer it needs no addresses of theirs"
	}},
	{[]string{"gke"}, func(m *generator.Model) string {
		known := slices.ContainsFunc(m.Environment.DNS.Addresses, func(p netip.Prefix) bool { return p.Contains(nodeCache) })
		if known || !opens(m, func(e *generator.Edge) bool { return e.To.Kind == generator.DNSPeer }) {
			return ""
		}
		return fmt.Sprintf("GKE Autopilot, and Standard from 1.34.1-gke.3720000 unless it is turned off, runs a cache of name servers on every node: give its address as well (--dns %s), with Cloud DNS 169.254.169.254", nodeCache)
	}},
	{[]string{"gke"}, func(m *generator.Model) string {
		if !opens(m, func(e *generator.Edge) bool {
			return e.To.Kind == generator.CIDRPeer && slices.ContainsFunc(m.Environment.Metadata, e.To.Prefix.Overlaps)
		}) {
			return ""
		}
		return "Pods with Workload Identity reach GKE's metadata server at 169.254.169.254 port 80 with Dataplane V2, and at 169.254.169.252 port 988 with Calico"
	}},
}

// shown is how many names a sentence has.
const shown = 3

// guarded reports whether policies are made for anybody.
func guarded(m *generator.Model) bool {
	for _, g := range m.Guards {
		if g.Ingress || g.Egress {
			return true
		}
	}
	return false
}

func fromNodes(e *generator.Edge) bool {
	return e.From.Kind == generator.NodePeer || e.From.Kind == generator.APIServerPeer
}

// opens reports whether pods whose egress is guarded open a connection of a kind.
func opens(m *generator.Model, is func(*generator.Edge) bool) bool {
	return slices.ContainsFunc(m.Edges, func(e generator.Edge) bool { return is(&e) && guards(m, e.From, compact.Egress) })
}

// accepts reports whether pods whose ingress is guarded accept one.
func accepts(m *generator.Model, is func(*generator.Edge) bool) bool {
	return slices.ContainsFunc(m.Edges, func(e generator.Edge) bool { return is(&e) && guards(m, e.To, compact.Ingress) })
}

// guards reports whether pods of a peer are guarded.
func guards(m *generator.Model, p generator.Peer, d compact.Direction) bool {
	for namespace, g := range m.Guards {
		if (d == compact.Ingress && g.Ingress || d == compact.Egress && g.Egress) && (p.Namespace == namespace || several(p) && p.HasPods()) {
			return true
		}
	}
	return false
}
