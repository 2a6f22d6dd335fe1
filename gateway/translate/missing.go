// SPDX-License-Identifier: Apache-2.0

package translate

import "slices"

// lacks returns what something looks for and does not find.
func (x *index) lacks(do func()) Missing {
	before := x.missed
	x.missed = Missing{}
	do()
	out := x.missed
	x.missed = before
	x.missed.add(out)
	return out
}

// add adds what something else lacks.
func (m *Missing) add(other Missing) {
	m.Secrets, m.ConfigMaps = append(m.Secrets, other.Secrets...), append(m.ConfigMaps, other.ConfigMaps...)
}

// missing is what Gateways lack, by themselves and by the policies that concern them.
func (x *index) missing(gateways map[Name]*gateway, guards *policies) map[Name]Missing {
	for _, p := range x.policies {
		for name := range p.gateways {
			if g := gateways[name]; g != nil {
				g.missing.add(p.missing)
			}
		}
	}
	for _, p := range guards.all {
		for g := range p.gateways {
			g.missing.add(p.missing)
		}
	}
	out := map[Name]Missing{}
	for name, g := range gateways {
		if m := (Missing{inOrder(g.missing.Secrets), inOrder(g.missing.ConfigMaps)}); len(m.Secrets)+len(m.ConfigMaps) > 0 {
			out[name] = m
		}
	}
	return out
}

func inOrder(names []Name) []Name {
	slices.SortFunc(names, compareNames)
	return slices.Compact(names)
}
