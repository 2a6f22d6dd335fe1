// SPDX-License-Identifier: Apache-2.0

package enforcer

import (
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/rendering"
)

// adapter adapts one plan.
type adapter struct {
	Profile

	model    *generator.Model
	visible  func(key string) bool // nil for every label
	ground   ground
	lost     map[*generator.Edge]bool // those with a problem
	problems rendering.Problems
}

func newAdapter(p Profile, m *generator.Model) *adapter {
	return &adapter{Profile: p, model: m, visible: p.Selectors().Visible, ground: groundOf(m), lost: map[*generator.Edge]bool{}}
}

// refuse reports edges.
func (a *adapter) refuse(edges []*generator.Edge, err error) {
	for _, e := range edges {
		a.lost[e] = true
	}
	a.problems.Add(edges, err)
}

// refusePeers reports the edges that lead to peers which were refused, and returns
// the rest.
func (a *adapter) refusePeers(d compact.Direction, edges []*generator.Edge, refused *rendering.Refusals) []*generator.Edge {
	rest := a.problems.Refuse(d, edges, refused)
	kept := make(map[*generator.Edge]bool, len(rest))
	for _, e := range rest {
		kept[e] = true
	}
	for _, e := range edges {
		if !kept[e] {
			a.lost[e] = true
		}
	}
	return rest
}

// policy returns what is left of a policy; without rules, nothing.
func (a *adapter) policy(p *compact.Policy) compact.Policy {
	out := *p
	out.Rules = nil
	for i := range p.Rules {
		r := &p.Rules[i]
		var err error
		if a.name == "" {
			err = errNoEnforcer
		} else {
			err = a.seen(&p.Subject)
		}
		if err != nil {
			a.refuse(r.Edges, err)
			continue
		}
		if adapted, some := a.rule(p, r); some {
			out.Rules = append(out.Rules, adapted)
		}
	}
	return out
}

// rule returns what is left of a rule: every peer with every port of it is
// wanted, so that the rest is wanted too.
func (a *adapter) rule(p *compact.Policy, r *compact.Rule) (compact.Rule, bool) {
	var out compact.Rule
	out.Ports, out.Edges = a.ports(r)
	lost := map[generator.PeerKind]bool{}
	var refused rendering.Refusals
	for i := range r.Peers {
		q := &r.Peers[i]
		peers, err := a.peer(p, q)
		if err != nil {
			refused.Add(q, err)
			// An edge to a group is one to all that the group is.
			lost[q.Kind] = q.Kind != generator.CIDRPeer && q.Kind != generator.FQDNPeer
			continue
		}
		out.Peers = append(out.Peers, peers...)
	}
	out.Edges = a.refusePeers(p.Direction, out.Edges, &refused)
	out.Peers = slices.DeleteFunc(out.Peers, func(q compact.Peer) bool { return lost[q.Kind] })
	if len(out.Ports) > 0 && len(out.Peers) > 0 && len(out.Edges) > 0 {
		return out, true
	}
	a.refuse(out.Edges, errNoPeers)
	return compact.Rule{}, false
}

// peer returns what is to be written for a peer.
func (a *adapter) peer(p *compact.Policy, q *compact.Peer) ([]compact.Peer, error) {
	switch {
	case q.IsName():
		return []compact.Peer{*q}, nil // NetworkPolicy has no names, whoever enforces it
	case q.IsBlock():
		return a.block(p, q)
	}
	if err := a.seen(&q.Pods); err != nil {
		return nil, err
	}
	out := *q
	out.Spelled = out.Spelled || a.hosts && q.AllPods() && slices.Contains(q.Namespaces, p.Namespace)
	return []compact.Peer{out}, nil
}

// seen says which label of a selector the enforcer does not see.
func (a *adapter) seen(s *metav1.LabelSelector) error {
	if a.visible == nil {
		return nil
	}
	keys := slices.Sorted(maps.Keys(s.MatchLabels))
	for _, e := range s.MatchExpressions {
		keys = append(keys, e.Key)
	}
	for _, key := range keys {
		if !a.visible(key) {
			return fmt.Errorf("the label %s makes no identity, so that a policy that selects it selects nothing (identity-relevant labels)", key)
		}
	}
	return nil
}

// settle takes the edges that were refused out of the rules of other namespaces.
// An edge to every pod, or to a group, is in the rules of several, and is refused
// as a whole.
func (a *adapter) settle(list []compact.Policy) {
	for again := true; again; {
		again = false
		for i := range list {
			p := &list[i]
			var kept []compact.Rule
			for j := range p.Rules {
				r, ok := a.rest(p.Direction, &p.Rules[j])
				again = again || len(r.Edges) < len(p.Rules[j].Edges)
				if ok {
					kept = append(kept, r)
				}
			}
			p.Rules = kept
		}
	}
}

// rest returns what is left of a rule without the edges that were refused. Where
// the others need what only such an edge may not have, they are refused as well.
func (a *adapter) rest(d compact.Direction, r *compact.Rule) (compact.Rule, bool) {
	var lost []*generator.Edge
	out := compact.Rule{Peers: r.Peers, Ports: r.Ports}
	for _, e := range r.Edges {
		if a.lost[e] && (several(e.From) || several(e.To)) {
			lost = append(lost, e)
		} else {
			out.Edges = append(out.Edges, e)
		}
	}
	if len(lost) == 0 {
		return *r, true
	}
	kept, needed := reachOfEdges(d, out.Edges), needsOf(out.Edges)
	out.Peers = slices.DeleteFunc(slices.Clone(r.Peers), func(q compact.Peer) bool { return !kept.leads(&q) })
	out.Ports = slices.DeleteFunc(slices.Clone(r.Ports), func(p generator.Port) bool { return !needed.have(p) })
	left := reachOfPeers(out.Peers)
	if slices.ContainsFunc(lost, func(e *generator.Edge) bool {
		return left.madeOf(d.Peer(e)) && slices.ContainsFunc(out.Ports, func(p generator.Port) bool { return within(e, p) })
	}) {
		a.refuse(out.Edges, errShared)
		return compact.Rule{}, false
	}
	return out, len(out.Edges) > 0
}

// several reports whether a peer may be pods of several namespaces.
func several(p generator.Peer) bool {
	return p.Kind == generator.ClusterPeer || p.Kind >= generator.DNSPeer
}
