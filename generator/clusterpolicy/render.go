// SPDX-License-Identifier: Apache-2.0

package clusterpolicy

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/rendering"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
)

// The limits of one object (kubebuilder markers of v1alpha2).
const (
	maxRules     = 25 // of a direction
	maxPeers     = 25 // of a rule
	maxProtocols = 25 // of a rule
	maxNames     = 25 // blocks or domain names of a peer
	maxPriority  = 1000
)

// Levels is how many priorities in a row a plan takes, from RenderOptions.Priority:
// pods that are accepted, then all other pods denied, then addresses accepted,
// then all others denied. Blocks hold pods as well, which are settled by then.
const Levels = 4

// MaxFirst is the highest that the first priority of a plan may be.
const MaxFirst = maxPriority - Levels + 1

const (
	acceptPods = iota
	denyPods
	acceptAddresses
	denyAddresses
)

// Channel says which fields the cluster's definition has.
type Channel uint8

// The channels of network-policy-api. Domain names are experimental.
const (
	Standard Channel = iota
	Experimental
)

// RenderOptions say how policies are written down.
type RenderOptions struct {
	Tier     policyv1alpha2.Tier // Baseline when empty, which policies of a namespace override
	Priority int32               // the first of Levels, from 0
	Channel  Channel
}

// Render writes policies of a plan of the model down as ClusterNetworkPolicies.
// They belong together: a policy alone denies nothing. A problem is an edge that
// ClusterNetworkPolicy cannot express, or a denial that it can express in part,
// with what to do; no rule becomes wider.
func Render(m *generator.Model, policies []compact.Policy, o RenderOptions) ([]*policyv1alpha2.ClusterNetworkPolicy, []generator.Problem) {
	if o.Tier == "" {
		o.Tier = policyv1alpha2.BaselineTier
	}
	r := renderer{model: m, options: o}
	var out []*policyv1alpha2.ClusterNetworkPolicy
	for i := range policies {
		p := &policies[i]
		switch {
		case o.Priority < 0 || o.Priority > MaxFirst:
			for j := range p.Rules {
				r.problems.Add(p.Rules[j].Edges, errPriority)
			}
		case len(p.Rules) == 0:
			out = append(out, r.denial(p)...)
		default:
			pods, addresses := r.rules(p)
			out = append(out, r.objects(p, "", acceptPods, pods)...)
			out = append(out, r.objects(p, ".addresses", acceptAddresses, addresses)...)
		}
	}
	return out, r.problems.List()
}

type renderer struct {
	model    *generator.Model
	options  RenderOptions
	problems rendering.Problems
}

// rule is a rule of either direction: a peer of pods is the same in both, and
// others are of egress only.
type rule struct {
	action    policyv1alpha2.ClusterNetworkPolicyRuleAction
	peers     []policyv1alpha2.ClusterNetworkPolicyEgressPeer
	protocols []policyv1alpha2.ClusterNetworkPolicyProtocol
	edges     []*generator.Edge
}

// Reasons why something cannot be said.
var (
	errPriority = fmt.Errorf("a plan takes %d priorities in a row, the last at most %d", Levels, maxPriority)
	errOutside  = errors.New("connections from outside the pods are neither accepted nor denied by ClusterNetworkPolicy: allow this one in a NetworkPolicy of the namespace")
	errDenial   = errors.New("connections from outside the pods are not denied by ClusterNetworkPolicy: keep a NetworkPolicy that denies ingress in the namespace")
	errDomain   = errors.New("domain names are in the experimental channel of ClusterNetworkPolicy only: choose it where the cluster has it, allow every address outside on this port (--domains external), or give the addresses as a block")
	errWildcard = errors.New(`a wildcard stands for the labels at the beginning of a name, "*.example.com"`)
	errNoPeers  = errors.New("no peer is left of the rule")
)

// denial returns what denies everything that was not accepted. Of ingress it is
// what comes from pods, and a problem says so.
func (r *renderer) denial(p *compact.Policy) []*policyv1alpha2.ClusterNetworkPolicy {
	const deny = policyv1alpha2.ClusterNetworkPolicyRuleActionDeny
	pods := rule{action: deny, peers: []policyv1alpha2.ClusterNetworkPolicyEgressPeer{{Namespaces: &metav1.LabelSelector{}}}}
	out := r.objects(p, "", denyPods, []rule{pods})
	if p.Direction == compact.Ingress {
		to := generator.NamespacePeerOf(p.Namespace)
		if p.Namespace == "" {
			to = generator.Peer{Kind: generator.ClusterPeer}
		}
		r.problems.Add([]*generator.Edge{{To: to}}, errDenial)
		return out
	}
	all := rule{action: deny, peers: []policyv1alpha2.ClusterNetworkPolicyEgressPeer{{Networks: []policyv1alpha2.CIDR{"0.0.0.0/0", "::/0"}}}}
	return append(out, r.objects(p, ".addresses", denyAddresses, []rule{all})...)
}

