// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// oracle answers for one pair of ends and one port, by reading the policies from
// the beginning, as their documentation says it. It knows no class and no set.
type oracle struct {
	policies []Policy
	model    *generator.Model
	options  Options
}

// host is an end with everything that policies look at.
type host struct {
	end             End
	pod             bool
	namespace       string
	nsLabels, label labels.Set
	workload        *generator.Workload
	address         netip.Addr
}

// hosts returns ends of every kind, for these policies and others.
func (o oracle) hosts(others []Policy) []host {
	var out []host
	byAddress := slices.ContainsFunc(slices.Concat(o.policies, others), o.asksForAddresses)
	anywhere := netip.MustParseAddr("10.0.2.99") // in the range of pods, in no narrow block
	for _, w := range o.model.Universe.Workloads() {
		if w.HostNetwork {
			continue
		}
		h := host{end: PodOf(w.ID), pod: true, namespace: w.ID.Namespace, nsLabels: o.model.Universe.NamespaceLabels(w.ID.Namespace), label: w.Labels, workload: w}
		if !byAddress {
			out = append(out, h)
			continue
		}
		addresses := w.Addresses
		if len(addresses) == 0 {
			addresses = []netip.Addr{anywhere}
		}
		for _, a := range addresses {
			h.address, h.end.Address = a, a
			out = append(out, h)
		}
	}
	other := func(keys []string) labels.Set {
		set := labels.Set{}
		for _, key := range keys {
			set[key] = "zzz"
		}
		return set
	}
	stranger := func(name string, own labels.Set, elsewhere Labelled) {
		for _, kind := range []StrangerKind{Plain, Marked} {
			h := host{end: End{Stranger: Stranger{Kind: kind, Namespace: name, Elsewhere: elsewhere}}, pod: true, namespace: name, nsLabels: own}
			if kind == Marked {
				h.label = other(testKeys)
			}
			if byAddress {
				h.address, h.end.Address = anywhere, anywhere
			}
			out = append(out, h)
		}
	}
	for _, name := range o.model.Universe.Namespaces() {
		stranger(name, o.model.Universe.NamespaceLabels(name), false)
	}
	stranger("", labels.Set{corev1.LabelMetadataName: "zzz"}, false)
	everything := other(testKeys)
	everything[corev1.LabelMetadataName] = "zzz"
	stranger("", everything, true)
	for _, text := range testAddresses {
		a := netip.MustParseAddr(text)
		out = append(out, host{end: AddressOf(a), address: a})
	}
	for _, name := range testDomains {
		out = append(out, host{end: DomainOf(name)})
	}
	return out
}

func (o oracle) asksForAddresses(p Policy) bool {
	return slices.ContainsFunc(slices.Concat(p.Ingress, p.Egress), func(r Rule) bool {
		return slices.ContainsFunc(r.Peers, func(p Peer) bool { return p.Block.Prefix.IsValid() && o.matchesPods(p) })
	})
}

func (o oracle) matchesPods(p Peer) bool {
	return o.options.Blocks == BlocksMatchPods || p.Scope == BlocksMatchPods
}

func (h *host) in(p Pods) bool {
	return h.pod && p.Namespaces.Matches(h.nsLabels) && p.Pods.Matches(h.label)
}

func (o oracle) isPeer(r *Rule, h *host) bool {
	if r.Anyone {
		return true
	}
	return slices.ContainsFunc(r.Peers, func(p Peer) bool {
		switch {
		case p.Pods.Pods != nil:
			return h.in(p.Pods)
		case p.Domain != "":
			name := h.end.Domain
			return name == p.Domain || name != "" && strings.HasPrefix(p.Domain, "*.") && strings.HasSuffix(name, p.Domain[1:])
		}
		return h.address.IsValid() && (!h.pod || o.matchesPods(p)) && p.Block.Holds(h.address)
	})
}

func onPort(r *Rule, accepting *host, p generator.Port) bool {
	if r.EveryPort {
		return true
	}
	return slices.ContainsFunc(r.Ports, func(q generator.Port) bool { return accepting.hasPort(q, p) })
}

// hasPort reports whether q, at this end, includes the number p.
func (h *host) hasPort(q, p generator.Port) bool {
	if q.Name == "" {
		return q.Protocol == p.Protocol && q.First <= p.First && p.First <= q.Last
	}
	if h.workload == nil {
		return false
	}
	for _, c := range h.workload.Ports {
		if c.Name == q.Name && c.Protocol == q.Protocol {
			return c.Protocol == p.Protocol && c.Number == p.First
		}
	}
	return false
}

// side decides at one end.
func (o oracle) side(egress bool, own, peer *host, p generator.Port) bool {
	accepting := own
	if egress {
		accepting = peer
	}
	policies := slices.Clone(o.policies)
	slices.SortFunc(policies, func(a, b Policy) int { return cmp.Compare(a.Priority, b.Priority) })
	isolated, accepted, denied := false, false, false
	tier := func(t Tier) Action {
		for i := range policies {
			q := &policies[i]
			if q.Tier != t || !own.in(q.Subject) {
				continue
			}
			rules, isolates := q.Ingress, q.Isolates.Ingress
			if egress {
				rules, isolates = q.Egress, q.Isolates.Egress
			}
			isolated = isolated || isolates
			for j := range rules {
				if r := &rules[j]; o.isPeer(r, peer) && onPort(r, accepting, p) {
					if t != Normal {
						return r.Action
					}
					accepted, denied = accepted || r.Action == Accept, denied || r.Action == Deny
				}
			}
		}
		return Pass
	}
	if a := tier(Admin); a != Pass {
		return a == Accept
	}
	tier(Normal)
	switch {
	case denied:
		return false
	case accepted:
		return true
	case isolated:
		return false
	}
	return tier(Baseline) != Deny
}

func (o oracle) allowed(from, to *host, p generator.Port) bool {
	return o.side(true, from, to, p) && o.side(false, to, from, p)
}

// is reports whether an end belongs to a peer of the model.
func (o oracle) is(p generator.Peer, h *host) bool {
	within := func(list []netip.Prefix) bool {
		return !h.pod && h.address.IsValid() && slices.ContainsFunc(list, func(x netip.Prefix) bool { return x.Contains(h.address) })
	}
	env := &o.model.Environment
	switch p.Kind {
	case generator.WorkloadPeer:
		return h.workload != nil && h.workload.ID == p.ID()
	case generator.NamespacePeer:
		return h.pod && h.namespace == p.Namespace
	case generator.ClusterPeer:
		return h.pod
	case generator.DNSPeer:
		return h.pod && env.DNS.Pods[0].Holds(h.namespace, h.label)
	case generator.NodePeer:
		return within(env.Nodes.Addresses)
	case generator.CIDRPeer:
		return within([]netip.Prefix{p.Prefix})
	case generator.FQDNPeer:
		name := h.end.Domain
		return name != "" && (name == p.Name || strings.HasPrefix(p.Name, "*.") && strings.HasSuffix(name, p.Name[1:]))
	case generator.ExternalPeer:
		e := env.External()
		return !h.pod && h.address.IsValid() && (e[0].Holds(h.address) || e[1].Holds(h.address))
	case generator.ServicePeer, generator.APIServerPeer, generator.GatewayPeer, generator.MonitoringPeer: // in no random model
	}
	return false
}

func (o oracle) wanted(from, to *host, p generator.Port) bool {
	return slices.ContainsFunc(o.model.Edges, func(e generator.Edge) bool {
		return o.is(e.From, from) && o.is(e.To, to) && to.hasPort(e.Port, p)
	})
}
