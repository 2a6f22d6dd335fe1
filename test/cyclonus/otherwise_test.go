// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// rewriting writes selectors that cyclonus v0.5.6 reads otherwise than Kubernetes
// in a way that both read alike. A selector becomes several of which one must
// match, which for Kubernetes are the same as the one.
type rewriting struct {
	why, source string
	selectors   func(metav1.LabelSelector) []metav1.LabelSelector
}

// otherwise lists every known difference, with its reason.
var otherwise = []rewriting{
	{
		why: "NotIn does not match what lacks the key",
		source: "kubernetes.io/docs/concepts/overview/working-with-objects/labels, set-based requirement: `tier notin (frontend, backend)` selects " +
			"also \"all resources with no labels with the tier key\"; k8s.io/apimachinery/pkg/labels Requirement.Matches; " +
			"against cyclonus pkg/kube/labelselector.go IsMatchExpressionMatchForLabels",
		selectors: func(s metav1.LabelSelector) []metav1.LabelSelector {
			out := []metav1.LabelSelector{s}
			for i, r := range s.MatchExpressions {
				if r.Operator != metav1.LabelSelectorOpNotIn {
					continue
				}
				for _, one := range slices.Clone(out) {
					absent := one.DeepCopy()
					absent.MatchExpressions[i] = metav1.LabelSelectorRequirement{Key: r.Key, Operator: metav1.LabelSelectorOpDoesNotExist}
					out = append(out, *absent)
				}
			}
			return out
		},
	},
	{
		why: "an empty value in matchLabels matches what lacks the key",
		source: "k8s.io/api meta/v1 LabelSelector: a pair of matchLabels is \"an element of matchExpressions, whose key field is 'key', the operator is 'In', " +
			"and the values array contains only 'value'\", and In does not match what lacks the key; against cyclonus pkg/kube/labelselector.go IsLabelsMatchLabelSelector",
		selectors: func(s metav1.LabelSelector) []metav1.LabelSelector {
			out := s.DeepCopy()
			for key, value := range s.MatchLabels {
				if value == "" {
					delete(out.MatchLabels, key)
					out.MatchExpressions = append(out.MatchExpressions, metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpIn, Values: []string{""}})
				}
			}
			return []metav1.LabelSelector{*out}
		},
	},
}

// rewrite applies rewritings: a policy becomes one for each selector of its
// subject, a peer one for each pair of its selectors.
func rewrite(list []*networkingv1.NetworkPolicy, with []rewriting) []*networkingv1.NetworkPolicy {
	for _, r := range with {
		var next []*networkingv1.NetworkPolicy
		for _, p := range list {
			p = p.DeepCopy()
			for i := range p.Spec.Ingress {
				p.Spec.Ingress[i].From = r.peers(p.Spec.Ingress[i].From)
			}
			for i := range p.Spec.Egress {
				p.Spec.Egress[i].To = r.peers(p.Spec.Egress[i].To)
			}
			for _, s := range r.selectors(p.Spec.PodSelector) {
				one := p.DeepCopy()
				one.Spec.PodSelector = s
				next = append(next, one)
			}
		}
		list = next
	}
	return list
}

func (r rewriting) peers(list []networkingv1.NetworkPolicyPeer) []networkingv1.NetworkPolicyPeer {
	var out []networkingv1.NetworkPolicyPeer
	for _, p := range list {
		for _, pods := range r.optional(p.PodSelector) {
			for _, namespaces := range r.optional(p.NamespaceSelector) {
				out = append(out, networkingv1.NetworkPolicyPeer{PodSelector: pods, NamespaceSelector: namespaces, IPBlock: p.IPBlock})
			}
		}
	}
	return out
}

func (r rewriting) optional(s *metav1.LabelSelector) []*metav1.LabelSelector {
	if s == nil {
		return []*metav1.LabelSelector{nil}
	}
	var out []*metav1.LabelSelector
	for _, one := range r.selectors(*s) {
		out = append(out, &one)
	}
	return out
}
