// SPDX-License-Identifier: Apache-2.0

package enforcer

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
)

// bound refuses the rules with which a pod would be allowed more different ports
// with one address than the enforcer knows, and writes ranges one by one as long
// as there is room, where Services are found by the first port of a range. Its
// policies are of one side. Rules that may be about the same pods and the same
// addresses are counted together: too many may be refused, and never too few.
func (a *adapter) bound(list []compact.Policy, side []int) {
	var taken []claim
	all := map[generator.Port]bool{}
	for _, i := range side {
		for j := range list[i].Rules {
			for _, p := range a.written(&list[i].Rules[j], list[i].Direction) {
				all[p] = true
			}
		}
	}
	for _, i := range side {
		p := &list[i]
		var kept []compact.Rule
		for j := range p.Rules {
			r := p.Rules[j]
			if wide := a.written(&r, p.Direction); len(all) <= a.combinations {
				r.Ports = wide
				kept = append(kept, r)
				continue
			}
			c := a.claimOf(p, &r)
			n := 0
			for _, ports := range [][]generator.Port{a.written(&r, p.Direction), r.Ports} {
				if c.ports, n = ports, 0; n == 0 {
					n = c.most(taken)
				}
				if n <= a.combinations {
					break
				}
			}
			if n > a.combinations {
				a.refuse(r.Edges, fmt.Errorf("with this there are %d different ports for one address, and the enforcer knows %d, all policies for a pod together: allow a range of ports", n, a.combinations))
				continue
			}
			r.Ports = c.ports
			taken = append(taken, c)
			kept = append(kept, r)
		}
		p.Rules = kept
	}
}

// written returns the ports of a rule as they are written where Services are
// found by single ports: to pods, one by one. A range that is more than a pod may
// have stays one.
func (a *adapter) written(r *compact.Rule, d compact.Direction) []generator.Port {
	if a.ranges != rangesByFirst || d != compact.Egress || !slices.ContainsFunc(r.Peers, func(q compact.Peer) bool { return q.IsPods() }) {
		return r.Ports
	}
	var out []generator.Port
	for _, p := range r.Ports {
		if int(p.Last)-int(p.First) >= a.combinations {
			out = append(out, p)
		} else {
			out = append(out, singles(p)...)
		}
	}
	return out
}

// claim is a rule with whom it is about.
type claim struct {
	subject pods
	peers   []target
	ports   []generator.Port
}

// target is a peer: a block, or pods.
type target struct {
	block generator.Block
	pods  pods
}

// pods are what a selector selects in some namespaces: the known workloads, and
// whether others may be among them.
type pods struct {
	everywhere bool
	namespaces []string
	known      map[*generator.Workload]bool
	open       bool
}

func (a *adapter) claimOf(p *compact.Policy, r *compact.Rule) claim {
	c := claim{subject: a.pods(false, []string{p.Namespace}, &p.Subject)}
	for i := range r.Peers {
		if q := &r.Peers[i]; q.IsBlock() {
			c.peers = append(c.peers, target{block: q.Block})
		} else if q.IsPods() {
			c.peers = append(c.peers, target{pods: a.pods(len(q.Namespaces) == 0, q.Namespaces, &q.Pods)})
		}
	}
	return c
}

func (a *adapter) pods(everywhere bool, namespaces []string, s *metav1.LabelSelector) pods {
	out := pods{everywhere: everywhere, namespaces: namespaces, known: map[*generator.Workload]bool{}}
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil || len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
		out.open = true
		return out
	}
	for _, namespace := range namespaces {
		for _, w := range a.model.Universe.Within(namespace) {
			if !w.HostNetwork && selector.Matches(labels.Set(w.Labels)) {
				out.known[w] = true
			}
		}
	}
	out.open = len(out.known) == 0
	return out
}

// most is how many different ports there are at most for an address of a claim,
// with those of others.
func (c *claim) most(others []claim) int {
	most := 0
	for i := range c.peers {
		ports := map[generator.Port]bool{}
		for _, p := range c.ports {
			ports[p] = true
		}
		for j := range others {
			o := &others[j]
			if !meet(&c.subject, &o.subject) || !slices.ContainsFunc(o.peers, func(t target) bool { return overlap(&c.peers[i], &t) }) {
				continue
			}
			for _, p := range o.ports {
				ports[p] = true
			}
		}
		most = max(most, len(ports))
	}
	return most
}

func overlap(a, b *target) bool {
	if a.block.Prefix.IsValid() || b.block.Prefix.IsValid() {
		return a.block.Prefix.IsValid() && b.block.Prefix.IsValid() && a.block.Prefix.Overlaps(b.block.Prefix)
	}
	return meet(&a.pods, &b.pods)
}

// meet reports whether a pod may be in both.
func meet(a, b *pods) bool {
	if !a.everywhere && !b.everywhere && !slices.ContainsFunc(a.namespaces, func(n string) bool { return slices.Contains(b.namespaces, n) }) {
		return false
	}
	if a.open || b.open {
		return true
	}
	for w := range a.known {
		if b.known[w] {
			return true
		}
	}
	return false
}