// rules returns the rules of a policy that can be said: those about pods, and
// those about addresses and names.
func (r *renderer) rules(p *compact.Policy) (pods, addresses []rule) {
	for i := range p.Rules {
		from := &p.Rules[i]
		list, edges := r.ports(from.Ports, from.Edges)
		if len(list) == 0 {
			r.problems.Add(edges, rendering.ErrNoPorts)
			continue
		}
		var chosen, others []policyv1alpha2.ClusterNetworkPolicyEgressPeer
		var refused rendering.Refusals
		for j := range from.Peers {
			q := &from.Peers[j]
			peers, err := r.peersOf(p, q)
			switch {
			case err != nil:
				refused.Add(q, err)
			case q.IsPods():
				chosen = append(chosen, peers...)
			default:
				others = append(others, peers...)
			}
		}
		edges = r.problems.Refuse(p.Direction, edges, &refused)
		if len(chosen)+len(others) == 0 {
			r.problems.Add(edges, errNoPeers)
			continue
		}
		pods = append(pods, cut(chosen, protocolsOf(list), edges)...)
		numbers := rendering.Numbered(list)
		addresses = append(addresses, cut(others, protocolsOf(numbers), edges)...)
	}
	return pods, addresses
}

// cut makes as many rules of peers and protocols as the limits ask for: each
// peer with each protocol once.
func cut(peers []policyv1alpha2.ClusterNetworkPolicyEgressPeer, protocols []policyv1alpha2.ClusterNetworkPolicyProtocol, edges []*generator.Edge) []rule {
	var out []rule
	for some := range slices.Chunk(peers, maxPeers) {
		for part := range slices.Chunk(protocols, maxProtocols) {
			out = append(out, rule{policyv1alpha2.ClusterNetworkPolicyRuleActionAccept, some, part, edges})
		}
	}
	return out
}

// objects returns the policies that hold some rules of one, at a level; none
// without rules.
func (r *renderer) objects(p *compact.Policy, suffix string, level int32, rules []rule) []*policyv1alpha2.ClusterNetworkPolicy {
	var out []*policyv1alpha2.ClusterNetworkPolicy
	for part := range slices.Chunk(rules, maxRules) {
		name := p.Name + suffix
		if p.Namespace != "" {
			name = p.Namespace + "." + name // a namespace has no dot
		}
		if n := len(out); n > 0 {
			name = fmt.Sprintf("%s-%d", name, n+1)
		}
		var edges []*generator.Edge
		for _, rule := range part {
			edges = append(edges, rule.edges...)
		}
		o := &policyv1alpha2.ClusterNetworkPolicy{
			TypeMeta: metav1.TypeMeta{APIVersion: policyv1alpha2.GroupVersion.String(), Kind: "ClusterNetworkPolicy"},
			ObjectMeta: metav1.ObjectMeta{
				Name:        compact.Name(name),
				Labels:      map[string]string{netpol.ManagedByLabel: netpol.ManagedBy},
				Annotations: map[string]string{netpol.BecauseAnnotation: rendering.Because(p, edges)},
			},
			Spec:   policyv1alpha2.ClusterNetworkPolicySpec{Tier: r.options.Tier, Priority: r.options.Priority + level, Subject: subjectOf(p)},
			Status: policyv1alpha2.ClusterNetworkPolicyStatus{Conditions: []metav1.Condition{}}, // a list, and not null
		}
		for _, rule := range part {
			if p.Direction == compact.Egress {
				o.Spec.Egress = append(o.Spec.Egress, policyv1alpha2.ClusterNetworkPolicyEgressRule{Action: rule.action, To: rule.peers, Protocols: rule.protocols})
				continue
			}
			from := policyv1alpha2.ClusterNetworkPolicyIngressRule{Action: rule.action, Protocols: rule.protocols}
			for _, q := range rule.peers {
				from.From = append(from.From, policyv1alpha2.ClusterNetworkPolicyIngressPeer{Namespaces: q.Namespaces, Pods: q.Pods})
			}
			o.Spec.Ingress = append(o.Spec.Ingress, from)
		}
		out = append(out, o)
	}
	return out
}

// subjectOf selects the pods of a policy; without a namespace, those of all.
func subjectOf(p *compact.Policy) policyv1alpha2.ClusterNetworkPolicySubject {
	var list []string
	if p.Namespace != "" {
		list = []string{p.Namespace}
	}
	namespaces, pods := selected(list, &p.Subject)
	return policyv1alpha2.ClusterNetworkPolicySubject{Namespaces: namespaces, Pods: pods}
}

// selected selects pods in namespaces, all when there are none: by the
// namespaces alone where all of their pods are meant.
func selected(namespaces []string, pods *metav1.LabelSelector) (*metav1.LabelSelector, *policyv1alpha2.NamespacedPod) {
	var of metav1.LabelSelector
	switch len(namespaces) {
	case 0:
	case 1:
		of.MatchLabels = map[string]string{corev1.LabelMetadataName: namespaces[0]}
	default:
		of.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpIn, Values: slices.Clone(namespaces)}}
	}
	if len(pods.MatchLabels)+len(pods.MatchExpressions) == 0 {
		return &of, nil
	}
	return nil, &policyv1alpha2.NamespacedPod{NamespaceSelector: of, PodSelector: *pods.DeepCopy()}
}
