// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"cmp"
	"maps"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// maxPairs is how many pairs of workloads a rule may be about before it counts as
// wide on purpose: what it has in common with others is then not told.
const maxPairs = 1000

// claim is a rule that allows two workloads some ports.
type claim struct {
	policy, rule string
	ports        generator.PortSet
}

// shared is what two policies have in common, by the rules of both.
type shared struct{ policy, rule, other, otherRule string }

// overlapping finds policies that allow some connections between named workloads
// both, and each some that the other does not: whoever takes such a connection out
// of one of them changes nothing. Rules that are wide (of all pods, of every port)
// are left out, and what was said to be superfluous.
func (l *linter) overlapping(list []verify.Policy) {
	said := map[[2]string]bool{}
	for _, f := range l.found {
		if f.Kind == Redundant || f.Kind == Shadowed {
			said[[2]string{f.Policy, f.Rule}] = true
		}
	}
	for _, d := range directions {
		claims := map[[2]*generator.Workload][]claim{}
		for i := range list {
			p := &list[i]
			if p.Tier != verify.Normal {
				continue
			}
			for _, r := range *d.rules(p) {
				if !said[[2]string{p.Name, ""}] && !said[[2]string{p.Name, r.Name}] {
					l.claim(claims, p, &r, d)
				}
			}
		}
		l.compare(claims)
	}
}

// claim notes which workloads a rule is about.
func (l *linter) claim(claims map[[2]*generator.Workload][]claim, p *verify.Policy, r *verify.Rule, d direction) {
	if r.Action != verify.Accept || r.Anyone || r.EveryPort {
		return
	}
	subjects := l.selected(p.Subject)
	seen := map[*generator.Workload]bool{}
	var peers []*generator.Workload
	for _, q := range r.Peers {
		if q.Pods.Pods == nil || q.Pods.Pods.Empty() {
			continue
		}
		for _, w := range l.selected(q.Pods) {
			if !seen[w] {
				seen[w] = true
				peers = append(peers, w)
			}
		}
	}
	if len(subjects)*len(peers) > maxPairs {
		return
	}
	numbered := generator.Ports(r.Ports...)
	named := slices.DeleteFunc(slices.Clone(r.Ports), func(p generator.Port) bool { return p.Name == "" })
	for _, subject := range subjects {
		for _, peer := range peers {
			pair := [2]*generator.Workload{subject, peer}
			if d.accepts {
				pair = [2]*generator.Workload{peer, subject}
			}
			if !l.asker.Spend(pairSteps * len(r.Ports)) {
				return
			}
			ports := numbered
			for _, port := range named {
				ports = ports.Union(pair[1].Resolve(port))
			}
			if pair[0] != pair[1] && !ports.Empty() {
				claims[pair] = append(claims[pair], claim{p.Name, r.Name, ports})
			}
		}
	}
}

// compare tells what policies have in common where each has something of its own.
func (l *linter) compare(claims map[[2]*generator.Workload][]claim) {
	common := map[shared][]string{}
	own := map[shared]int{} // bit 1: the first has something of its own, bit 2: the other
	for pair, list := range claims {
		for i := range list {
			for j := range list {
				a, b := &list[i], &list[j]
				if !l.asker.Spend(1) {
					return
				}
				if a.policy >= b.policy {
					continue
				}
				l.asker.Spend(pairSteps * (a.ports.Ranges() + b.ports.Ranges()))
				both := a.ports.Intersect(b.ports)
				if both.Empty() {
					continue
				}
				key := shared{a.policy, a.rule, b.policy, b.rule}
				common[key] = append(common[key], pair[0].ID.String()+" -> "+pair[1].ID.String()+" "+both.String())
				if !a.ports.Minus(b.ports).Empty() {
					own[key] |= 1
				}
				if !b.ports.Minus(a.ports).Empty() {
					own[key] |= 2
				}
			}
		}
	}
	size := map[[2]string]int{} // how many pairs a rule is about
	for _, list := range claims {
		for _, c := range list {
			size[[2]string{c.policy, c.rule}]++
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(common), func(a, b shared) int {
		return cmp.Or(cmp.Compare(a.policy, b.policy), cmp.Compare(a.rule, b.rule), cmp.Compare(a.other, b.other), cmp.Compare(a.otherRule, b.otherRule))
	}) {
		n := len(common[key])
		mine := own[key]&1 > 0 || size[[2]string{key.policy, key.rule}] > n
		others := own[key]&2 > 0 || size[[2]string{key.other, key.otherRule}] > n
		if mine && others {
			slices.Sort(common[key])
			l.add(Overlapping, key.policy, key.rule, "allows what "+key.other+", "+key.otherRule+" allows as well: "+some(common[key]))
		}
	}
}
