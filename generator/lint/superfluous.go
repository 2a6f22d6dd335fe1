// SPDX-License-Identifier: Apache-2.0

package lint

import "github.com/gatehouse-sh/gatehouse/generator/verify"

// superfluous finds policies and rules without which the same would be allowed. A
// policy is compared with those about the same namespaces alone, and on its side of
// connections: what the other side does, which may be in the same namespace, is its
// own matter, and may change.
func (l *linter) superfluous(list []verify.Policy) {
	by := map[string][]int{}
	var order []string
	for i := range list {
		if list[i].Tier != verify.Normal {
			continue
		}
		key := list[i].Subject.Namespaces.String()
		if by[key] == nil {
			order = append(order, key)
		}
		by[key] = append(by[key], i)
	}
	done, reducer := 0, l.asker.Reducer()
	for _, key := range order {
		together := reducer.Among(by[key])
		for _, i := range by[key] {
			l.superfluousIn(together, &list[i], i)
			if l.asker.Err() != nil {
				return
			}
			if done++; l.options.Progress != nil {
				l.options.Progress(done)
			}
		}
	}
}

func (l *linter) superfluousIn(together *verify.Reduction, p *verify.Policy, i int) {
	if len(l.selected(p.Subject)) == 0 {
		return // said already
	}
	redundant := true
	for _, d := range directions {
		if together.Same(i, -1, d.accepts) {
			continue // each of its rules is superfluous, or there is none
		}
		redundant = false
		for k, r := range *d.rules(p) {
			if !l.nobody[[2]string{p.Name, r.Name}] && together.Same(i, k, d.accepts) { // or it is said already
				l.add(Shadowed, p.Name, r.Name, "changes nothing: other rules allow what it allows")
			}
		}
	}
	if redundant {
		l.add(Redundant, p.Name, "", "changes nothing: other policies isolate its pods and allow what it allows")
	}
}

// direction is one of the two sides of a policy.
type direction struct {
	rules   func(*verify.Policy) *[]verify.Rule
	accepts bool // the subject accepts the connections
}

var directions = [...]direction{
	{func(p *verify.Policy) *[]verify.Rule { return &p.Ingress }, true},
	{func(p *verify.Policy) *[]verify.Rule { return &p.Egress }, false},
}
