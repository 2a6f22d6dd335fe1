// SPDX-License-Identifier: Apache-2.0

package netpol

import (
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/rendering"
)

// What marks our policies: the label by which they are found again, and the
// annotation that says why they are as they are.
const (
	ManagedByLabel    = "app.kubernetes.io/managed-by"
	ManagedBy         = "gatehouse"
	BecauseAnnotation = "gatehouse.sh/because"
)

// RenderOptions say how policies are written down.
type RenderOptions struct {
	// MaxBytes bounds the specification of one policy as JSON; a greater one
	// becomes several. DefaultMaxBytes when 0. One peer with all ports of its rule
	// is never cut.
	MaxBytes int
}

// DefaultMaxBytes leaves a third of etcd's limit of 1.5 MiB for one object to
// its metadata and managed fields.
const DefaultMaxBytes = 1 << 20

// Render writes policies of a plan down as NetworkPolicies, in their order. A
// problem is an edge that NetworkPolicy cannot express, with what to do: it is
// left out, and no rule becomes wider. Default denials of a plan are policies
// like the others, so that whoever applies them can render them apart.
//
// Nothing is shared with the plan. The policies share labels, selectors and ports
// with each other, which are half of a large plan's memory: read only.
func Render(policies []compact.Policy, o RenderOptions) ([]*networkingv1.NetworkPolicy, []generator.Problem) {
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	r := renderer{
		labels:    map[string]string{ManagedByLabel: ManagedBy},
		selectors: map[pair]*metav1.LabelSelector{}, ports: map[generator.Port][]networkingv1.NetworkPolicyPort{},
	}
	out := make([]*networkingv1.NetworkPolicy, 0, len(policies))
	for i := range policies {
		p := &policies[i]
		rules := r.rules(p)
		if len(rules) == 0 && len(p.Rules) > 0 {
			continue // nothing of it can be said; the denial is a policy of its own
		}
		for n, part := range rendering.Split(rules, o.MaxBytes, rule.size, rule.halves) {
			out = append(out, r.object(p, n, part))
		}
	}
	return out, r.problems.List()
}

// rule is a rule of either direction, which differ in the name of a field.
type rule struct {
	peers []networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
	edges []*generator.Edge
}

// object returns one policy; n counts the parts of one that was cut.
func (r *renderer) object(p *compact.Policy, n int, rules []rule) *networkingv1.NetworkPolicy {
	var edges []*generator.Edge
	for _, one := range rules {
		edges = append(edges, one.edges...)
	}
	out := &networkingv1.NetworkPolicy{
		TypeMeta: metav1.TypeMeta{APIVersion: networkingv1.SchemeGroupVersion.String(), Kind: "NetworkPolicy"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.Namespace, Name: rendering.Name(p, n),
			Labels:      r.labels,
			Annotations: map[string]string{BecauseAnnotation: rendering.Because(p, edges)},
		},
		Spec: networkingv1.NetworkPolicySpec{PodSelector: *r.selector(p.Subject)},
	}
	if p.Direction == compact.Egress {
		out.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}
		for _, one := range rules {
			out.Spec.Egress = append(out.Spec.Egress, networkingv1.NetworkPolicyEgressRule{To: one.peers, Ports: one.ports})
		}
		return out
	}
	out.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
	for _, one := range rules {
		out.Spec.Ingress = append(out.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{From: one.peers, Ports: one.ports})
	}
	return out
}

// renderer shares what is the same in many policies: nobody may change it.
type renderer struct {
	problems  rendering.Problems
	labels    map[string]string
	selectors map[pair]*metav1.LabelSelector                      // of one label each
	ports     map[generator.Port][]networkingv1.NetworkPolicyPort // of one port each
}

type pair struct{ key, value string }

// selector returns a copy of a selector: one for all that ask for the same label.
func (r *renderer) selector(s metav1.LabelSelector) *metav1.LabelSelector {
	if len(s.MatchLabels) != 1 || len(s.MatchExpressions) > 0 {
		return s.DeepCopy()
	}
	var p pair
	for p.key, p.value = range s.MatchLabels { // the only one
	}
	if r.selectors[p] == nil {
		r.selectors[p] = s.DeepCopy()
	}
	return r.selectors[p]
}

