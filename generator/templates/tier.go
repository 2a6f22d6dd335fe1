// SPDX-License-Identifier: Apache-2.0

package templates

import (
	"net/netip"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/notation"
)

// TierName says where a cluster-wide policy stands: before the policies of
// namespaces, or after them, for the pods that none of them selects. The zero
// value is none.
type TierName uint8

// The tiers of ClusterNetworkPolicy (policy.networking.k8s.io/v1alpha2).
const (
	AdminTier TierName = 1 + iota
	BaselineTier
)

var tierNames = [...]string{AdminTier: "Admin", BaselineTier: "Baseline"}

// String returns the tier as ClusterNetworkPolicy names it.
func (t TierName) String() string { return tierNames[min(t, BaselineTier)] }

// Action is what a rule does with the connections that it is about. The zero
// value is none.
type Action uint8

// The actions of ClusterNetworkPolicy.
const (
	Accept Action = 1 + iota // and ask no further policy
	Deny                     // and ask no further policy
	Pass                     // to the policies of the namespace
)

var actions = [...]string{Accept: "Accept", Deny: "Deny", Pass: "Pass"}

// String returns the action as ClusterNetworkPolicy names it.
func (a Action) String() string { return actions[min(a, Pass)] }

// Tier is one cluster-wide policy of a template. Rules are read in their order,
// the first that is about a connection decides, and what none is about goes on
// to the next tier: nothing is denied that no rule denies.
type Tier struct {
	Name     string
	Tier     TierName
	Priority int // 0 to MaxPriority, lower ones first; equal ones have no order

	// Subject is the namespaces whose pods the policy is about, by labels of the
	// namespaces. Empty means every namespace, and the template said so.
	Subject map[string]string

	Ingress, Egress []TierRule
	Because         []generator.Evidence
}

// TierRule is one rule. It has at least one peer. No ports are every port of
// every protocol.
type TierRule struct {
	Name   string
	Action Action
	Peers  []generator.Peer
	Ports  []generator.Port
}

// Bounds of ClusterNetworkPolicy, of one object (v1alpha2).
const (
	MaxPriority = 1000
	MaxRules    = 25
	MaxPeers    = 25
	MaxPorts    = 25
	MaxRuleName = 100
)

// tier is a Tier before its peers were looked up.
type tier struct {
	Tier
	ingress, egress []tierRule
}

type tierRule struct {
	TierRule
	peers []peer
}

func (r *reader) tier(n *yaml.Node) tier {
	var t tier
	why := generator.Evidence{Source: generator.Template, Confidence: generator.Certain}
	r.fields(n,
		field{"name", true, r.into(&t.Name)},
		field{"tier", true, func(n *yaml.Node) {
			if i := slices.Index(tierNames[:], r.text(n)); i > 0 {
				t.Tier.Tier = TierName(i) //nolint:gosec // an index of the table above
				return
			}
			r.fault(n, "%q is neither Admin nor Baseline", notation.Shortened(n.Value))
		}},
		field{"priority", true, func(n *yaml.Node) {
			number, err := strconv.Atoi(r.text(n))
			if err != nil || number < 0 || number > MaxPriority {
				r.fault(n, "%q is no priority from 0 to %d", notation.Shortened(n.Value), MaxPriority)
			}
			t.Priority = number
		}},
		field{"subject", true, func(n *yaml.Node) {
			r.fields(n, field{"namespaces", true, func(n *yaml.Node) {
				t.Subject = r.workloads(n).pairs
			}})
		}},
		field{"ingress", false, func(n *yaml.Node) { t.ingress = r.tierRules(n) }},
		field{"egress", false, func(n *yaml.Node) { t.egress = r.tierRules(n) }},
		field{"because", true, r.into(&why.What)},
	)
	t.Because = []generator.Evidence{why}
	if len(t.ingress)+len(t.egress) == 0 {
		r.fault(n, "the tier has no rules")
	}
	for _, rule := range t.ingress {
		for i := range rule.peers {
			if p := &rule.peers[i]; p.known() && !p.pods() {
				r.fault(n, "rule %q: in ingress a peer is pods; ClusterNetworkPolicy knows no addresses there", rule.Name)
			}
		}
	}
	return t
}

func (r *reader) tierRules(n *yaml.Node) []tierRule {
	var out []tierRule
	r.list(n, func(n *yaml.Node) { out = append(out, r.tierRule(n)) })
	if len(out) > MaxRules {
		r.fault(n, "%d rules, and %d are the most", len(out), MaxRules)
	}
	return out
}

func (r *reader) tierRule(n *yaml.Node) tierRule {
	var t tierRule
	r.fields(n,
		field{"name", true, r.into(&t.Name)},
		field{"action", true, func(n *yaml.Node) {
			if i := slices.Index(actions[:], r.text(n)); i > 0 {
				t.Action = Action(i) //nolint:gosec // an index of the table above
				return
			}
			r.fault(n, "%q is not Accept, Deny or Pass", notation.Shortened(n.Value))
		}},
		field{"peers", true, func(n *yaml.Node) {
			r.list(n, func(n *yaml.Node) { t.peers = append(t.peers, r.peer(n)) })
		}},
		field{"ports", false, func(n *yaml.Node) { t.Ports = r.ports(n) }},
	)
	if len(t.Name) > MaxRuleName || len(t.peers) > MaxPeers || len(t.Ports) > MaxPorts {
		r.fault(n, "a rule has a name of at most %d letters, %d peers and %d ports", MaxRuleName, MaxPeers, MaxPorts)
	}
	for i := range t.peers {
		switch p := &t.peers[i]; {
		case p.workloads != nil && !p.elsewhere || p.service != nil:
			r.fault(n, `rule %q: a tier belongs to no namespace, so "workloads" need a "namespace", and Services cannot be peers`, t.Name)
		case len(p.domains) > 0 && t.Action != Accept:
			r.fault(n, "rule %q: a domain name can only be accepted", t.Name)
		case !p.pods() && slices.ContainsFunc(t.Ports, func(q generator.Port) bool { return q.Name != "" }):
			r.fault(n, "rule %q: addresses have no named ports", t.Name)
		}
	}
	return t
}

// metadataPeers are the addresses of metadata services.
func metadataPeers(list []netip.Prefix) []generator.Peer {
	out := make([]generator.Peer, len(list))
	for i, p := range list {
		out[i] = generator.CIDRPeerOf(p)
	}
	return out
}
