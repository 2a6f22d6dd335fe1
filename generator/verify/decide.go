// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// Decision says what one side of a connection makes of it, and why. It is
// comparable.
type Decision struct {
	Action Action // Accept or Deny

	// Policy and Rule decided. Without a Rule, the policy isolates the pod and no
	// rule of any policy accepts; Others is how many more isolate it. Without a
	// Policy, nobody decided, and what nobody decides is allowed.
	Policy, Rule string
	Others       int
}

// String returns the decision in words.
func (d Decision) String() string {
	switch {
	case d.Policy == "":
		return "allowed, as no policy decides"
	case d.Rule == "" && d.Others == 0:
		return "refused, as " + d.Policy + " isolates and no rule accepts"
	case d.Rule == "":
		return fmt.Sprintf("refused, as %s and %d more isolate and no rule accepts", d.Policy, d.Others)
	case d.Action == Accept:
		return fmt.Sprintf("accepted by %s, %s", d.Policy, d.Rule)
	}
	return fmt.Sprintf("denied by %s, %s", d.Policy, d.Rule)
}

// Verdict is the answer to one question.
type Verdict struct {
	Allowed bool

	// Egress is what the opening end made of it, Ingress the accepting one. For a
	// range of ports, or several pods, they are about a part that is not allowed,
	// if there is one.
	Egress, Ingress Decision
}

// share is ports with the same decision.
type share struct {
	ports portID
	by    Decision
}

// decide says who decides about connections of a subject's class with a peer's,
// for each of some ports.
func (d *side) decide(t *portTable, own, peer int32, ports portID) []share {
	s := &d.subjects[d.of[own]]
	accepting := own
	if d.egress {
		accepting = peer
	}
	var out []share
	left, passed := ports, noPort
	visit := func(r *rule) {
		t.meter.spend(1)
		if left == noPort || !r.anyone && !r.peers.has(peer) {
			return
		}
		now := t.minus(t.at(d, r, accepting, left), passed)
		switch {
		case now == noPort:
		case r.action == Pass:
			passed = t.union(passed, now)
		default:
			left = t.minus(left, now)
			out = append(out, share{now, Decision{Action: r.action, Policy: d.set.policies[r.policy].name, Rule: r.name}})
		}
	}
	d.walk(s, visit, func(tier Tier) {
		passed = noPort
		if n := len(s.isolated); tier == Normal && n > 0 && left != noPort {
			out = append(out, share{left, Decision{Action: Deny, Policy: d.set.policies[s.isolated[0]].name, Others: n - 1}})
			left = noPort
		}
	})
	if left != noPort {
		out = append(out, share{left, Decision{Action: Accept}})
	}
	return out
}

// Allowed answers whether a pod or an address may connect to another on a port.
// Where an end is several (pods of one workload at different addresses, the nodes
// for a workload on the network of its node), or the port a range, all of it must
// be allowed. An end that nobody described, and a name that the accepting end
// does not have, are errors.
func (s *Set) Allowed(from, to End, port generator.Port) (Verdict, error) {
	return s.allowed(newPortTable(nil), from, to, port)
}

func (s *Set) allowed(t *portTable, from, to End, port generator.Port) (Verdict, error) {
	if err := port.Validate(); err != nil {
		return Verdict{}, err
	}
	if from.Domain != "" {
		return Verdict{}, fmt.Errorf("source: %s is a domain name, which opens no connections", from.Domain)
	}
	sources, err := s.space.find(from)
	if err != nil {
		return Verdict{}, fmt.Errorf("source: %w", err)
	}
	targets, err := s.space.find(to)
	if err != nil {
		return Verdict{}, fmt.Errorf("destination: %w", err)
	}
	var out Verdict
	for _, source := range sources {
		for _, target := range targets {
			ports := s.space.some(target).resolve(port)
			if ports.Empty() {
				return Verdict{}, fmt.Errorf("%s has no port %s", to, port)
			}
			v := s.verdict(t, source, target, t.intern(ports))
			if !v.Allowed {
				return v, nil
			}
			out = v
		}
	}
	return out, nil
}

func (s *Set) verdict(t *portTable, from, to int32, ports portID) Verdict {
	var out Verdict
	for _, e := range s.egress.decide(t, from, to, ports) {
		for _, i := range s.ingress.decide(t, to, from, e.ports) {
			out = Verdict{e.by.Action == Accept && i.by.Action == Accept, e.by, i.by}
			if !out.Allowed {
				return out
			}
		}
	}
	return out
}

// find returns the classes of an end.
func (s *space) find(e End) ([]int32, error) {
	var out []int32
	add := func(id int32) {
		if !e.Address.IsValid() || !s.elements[id].isPod() || s.podsAt == nil || int(s.elements[id].interval) == s.at(e.Address) {
			out = append(out, s.class[id])
		}
	}
	switch {
	case e.Workload != generator.WorkloadID{}:
		w := s.model.Universe.Workload(e.Workload)
		if w != nil && w.HostNetwork {
			return s.nodes(w)
		}
		pods := s.byWorkload[w]
		for id := pods.first; id < pods.end; id++ {
			add(id)
		}
	case e.Stranger.Kind != 0:
		for i := range s.elements {
			el := &s.elements[i]
			if el.stranger == e.Stranger.Kind && s.end(int32(i)).Stranger == e.Stranger {
				add(int32(i))
			}
		}
	case e.Domain != "":
		for _, id := range s.domains {
			if s.elements[id].domain == e.Domain {
				add(id)
			}
		}
	case e.Address.IsValid():
		if id := s.addresses[s.at(e.Address)]; id >= 0 {
			add(id)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("nothing is known of %s", e)
	}
	return out, nil
}

// nodes returns the classes of the nodes, for a workload on their network.
func (s *space) nodes(w *generator.Workload) ([]int32, error) {
	var out []int32
	for _, p := range s.model.Environment.Nodes.Addresses {
		from, to := s.over(p)
		for i := from; i < to; i++ {
			if id := s.addresses[i]; id >= 0 {
				out = append(out, s.class[id])
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s is on the network of its node, and the addresses of the nodes are not known", w.ID)
	}
	return out, nil
}
