// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// superfluous finds policies and rules without which the same would be allowed. A
// policy is compared with those about the same namespaces alone: what the other
// side of a connection does is its own matter, and may change.
func (l *linter) superfluous(list []verify.Policy) error {
	by := map[string][]verify.Policy{}
	var order []string
	for i := range list {
		key := list[i].Subject.Namespaces.String()
		if by[key] == nil {
			order = append(order, key)
		}
		by[key] = append(by[key], list[i])
	}
	done := 0
	for _, key := range order {
		together := by[key]
		for i := range together {
			if err := l.superfluousIn(together, i); err != nil {
				return err
			}
			if done++; l.options.Progress != nil {
				l.options.Progress(done)
			}
		}
	}
	return nil
}

func (l *linter) superfluousIn(list []verify.Policy, i int) error {
	p := &list[i]
	if len(l.selected(p.Subject)) == 0 {
		return nil // said already
	}
	redundant := true
	for _, d := range directions {
		// What the other side of a connection does, which may be in the same namespace,
		// does not count.
		side := d.alone(list)
		same, err := l.same(side, slices.Delete(slices.Clone(side), i, i+1))
		if err != nil {
			return err
		}
		if redundant = redundant && same; same {
			continue // each of its rules is superfluous, or there is none
		}
		for k, r := range *d.rules(p) {
			if l.nobody[[2]string{p.Name, r.Name}] {
				continue // said already
			}
			without := slices.Clone(side)
			*d.rules(&without[i]) = slices.Delete(slices.Clone(*d.rules(p)), k, k+1)
			same, err := l.same(side, without)
			if err != nil {
				return err
			}
			if same {
				l.add(Shadowed, p.Name, r.Name, "changes nothing: other rules allow what it allows")
			}
		}
	}
	if redundant {
		l.add(Redundant, p.Name, "", "changes nothing: other policies isolate its pods and allow what it allows")
	}
	return nil
}

// direction is one of the two sides of a policy.
type direction struct {
	rules    func(*verify.Policy) *[]verify.Rule
	isolates func(generator.Guard) generator.Guard
}

var directions = [...]direction{
	{func(p *verify.Policy) *[]verify.Rule { return &p.Ingress }, func(g generator.Guard) generator.Guard { return generator.Guard{Ingress: g.Ingress} }},
	{func(p *verify.Policy) *[]verify.Rule { return &p.Egress }, func(g generator.Guard) generator.Guard { return generator.Guard{Egress: g.Egress} }},
}

// alone returns policies without their other side.
func (d direction) alone(list []verify.Policy) []verify.Policy {
	out := slices.Clone(list)
	for i := range out {
		rules := *d.rules(&out[i])
		out[i].Ingress, out[i].Egress = nil, nil
		*d.rules(&out[i]) = rules
		out[i].Isolates = d.isolates(out[i].Isolates)
	}
	return out
}

func (l *linter) same(before, after []verify.Policy) (bool, error) {
	gained, lost, err := verify.Diff(before, after, l.bare, l.options.Verify)
	return err == nil && len(gained)+len(lost) == 0, err
}
