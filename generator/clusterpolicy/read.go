// SPDX-License-Identifier: Apache-2.0

package clusterpolicy

import (
	"net/netip"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/internal/reading"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// Read says what ClusterNetworkPolicies mean. What their definition would
// refuse, and peers that are nodes by their labels, are errors with the policy
// and the path of the field; all faults come together, and no policy then.
func Read(list []*policyv1alpha2.ClusterNetworkPolicy) ([]verify.Policy, error) {
	var selectors reading.Selectors
	return reading.All("ClusterNetworkPolicy", list, func(p *policyv1alpha2.ClusterNetworkPolicy) (verify.Policy, field.ErrorList) {
		r := reader{selectors: &selectors}
		policy := r.policy(p)
		return policy, r.faults
	})
}

// reader reads one policy.
type reader struct {
	selectors *reading.Selectors
	faults    field.ErrorList
}

func (r *reader) fault(e *field.Error) { r.faults = append(r.faults, e) }

func (r *reader) policy(p *policyv1alpha2.ClusterNetworkPolicy) verify.Policy {
	spec := field.NewPath("spec")
	out := verify.Policy{Name: "ClusterNetworkPolicy " + p.Name, Priority: p.Spec.Priority}
	switch p.Spec.Tier {
	case policyv1alpha2.AdminTier:
		out.Tier = verify.Admin
	case policyv1alpha2.BaselineTier:
		out.Tier = verify.Baseline
	default:
		r.fault(field.NotSupported(spec.Child("tier"), p.Spec.Tier, []policyv1alpha2.Tier{policyv1alpha2.AdminTier, policyv1alpha2.BaselineTier}))
	}
	if p.Spec.Priority < 0 || p.Spec.Priority > maxPriority {
		r.fault(field.Invalid(spec.Child("priority"), p.Spec.Priority, "must be from 0 to 1000"))
	}
	out.Subject = r.pods(spec.Child("subject"), p.Spec.Subject.Namespaces, p.Spec.Subject.Pods)
	r.atMost(spec.Child("ingress"), len(p.Spec.Ingress), maxRules)
	r.atMost(spec.Child("egress"), len(p.Spec.Egress), maxRules)
	for i := range p.Spec.Ingress {
		from := &p.Spec.Ingress[i]
		at := spec.Child("ingress").Index(i)
		rule := r.rule(at, from.Action, from.Protocols)
		r.atLeast(at.Child("from"), len(from.From), maxPeers)
		for j, q := range from.From {
			rule.Peers = append(rule.Peers, verify.Peer{Pods: r.pods(at.Child("from").Index(j), q.Namespaces, q.Pods)})
		}
		out.Ingress = append(out.Ingress, rule)
	}
	for i := range p.Spec.Egress {
		to := &p.Spec.Egress[i]
		at := spec.Child("egress").Index(i)
		rule := r.rule(at, to.Action, to.Protocols)
		r.atLeast(at.Child("to"), len(to.To), maxPeers)
		for j := range to.To {
			rule.Peers = append(rule.Peers, r.peers(at.Child("to").Index(j), &to.To[j], to)...)
		}
		if rule.Action != verify.Accept && everyAddress(rule.Peers) {
			rule.Anyone, rule.Peers = true, nil // also whoever has a name
		}
		out.Egress = append(out.Egress, rule)
	}
	return out
}

// everyAddress reports whether peers hold all addresses of both families. Names
// are kept apart from addresses, but a name without an address is nobody.
func everyAddress(list []verify.Peer) bool {
	bits := map[int]bool{}
	for _, p := range list {
		if b := p.Block.Prefix; b.IsValid() && b.Bits() == 0 {
			bits[b.Addr().BitLen()] = true
		}
	}
	return len(bits) == 2
}

func (r *reader) atMost(at *field.Path, n, most int) {
	if n > most {
		r.fault(field.TooMany(at, n, most))
	}
}

func (r *reader) atLeast(at *field.Path, n, most int) {
	if n == 0 {
		r.fault(field.Required(at, "at least one"))
	}
	r.atMost(at, n, most)
}

// rule reads what is the same in both directions.
func (r *reader) rule(at *field.Path, action policyv1alpha2.ClusterNetworkPolicyRuleAction, protocols []policyv1alpha2.ClusterNetworkPolicyProtocol) verify.Rule {
	out := verify.Rule{Name: at.String()[len("spec."):], EveryPort: protocols == nil}
	switch action {
	case policyv1alpha2.ClusterNetworkPolicyRuleActionAccept:
		out.Action = verify.Accept
	case policyv1alpha2.ClusterNetworkPolicyRuleActionDeny:
		out.Action = verify.Deny
	case policyv1alpha2.ClusterNetworkPolicyRuleActionPass:
		out.Action = verify.Pass
	default:
		r.fault(field.NotSupported(at.Child("action"), action, []string{"Accept", "Deny", "Pass"}))
	}
	if protocols != nil {
		r.atLeast(at.Child("protocols"), len(protocols), maxProtocols)
	}
	for i, p := range protocols {
		out.Ports = append(out.Ports, r.ports(at.Child("protocols").Index(i), &p)...)
	}
	return out
}

// ports reads one protocol. A name is that of a port of any protocol.
func (r *reader) ports(at *field.Path, p *policyv1alpha2.ClusterNetworkPolicyProtocol) []generator.Port {
	var out []generator.Port
	number := func(protocol generator.Protocol, port *policyv1alpha2.Port) {
		if port == nil || (port.Number == 0) == (port.Range == nil) {
			r.fault(field.Required(at, "a number or a range"))
			return
		}
		first, last := port.Number, port.Number
		if port.Range != nil {
			first, last = port.Range.Start, port.Range.End
		}
		if first < 1 || last > generator.MaxPort || last < first || port.Range != nil && first == last {
			r.fault(field.Invalid(at, last, "must be a port from 1 to 65535, and the first of a range before the last"))
			return
		}
		out = append(out, generator.Port{Protocol: protocol, First: uint16(first), Last: uint16(last)}) //nolint:gosec // checked above
	}
	said := 0
	if p.TCP != nil {
		number(generator.TCP, p.TCP.DestinationPort)
		said++
	}
	if p.UDP != nil {
		number(generator.UDP, p.UDP.DestinationPort)
		said++
	}
	if p.SCTP != nil {
		number(generator.SCTP, p.SCTP.DestinationPort)
		said++
	}
	if p.DestinationNamedPort != "" {
		for _, protocol := range generator.Protocols {
			out = append(out, generator.NamedPort(protocol, p.DestinationNamedPort))
		}
		said++
	}
	if said != 1 {
		r.fault(field.Invalid(at, said, "must say one thing"))
	}
	return out
}

// pods reads the two ways to select pods: those of namespaces, and some of them.
func (r *reader) pods(at *field.Path, namespaces *metav1.LabelSelector, pods *policyv1alpha2.NamespacedPod) verify.Pods {
	switch {
	case (namespaces == nil) == (pods == nil):
		r.fault(field.Invalid(at, "", "must say one thing: namespaces or pods"))
		return verify.Pods{Namespaces: labels.Nothing(), Pods: labels.Nothing()}
	case namespaces != nil:
		return verify.Pods{Namespaces: r.selector(namespaces, at.Child("namespaces")), Pods: labels.Everything()}
	}
	return verify.Pods{
		Namespaces: r.selector(&pods.NamespaceSelector, at.Child("pods", "namespaceSelector")),
		Pods:       r.selector(&pods.PodSelector, at.Child("pods", "podSelector")),
	}
}

func (r *reader) selector(s *metav1.LabelSelector, path *field.Path) labels.Selector {
	out, faults := r.selectors.Read(s, path)
	r.faults = append(r.faults, faults...)
	return out
}

// peers reads a peer of egress. A block holds whatever has such an address, pods
// as well.
func (r *reader) peers(at *field.Path, q *policyv1alpha2.ClusterNetworkPolicyEgressPeer, rule *policyv1alpha2.ClusterNetworkPolicyEgressRule) []verify.Peer {
	var out []verify.Peer
	said := len(q.Networks) + len(q.DomainNames)
	switch {
	case q.Nodes != nil:
		r.fault(field.Forbidden(at.Child("nodes"), "nodes by their labels are not read"))
		return nil
	case len(q.Networks) > 0 && len(q.DomainNames) > 0, said > 0 && (q.Namespaces != nil || q.Pods != nil):
		r.fault(field.Invalid(at, "", "must say one thing"))
		return nil
	case said == 0:
		return []verify.Peer{{Pods: r.pods(at, q.Namespaces, q.Pods)}}
	}
	r.atMost(at, said, maxNames)
	for i := range rule.Protocols {
		if rule.Protocols[i].DestinationNamedPort != "" {
			r.fault(field.Forbidden(at, "no address has a port by name"))
		}
	}
	for _, text := range q.Networks {
		p, err := netip.ParsePrefix(string(text))
		if err != nil {
			r.fault(field.Invalid(at.Child("networks"), text, err.Error()))
			continue
		}
		out = append(out, verify.Peer{Block: generator.Block{Prefix: generator.CIDRPeerOf(p).Prefix}, Scope: verify.BlocksMatchPods})
	}
	for _, name := range q.DomainNames {
		if rule.Action != policyv1alpha2.ClusterNetworkPolicyRuleActionAccept {
			r.fault(field.Forbidden(at.Child("domainNames"), "names are accepted, and nothing else"))
		}
		out = append(out, verify.Peer{Domain: string(name)})
	}
	return out
}