// rules returns the rules of a policy that can be said. None has an empty list:
// to NetworkPolicy that would mean everybody, and every port. No address has a
// name for a port: what pods open to blocks is by numbers alone.
func (r *renderer) rules(p *compact.Policy) []rule {
	var out []rule
	for i := range p.Rules {
		from := &p.Rules[i]
		edges := from.Edges
		var all, some, blocks []networkingv1.NetworkPolicyPeer // some are those that may have a name for a port
		ports, numbers := r.portsOf(from.Ports), r.portsOf(rendering.Numbered(from.Ports))
		var refused rendering.Refusals
		for j := range from.Peers {
			q := &from.Peers[j]
			peer, err := r.peerOf(p.Namespace, q)
			addresses := q.IsBlock() && p.Direction == compact.Egress
			if err == nil && q.Kind == generator.CIDRPeer && addresses && len(numbers) == 0 && len(ports) > 0 {
				err = errNoName
			}
			if err != nil {
				refused.Add(q, err)
				continue
			}
			all = append(all, peer)
			if addresses {
				blocks = append(blocks, peer)
			} else {
				some = append(some, peer)
			}
		}
		edges = r.problems.Refuse(p.Direction, edges, &refused)
		switch {
		case len(all) == 0:
			r.problems.Add(edges, rendering.ErrNoPeers)
		case len(ports) == 0:
			r.problems.Add(edges, rendering.ErrNoPorts)
		case len(some) == 0 && len(numbers) == 0:
			r.problems.Add(edges, errNoName)
		case len(some) == 0:
			out = append(out, rule{peers: all, ports: numbers, edges: edges})
		case len(ports) == len(numbers) || len(blocks) == 0:
			out = append(out, rule{peers: all, ports: ports, edges: edges})
		case len(numbers) == 0:
			out = append(out, rule{peers: some, ports: ports, edges: edges})
		default:
			out = append(out, rule{peers: some, ports: ports, edges: edges}, rule{peers: blocks, ports: numbers, edges: edges})
		}
	}
	return out
}

// Reasons why something cannot be said.
var (
	errName   = errors.New("NetworkPolicy knows no domain names: allow every address outside on this port (--domains external; spec.domains where the controller keeps the plan), give the addresses as a block, or generate CiliumNetworkPolicies")
	errNoName = errors.New("no address has a name for a port: give the number")
)

// peerOf writes a peer down, seen from a namespace.
func (r *renderer) peerOf(namespace string, q *compact.Peer) (networkingv1.NetworkPolicyPeer, error) {
	switch {
	case q.IsName():
		return networkingv1.NetworkPolicyPeer{}, errName
	case q.IsBlock():
		return blockOf(q.Block)
	case q.Kind == generator.ClusterPeer:
		return networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{}}, nil
	case len(q.Namespaces) == 0:
		return networkingv1.NetworkPolicyPeer{}, rendering.ErrNobody
	}
	pods := r.selector(q.Pods)
	if !q.Spelled && slices.Equal(q.Namespaces, []string{namespace}) {
		return networkingv1.NetworkPolicyPeer{PodSelector: pods}, nil
	}
	out := networkingv1.NetworkPolicyPeer{NamespaceSelector: r.named(q.Namespaces)}
	if !q.AllPods() {
		out.PodSelector = pods
	}
	return out, nil
}

// named selects namespaces by the label that the API server gives each and that
// nobody can change; other labels of namespaces can be had by whoever may edit
// one.
func (r *renderer) named(list []string) *metav1.LabelSelector {
	if len(list) == 1 {
		return r.selector(metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: list[0]}})
	}
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpIn, Values: slices.Clone(list)}}}
}

func blockOf(b generator.Block) (networkingv1.NetworkPolicyPeer, error) {
	cidr, except, err := rendering.Block(b)
	if err != nil {
		return networkingv1.NetworkPolicyPeer{}, err
	}
	return networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: cidr, Except: except}}, nil
}
