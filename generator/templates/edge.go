// SPDX-License-Identifier: Apache-2.0

package templates

import (
	"net/netip"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/notation"
)

// edge is a connection of a template after its parameters were filled in.
type edge struct {
	from, to  peer
	ports     []generator.Port
	probes    bool // on the ports of the probes of the accepting pods
	because   string
	enforcers []Enforcer // empty for all
}

// peer is one end as a template names it: one of these.
type peer struct {
	workloads  *labels
	elsewhere  bool   // the workloads are in a namespace of their own
	in         string // its name; empty for the namespace of the target
	namespaces []string
	addresses  []netip.Prefix
	metadata   bool // the addresses of metadata services
	domains    []string
	group      generator.PeerKind
	service    *[2]string
}

// Enforcer is what enforces policies in a cluster: the network plugin. The zero
// value is one that does what the API says and no more.
type Enforcer uint8

// The enforcers that templates tell apart.
const (
	Generic Enforcer = iota
	Cilium
	Calico
	AWS
	OVN
	GKE
)

var enforcers = [...]string{Generic: "generic", Cilium: "cilium", Calico: "calico", AWS: "aws-vpc-cni", OVN: "ovn-kubernetes", GKE: "gke"}

// String returns the enforcer as templates name it.
func (e Enforcer) String() string { return enforcers[min(int(e), len(enforcers)-1)] }

// EnforcerOf returns the enforcer of a name, and Generic for one that templates do not
// tell apart.
func EnforcerOf(name string) Enforcer { return Enforcer(max(slices.Index(enforcers[:], name), 0)) } //nolint:gosec // an index of the table above

// groups are the groups that a peer may name.
var groups = []generator.PeerKind{
	generator.DNSPeer, generator.APIServerPeer, generator.NodePeer, generator.GatewayPeer, generator.MonitoringPeer, generator.ExternalPeer, generator.ClusterPeer,
}

// groupPorts are the groups whose ports the environment knows, so that an edge
// towards one need not say any.
func groupPorts(k generator.PeerKind) bool {
	return k == generator.DNSPeer || k == generator.APIServerPeer
}

func (r *reader) edge(n *yaml.Node) edge {
	var e edge
	hasPorts := false
	r.fields(n,
		field{"from", true, func(n *yaml.Node) { e.from = r.peer(n) }},
		field{"to", true, func(n *yaml.Node) { e.to = r.peer(n) }},
		field{"ports", false, func(n *yaml.Node) {
			hasPorts = true
			if e.probes = n.Kind == yaml.ScalarNode && n.Value == "probes"; !e.probes {
				e.ports = r.ports(n)
			}
		}},
		field{"because", true, r.into(&e.because)},
		field{"enforcers", false, func(n *yaml.Node) { e.enforcers = r.enforcers(n) }},
	)
	switch {
	case !hasPorts && !groupPorts(e.to.group) && e.to.service == nil:
		r.fault(n, `field "ports" is missing; every port is written "any"`)
	case e.probes && e.to.workloads == nil:
		r.fault(n, `the ports "probes" are those of workloads, and "to" is something else`)
	case len(e.from.domains) > 0:
		r.fault(n, "a domain name opens no connections")
	case e.from.metadata || e.to.metadata:
		r.fault(n, "no edge leads to a metadata service; only tiers name the group, to deny it")
	case !e.from.pods() && !e.to.pods() && e.from.known() && e.to.known():
		r.fault(n, "neither end is pods of the cluster, so no policy would apply")
	}
	return e
}

// pods reports whether the end is pods; see generator.Peer.HasPods.
func (p *peer) pods() bool {
	return p.workloads != nil || len(p.namespaces) > 0 || p.service != nil || generator.Peer{Kind: p.group}.HasPods()
}

// known reports whether the end was read: a reference without a value leaves it open.
func (p *peer) known() bool {
	return p.pods() || p.group != 0 || len(p.addresses) > 0 || len(p.domains) > 0 || p.metadata
}

func (r *reader) enforcers(n *yaml.Node) []Enforcer {
	var out []Enforcer
	r.list(n, func(n *yaml.Node) {
		i := slices.Index(enforcers[:], r.text(n))
		if i < 0 {
			r.fault(n, "%q is no enforcer: not one of %s", notation.Shortened(n.Value), strings.Join(enforcers[:], ", "))
			return
		}
		out = append(out, Enforcer(i)) //nolint:gosec // an index of the table above
	})
	return out
}

// peer reads one end: exactly one way of naming it.
func (r *reader) peer(n *yaml.Node) peer {
	var p peer
	var ways []string
	way := func(name string, read func(*yaml.Node)) field {
		return field{name, false, func(n *yaml.Node) {
			ways = append(ways, name)
			read(n)
		}}
	}
	r.fields(n,
		way("workloads", func(n *yaml.Node) { l := r.workloads(n); p.workloads = &l }),
		way("namespaces", func(n *yaml.Node) { p.namespaces = r.namespaces(n) }),
		way("addresses", func(n *yaml.Node) { p.addresses = r.addresses(n) }),
		way("domains", func(n *yaml.Node) { p.domains = r.domains(n) }),
		way("group", func(n *yaml.Node) { p.group, p.metadata = r.group(n) }),
		way("service", func(n *yaml.Node) { namespace, name := r.service(n); p.service = &[2]string{namespace, name} }),
		field{"namespace", false, func(n *yaml.Node) {
			p.elsewhere = true
			p.in = r.namespace(n)
		}},
	)
	switch {
	case n.Kind != yaml.MappingNode: // its fault was said
	case len(ways) != 1:
		r.fault(n, "a peer is exactly one of workloads, namespaces, addresses, domains, group, service; here %d are given", len(ways))
	case p.elsewhere && ways[0] != "workloads":
		r.fault(n, `"namespace" says where workloads are; all pods of a namespace are written "namespaces"`)
	}
	return p
}

// group reads the name of a group; metadata is the one that is addresses and no peer.
func (r *reader) group(n *yaml.Node) (kind generator.PeerKind, metadata bool) {
	text := r.text(n)
	if text == "metadata" {
		return 0, true
	}
	all := make([]string, 0, len(groups))
	for _, k := range groups {
		if k.String() == text {
			return k, false
		}
		all = append(all, k.String())
	}
	r.fault(n, "%q is no group: not one of %s", notation.Shortened(text), strings.Join(all, ", "))
	return 0, false
}
