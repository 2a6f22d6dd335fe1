// SPDX-License-Identifier: Apache-2.0

package netpol

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	netutils "k8s.io/utils/net"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/internal/reading"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// Read says what NetworkPolicies mean, as the API server defaults and validates
// them (k8s.io/kubernetes/pkg/apis/networking): what is absent is spelled out.
// What it would refuse is an error with the policy and the path of the field;
// all faults come together, and no policy then.
func Read(list []*networkingv1.NetworkPolicy) ([]verify.Policy, error) {
	var selectors reading.Selectors
	return reading.All("NetworkPolicy", list, func(p *networkingv1.NetworkPolicy) (verify.Policy, field.ErrorList) {
		r := reader{selectors: &selectors}
		policy := r.policy(p)
		return policy, r.faults
	})
}

// reader reads one policy.
type reader struct {
	selectors *reading.Selectors
	own       labels.Selector // the policy's namespace
	faults    field.ErrorList
}

func (r *reader) fault(e *field.Error) { r.faults = append(r.faults, e) }

func (r *reader) policy(p *networkingv1.NetworkPolicy) verify.Policy {
	spec := field.NewPath("spec")
	if p.Namespace == "" {
		r.fault(field.Required(field.NewPath("metadata", "namespace"), "a NetworkPolicy is about the pods of one namespace"))
	}
	r.own = labels.SelectorFromSet(labels.Set{corev1.LabelMetadataName: p.Namespace})
	out := verify.Policy{
		Name: "NetworkPolicy " + p.Namespace + "/" + p.Name, Tier: verify.Normal,
		Subject:  verify.Pods{Namespaces: r.own, Pods: r.selector(&p.Spec.PodSelector, spec.Child("podSelector"))},
		Isolates: r.directions(&p.Spec, spec.Child("policyTypes")),
	}
	for i := range p.Spec.Ingress {
		rule := &p.Spec.Ingress[i]
		out.Ingress = append(out.Ingress, r.rule(spec.Child("ingress").Index(i), "from", rule.From, rule.Ports))
	}
	for i := range p.Spec.Egress {
		rule := &p.Spec.Egress[i]
		out.Egress = append(out.Egress, r.rule(spec.Child("egress").Index(i), "to", rule.To, rule.Ports))
	}
	// Rules of a direction that the policy is not about count for nothing, also
	// where another policy isolates.
	if !out.Isolates.Ingress {
		out.Ingress = nil
	}
	if !out.Isolates.Egress {
		out.Egress = nil
	}
	return out
}

// directions: without policyTypes a policy isolates ingress, and egress if it has
// a rule for it; an empty list of rules is none (SetDefaults_NetworkPolicy).
func (r *reader) directions(spec *networkingv1.NetworkPolicySpec, path *field.Path) generator.Guard {
	if len(spec.PolicyTypes) == 0 {
		return generator.Guard{Ingress: true, Egress: len(spec.Egress) > 0}
	}
	if len(spec.PolicyTypes) > 2 {
		r.fault(field.TooMany(path, len(spec.PolicyTypes), 2))
	}
	var out generator.Guard
	for i, t := range spec.PolicyTypes {
		switch t {
		case networkingv1.PolicyTypeIngress:
			out.Ingress = true
		case networkingv1.PolicyTypeEgress:
			out.Egress = true
		default:
			r.fault(field.NotSupported(path.Index(i), t, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}))
		}
	}
	return out
}

// rule: no peers are everyone, and no ports are every port.
func (r *reader) rule(path *field.Path, where string, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) verify.Rule {
	out := verify.Rule{Name: path.String()[len("spec."):], Action: verify.Accept, Anyone: len(peers) == 0, EveryPort: len(ports) == 0}
	for i := range peers {
		out.Peers = append(out.Peers, r.peer(&peers[i], path.Child(where).Index(i)))
	}
	for i := range ports {
		out.Ports = append(out.Ports, r.port(&ports[i], path.Child("ports").Index(i)))
	}
	return out
}

