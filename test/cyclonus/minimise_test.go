// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"slices"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	smaller "github.com/gatehouse-sh/gatehouse/internal/minimise"
)

// minimise removes one thing after another as long as the answers differ, until
// nothing can be removed.
func minimise(list []*networkingv1.NetworkPolicy, differ func([]*networkingv1.NetworkPolicy) bool) []*networkingv1.NetworkPolicy {
	return smaller.Smallest(list, without, differ)
}

// knife walks over everything removable and removes one thing.
type knife struct{ *smaller.Knife }

// without returns a copy over which it leads the knife. A list of peers or ports whose last element goes would mean
// everything, and stays.
func without(list []*networkingv1.NetworkPolicy, by *smaller.Knife) []*networkingv1.NetworkPolicy {
	k := knife{by}
	out := make([]*networkingv1.NetworkPolicy, len(list))
	for i, p := range list {
		out[i] = p.DeepCopy()
	}
	out = smaller.Remove(k.Knife, out, func(p **networkingv1.NetworkPolicy) {
		spec := &(*p).Spec
		k.selector(&spec.PodSelector)
		spec.Ingress = smaller.Remove(k.Knife, spec.Ingress, func(r *networkingv1.NetworkPolicyIngressRule) { r.From, r.Ports = k.rule(r.From, r.Ports) })
		spec.Egress = smaller.Remove(k.Knife, spec.Egress, func(r *networkingv1.NetworkPolicyEgressRule) { r.To, r.Ports = k.rule(r.To, r.Ports) })
	})
	return out
}

func (k knife) rule(peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) ([]networkingv1.NetworkPolicyPeer, []networkingv1.NetworkPolicyPort) {
	if len(peers) > 1 {
		peers = smaller.Remove(k.Knife, peers, nil)
	}
	for i := range peers {
		if s := peers[i].PodSelector; s != nil {
			k.selector(s)
		}
		if s := peers[i].NamespaceSelector; s != nil {
			k.selector(s)
		}
		if b := peers[i].IPBlock; b != nil {
			b.Except = smaller.Remove(k.Knife, b.Except, nil)
		}
	}
	if len(ports) > 1 {
		ports = smaller.Remove(k.Knife, ports, nil)
	}
	return peers, ports
}

func (k knife) selector(s *metav1.LabelSelector) {
	s.MatchExpressions = smaller.Remove(k.Knife, s.MatchExpressions, nil)
	for _, key := range keys {
		if _, has := s.MatchLabels[key]; has && k.Cuts() {
			delete(s.MatchLabels, key)
		}
	}
}

// TestMinimiseKeepsWhatMatters shows that a difference is cut to what it is about.
func TestMinimiseKeepsWhatMatters(t *testing.T) {
	t.Parallel()
	var list []*networkingv1.NetworkPolicy
	for number := range uint64(8) {
		list = append(list, newDice(defaultSeed, number).policies()...)
	}
	about := func(p *networkingv1.NetworkPolicy) bool {
		return slices.ContainsFunc(p.Spec.Egress, func(r networkingv1.NetworkPolicyEgressRule) bool {
			return slices.ContainsFunc(r.To, func(p networkingv1.NetworkPolicyPeer) bool { return p.IPBlock != nil })
		})
	}
	got := minimise(list, func(list []*networkingv1.NetworkPolicy) bool { return slices.ContainsFunc(list, about) })
	if len(got) != 1 || len(got[0].Spec.Egress) != 1 || len(got[0].Spec.Egress[0].To) != 1 || len(got[0].Spec.Ingress) != 0 || len(got[0].Spec.PodSelector.MatchLabels) != 0 {
		t.Errorf("%d policies are left, the first %+v", len(got), got[0].Spec)
	}
}
