// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"maps"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// oneSided finds rules that name pods and ports which the other side refuses: a
// connection needs both.
func (l *linter) oneSided(p *verify.Policy) {
	subjects := l.selected(p.Subject)
	for i := range p.Egress {
		l.oneSidedRule(p, &p.Egress[i], func(peer *generator.Workload, port generator.Port) map[string][]string {
			return l.refused(subjects, []*generator.Workload{peer}, port, func(v verify.Verdict) (verify.Decision, bool) { return v.Ingress, accepts(v.Egress) })
		})
	}
	for i := range p.Ingress {
		l.oneSidedRule(p, &p.Ingress[i], func(peer *generator.Workload, port generator.Port) map[string][]string {
			return l.refused([]*generator.Workload{peer}, subjects, port, func(v verify.Verdict) (verify.Decision, bool) { return v.Egress, accepts(v.Ingress) })
		})
	}
}

func accepts(d verify.Decision) bool { return d.Action == verify.Accept && d.Rule != "" }

// oneSidedRule asks about every workload that a rule selects by labels; one that
// allows all pods says nothing about each.
func (l *linter) oneSidedRule(p *verify.Policy, r *verify.Rule, ask func(*generator.Workload, generator.Port) map[string][]string) {
	by := map[string][]string{}
	for _, peer := range r.Peers {
		if peer.Pods.Pods == nil || peer.Pods.Pods.Empty() {
			continue
		}
		for _, w := range l.selected(peer.Pods) {
			for _, port := range r.Ports {
				for policy, list := range ask(w, port) {
					by[policy] = append(by[policy], list...)
				}
			}
		}
	}
	for _, policy := range slices.Sorted(maps.Keys(by)) {
		slices.Sort(by[policy])
		l.add(OneSided, p.Name, r.Name, "allows what "+policy+" refuses at the other end: "+some(slices.Compact(by[policy])))
	}
}

// refused returns the connections that one side accepts and the other refuses, by
// the policy that does.
func (l *linter) refused(from, to []*generator.Workload, port generator.Port, other func(verify.Verdict) (verify.Decision, bool)) map[string][]string {
	out := map[string][]string{}
	for _, a := range from {
		for _, b := range to {
			v, err := l.set.Allowed(verify.PodOf(a.ID), verify.PodOf(b.ID), port)
			if err != nil || v.Allowed || a == b {
				continue // it has no such port: nobody connects to it
			}
			if d, accepted := other(v); accepted && d.Action == verify.Deny {
				out[d.Policy] = append(out[d.Policy], a.ID.String()+" -> "+b.ID.String()+" "+port.String())
			}
		}
	}
	return out
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
			v, err := l.set.Allowed(verify.PodOf(id), server, port)
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