// peer: both selectors together are the pods of those namespaces, one alone means
// all pods of the namespaces, or the pods of the policy's own.
func (r *reader) peer(p *networkingv1.NetworkPolicyPeer, path *field.Path) verify.Peer {
	switch {
	case p.IPBlock == nil && p.PodSelector == nil && p.NamespaceSelector == nil:
		r.fault(field.Required(path, "a peer says who it is"))
		return verify.Peer{}
	case p.IPBlock != nil && (p.PodSelector != nil || p.NamespaceSelector != nil):
		r.fault(field.Forbidden(path, "ipBlock stands alone"))
		return verify.Peer{}
	case p.IPBlock != nil:
		return verify.Peer{Block: r.block(p.IPBlock, path.Child("ipBlock"))}
	}
	pods := verify.Pods{Namespaces: r.own, Pods: labels.Everything()}
	if p.NamespaceSelector != nil {
		pods.Namespaces = r.selector(p.NamespaceSelector, path.Child("namespaceSelector"))
	}
	if p.PodSelector != nil {
		pods.Pods = r.selector(p.PodSelector, path.Child("podSelector"))
	}
	return verify.Peer{Pods: pods}
}

func (r *reader) selector(s *metav1.LabelSelector, path *field.Path) labels.Selector {
	out, faults := r.selectors.Read(s, path)
	r.faults = append(r.faults, faults...)
	return out
}

func (r *reader) block(b *networkingv1.IPBlock, path *field.Path) generator.Block {
	prefix, ok := r.prefix(b.CIDR, path.Child("cidr"))
	var except []netip.Prefix
	for i, text := range b.Except {
		at := path.Child("except").Index(i)
		p, valid := r.prefix(text, at)
		switch {
		case !valid || !ok:
		case p.Bits() <= prefix.Bits() || !prefix.Contains(p.Addr()):
			r.fault(field.Invalid(at, text, "must be a strict subset of `cidr`"))
		default:
			except = append(except, p)
		}
	}
	if len(r.faults) > 0 {
		return generator.Block{}
	}
	return generator.Without(prefix, except)
}

// prefix reads what the API server takes: with host bits, which do not count, and
// with leading zeros (IsValidCIDRForLegacyField).
func (r *reader) prefix(text string, path *field.Path) (netip.Prefix, bool) {
	_, network, err := netutils.ParseCIDRSloppy(text)
	if err != nil {
		r.fault(field.Invalid(path, text, "must be a block of addresses, e.g. 10.9.8.0/24 or 2001:db8::/64"))
		return netip.Prefix{}, false
	}
	address, _ := netip.AddrFromSlice(network.IP) // of a network that was read
	ones, _ := network.Mask.Size()
	return generator.CIDRPeerOf(netip.PrefixFrom(address, ones)).Prefix, true
}

// port: without a protocol TCP, without a number or a name every port of it.
func (r *reader) port(p *networkingv1.NetworkPolicyPort, path *field.Path) generator.Port {
	protocol := generator.TCP
	if p.Protocol != nil {
		var err error
		if protocol, err = generator.ParseProtocol(string(*p.Protocol)); err != nil || protocol.String() != string(*p.Protocol) {
			r.fault(field.NotSupported(path.Child("protocol"), *p.Protocol, []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP}))
			return generator.Port{}
		}
	}
	switch {
	case p.Port == nil && p.EndPort != nil:
		r.fault(field.Forbidden(path.Child("endPort"), "needs a port"))
	case p.Port == nil:
		return generator.EveryPort(protocol)
	case p.Port.Type == intstr.String:
		for _, message := range validation.IsValidPortName(p.Port.StrVal) {
			r.fault(field.Invalid(path.Child("port"), p.Port.StrVal, message))
		}
		if p.EndPort != nil {
			r.fault(field.Forbidden(path.Child("endPort"), "a range begins with a number"))
		}
		return generator.NamedPort(protocol, p.Port.StrVal)
	default:
		last, at := p.Port.IntVal, path.Child("port")
		if p.EndPort != nil {
			last, at = *p.EndPort, path.Child("endPort")
		}
		if p.Port.IntVal < 1 || last > generator.MaxPort || last < p.Port.IntVal {
			r.fault(field.Invalid(at, last, "must be a port from 1 to 65535, and the last of a range not before the first"))
			return generator.Port{}
		}
		return generator.Port{Protocol: protocol, First: uint16(p.Port.IntVal), Last: uint16(last)} //nolint:gosec // checked above
	}
	return generator.Port{}
}
