// SPDX-License-Identifier: Apache-2.0

package templates

import (
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// tier looks up the peers of a tier's rules.
func (a *applier) tier(t *tier) {
	done := t.Tier
	because := t.Because[0].What
	done.Because = a.why(because)
	for i := range t.ingress {
		done.Ingress = append(done.Ingress, a.tierRule(&t.ingress[i], because))
	}
	for i := range t.egress {
		done.Egress = append(done.Egress, a.tierRule(&t.egress[i], because))
	}
	a.out.Tiers = append(a.out.Tiers, done)
}

// tierRule looks up the peers of one rule. A peer of which nothing is known is a
// problem: a rule without peers would be about everybody, or about nobody.
func (a *applier) tierRule(t *tierRule, because string) TierRule {
	rule := t.TierRule
	for i := range t.peers {
		p := &t.peers[i]
		found := a.peers(p, because)
		if p.metadata {
			found = metadataPeers(a.in.Environment.Metadata)
		}
		for _, q := range found {
			group, is := a.in.Environment.Group(q.Kind)
			switch {
			case is && group.Empty():
				a.problem(because, "rule %s: what %q is in this cluster is not known", rule.Name, q)
			case groupPorts(q.Kind) && len(t.Ports) == 0 && len(t.peers) == 1:
				rule.Ports = slices.Clone(group.Ports)
				if len(rule.Ports) == 0 {
					a.problem(because, "rule %s: the ports of %q are not known", rule.Name, q)
				}
			}
		}
		rule.Peers = append(rule.Peers, found...)
	}
	slices.SortFunc(rule.Peers, generator.Peer.Compare)
	rule.Peers = slices.Compact(rule.Peers)
	if n := len(rule.Peers); n == 0 || n > MaxPeers {
		a.problem(because, "rule %s: %d peers, and a rule has 1 to %d", rule.Name, n, MaxPeers)
	}
	return rule
}
