// SPDX-License-Identifier: Apache-2.0

package clusterpolicy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/rendering"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/templates"
)

var tierNames = map[templates.TierName]policyv1alpha2.Tier{templates.AdminTier: policyv1alpha2.AdminTier, templates.BaselineTier: policyv1alpha2.BaselineTier}

var actions = map[templates.Action]policyv1alpha2.ClusterNetworkPolicyRuleAction{
	templates.Accept: policyv1alpha2.ClusterNetworkPolicyRuleActionAccept,
	templates.Deny:   policyv1alpha2.ClusterNetworkPolicyRuleActionDeny,
	templates.Pass:   policyv1alpha2.ClusterNetworkPolicyRuleActionPass,
}

// Tiers writes the tiers of templates down, one policy each, in their order. A rule
// of a tier that cannot be said whole is an error, since the other rules count on
// it. Only the channel of the options is looked at: a tier has its own priority.
func Tiers(m *generator.Model, list []templates.Tier, o RenderOptions) ([]*policyv1alpha2.ClusterNetworkPolicy, error) {
	r := renderer{model: m, options: o}
	out := make([]*policyv1alpha2.ClusterNetworkPolicy, 0, len(list))
	var errs []error
	for i := range list {
		p, err := r.tier(&list[i])
		if err != nil {
			errs = append(errs, fmt.Errorf("tier %s: %w", list[i].Name, err))
			continue
		}
		out = append(out, p)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return out, nil
}

func (r *renderer) tier(t *templates.Tier) (*policyv1alpha2.ClusterNetworkPolicy, error) {
	because := make([]string, len(t.Because))
	for i, e := range t.Because {
		because[i] = e.String()
	}
	out := &policyv1alpha2.ClusterNetworkPolicy{
		TypeMeta: metav1.TypeMeta{APIVersion: policyv1alpha2.GroupVersion.String(), Kind: "ClusterNetworkPolicy"},
		ObjectMeta: metav1.ObjectMeta{
			Name:        t.Name,
			Labels:      map[string]string{netpol.ManagedByLabel: netpol.ManagedBy},
			Annotations: map[string]string{netpol.BecauseAnnotation: strings.Join(because, "; ")},
		},
		Spec: policyv1alpha2.ClusterNetworkPolicySpec{
			Tier: tierNames[t.Tier], Priority: int32(t.Priority), //nolint:gosec // 0 to templates.MaxPriority
			Subject: policyv1alpha2.ClusterNetworkPolicySubject{Namespaces: &metav1.LabelSelector{MatchLabels: t.Subject}},
		},
		Status: policyv1alpha2.ClusterNetworkPolicyStatus{Conditions: []metav1.Condition{}},
	}
	for i := range t.Egress {
		rule := &t.Egress[i]
		peers, protocols, err := r.tierRule(rule, compact.Egress)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", rule.Name, err)
		}
		out.Spec.Egress = append(out.Spec.Egress, policyv1alpha2.ClusterNetworkPolicyEgressRule{Name: rule.Name, Action: actions[rule.Action], To: peers, Protocols: protocols})
	}
	for i := range t.Ingress {
		rule := &t.Ingress[i]
		peers, protocols, err := r.tierRule(rule, compact.Ingress)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", rule.Name, err)
		}
		from := policyv1alpha2.ClusterNetworkPolicyIngressRule{Name: rule.Name, Action: actions[rule.Action], Protocols: protocols}
		for _, q := range peers {
			from.From = append(from.From, policyv1alpha2.ClusterNetworkPolicyIngressPeer{Namespaces: q.Namespaces, Pods: q.Pods})
		}
		out.Spec.Ingress = append(out.Spec.Ingress, from)
	}
	return out, nil
}

// tierRule returns the peers and the ports of a rule, of which there is at least one
// peer; no ports are all.
func (r *renderer) tierRule(rule *templates.TierRule, d compact.Direction) ([]policyv1alpha2.ClusterNetworkPolicyEgressPeer, []policyv1alpha2.ClusterNetworkPolicyProtocol, error) {
	named, err := compact.Named(r.model, rule.Peers, compact.Options{})
	if err != nil {
		return nil, nil, err
	}
	if err := r.protocols(rule, d); err != nil {
		return nil, nil, err
	}
	of := compact.Policy{Direction: d}
	var peers []policyv1alpha2.ClusterNetworkPolicyEgressPeer
	for i := range named {
		some, err := r.peersOf(&of, &named[i])
		if err != nil {
			return nil, nil, err
		}
		peers = append(peers, some...)
		if !named[i].IsPods() && len(rendering.Numbered(rule.Ports)) < len(rule.Ports) {
			return nil, nil, errors.New("no address has a named port")
		}
	}
	if n := len(peers); n == 0 || n > maxPeers {
		return nil, nil, fmt.Errorf("%d peers, and a rule has 1 to %d", n, maxPeers)
	}
	return peers, protocolsOf(rule.Ports), nil
}

// protocols says which name of a port would be that of other ports as well: a name is of
// every protocol, and the pods that accept may have it in another. Those are the peers,
// or pods of namespaces that nobody knows yet.
func (r *renderer) protocols(rule *templates.TierRule, d compact.Direction) error {
	accepting := rule.Peers
	if d == compact.Ingress {
		accepting = []generator.Peer{{Kind: generator.ClusterPeer}}
	}
	for _, p := range rule.Ports {
		if !slices.ContainsFunc(generator.Protocols[:], func(protocol generator.Protocol) bool {
			return p.Name != "" && !slices.Contains(rule.Ports, generator.NamedPort(protocol, p.Name))
		}) {
			continue
		}
		for _, to := range accepting {
			if err := r.ambiguous(p, []*generator.Edge{{To: to, Port: p}}); err != nil {
				return err
			}
		}
	}
	return nil
}
