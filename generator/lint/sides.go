// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"maps"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// sides finds rules that name pods and ports which are refused all the same: by the
// other side, since a connection needs both, or on their own side by a rule that denies
// and counts before them.
func (l *linter) sides(p *verify.Policy) {
	subjects := l.selected(p.Subject)
	for _, d := range directions {
		for i := range *d.rules(p) {
			l.sidesOf(p, &(*d.rules(p))[i], subjects, d)
		}
	}
}

// sidesOf asks about every workload that a rule selects by labels; one that allows all
// pods says nothing about each.
func (l *linter) sidesOf(p *verify.Policy, r *verify.Rule, subjects []*generator.Workload, d direction) {
	if r.Action != verify.Accept {
		return
	}
	far, near := map[string][]string{}, map[string][]string{}
	for _, peer := range r.Peers {
		if peer.Pods.Pods == nil || peer.Pods.Pods.Empty() {
			continue
		}
		for _, w := range l.selected(peer.Pods) {
			for _, port := range r.Ports {
				for _, own := range subjects {
					if !l.asker.Spend(askSteps) {
						return
					}
					l.ask(own, w, port, d, far, near)
				}
			}
		}
	}
	tell := func(k Kind, by map[string][]string, before, after string) {
		for _, policy := range slices.Sorted(maps.Keys(by)) {
			slices.Sort(by[policy])
			l.add(k, p.Name, r.Name, before+policy+after+some(slices.Compact(by[policy])))
		}
	}
	if p.Tier == verify.Normal {
		tell(OneSided, far, "allows what ", " refuses at the other end: ")
	}
	tell(Contradictory, near, "allows what ", " denies before it: ")
}

// ask notes a connection that is refused, by the policy that does: at the far end where
// a rule of the near one accepts it, or at the near one by a rule.
func (l *linter) ask(own, peer *generator.Workload, port generator.Port, d direction, far, near map[string][]string) {
	from, to := own, peer
	if d.accepts {
		from, to = peer, own
	}
	v, err := l.asker.Allowed(verify.PodOf(from.ID), verify.PodOf(to.ID), port)
	if err != nil || v.Allowed || from == to {
		return // it has no such port: nobody connects to it
	}
	mine, other := v.Egress, v.Ingress
	if d.accepts {
		mine, other = other, mine
	}
	text := from.ID.String() + " -> " + to.ID.String() + " " + port.String()
	switch {
	case mine.Action == verify.Deny && mine.Rule != "":
		near[mine.Policy] = append(near[mine.Policy], text)
	case mine.Action == verify.Accept && mine.Rule != "" && other.Action == verify.Deny:
		far[other.Policy] = append(far[other.Policy], text)
	}
}

// names finds pods that policies cut off from every name server.
func (l *linter) names(list []verify.Policy) {
	servers := verify.Samples(l.model, generator.Peer{Kind: generator.DNSPeer})
	group, _ := l.model.Environment.Group(generator.DNSPeer)
	ports := slices.DeleteFunc(slices.Clone(group.Ports), func(p generator.Port) bool { return p.Protocol != generator.UDP })
	isolated := map[generator.WorkloadID]bool{}
	for i := range list {
		if list[i].Isolates.Egress {
			for _, w := range l.selected(list[i].Subject) {
				isolated[w.ID] = true
			}
		}
	}
	by := map[string][]string{}
	for _, id := range slices.SortedFunc(maps.Keys(isolated), generator.WorkloadID.Compare) {
		if policy, blocked := l.cutOff(id, servers, ports); blocked {
			by[policy] = append(by[policy], id.String())
		}
	}
	for _, policy := range slices.Sorted(maps.Keys(by)) {
		l.add(DNSBlocked, policy, "", "keeps from asking the name servers: "+some(by[policy]))
	}
}

// cutOff reports whether a workload reaches no name server on any port, and who
// refuses it.
func (l *linter) cutOff(id generator.WorkloadID, servers []verify.End, ports []generator.Port) (policy string, blocked bool) {
	for _, server := range servers {
		for _, port := range ports {
			v, err := l.asker.Allowed(verify.PodOf(id), server, port)
			if err != nil {
				continue
			}
			if v.Allowed {
				return "", false
			}
			if policy = v.Ingress.Policy; v.Egress.Action == verify.Deny {
				policy = v.Egress.Policy
			}
		}
	}
	return policy, policy != ""
}
