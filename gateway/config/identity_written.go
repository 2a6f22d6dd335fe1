// SPDX-License-Identifier: Apache-2.0

package config

import (
	"maps"
	"slices"

	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// Unwrite takes the header lines out of what routes write themselves that no client can
// send to them, but those in which policies of the same route tell backends who asks, which
// are written over these anyway: who has no part in a policy is not to tell in its lines
// who asks. To backends of its own group a route writes what only policies of other groups
// tell there. It returns what it took, by the positions of routes. What routes share with
// others is not written to.
func (s *Snapshot) Unwrite() map[int][]string {
	if !slices.ContainsFunc(s.Routes, func(r Route) bool { return r.writes() }) {
		return nil
	}
	told := s.toldOf(mentioned)
	if told == nil {
		return nil
	}
	deleted, tells, out := s.ofRoutes(told, (*Route).vouched), s.tells(), map[int][]string{}
	for i := range s.Routes {
		r := &s.Routes[i]
		if len(deleted[i]) == 0 || !r.writes() {
			continue
		}
		var own []string
		for _, policy := range r.guards() {
			own = append(own, tells[policy]...)
		}
		if took := r.unwrite(request.NewIdentity(deleted[i]), request.NewIdentity(own)); len(took) > 0 {
			out[i] = took
		}
	}
	return out
}

// Usurped are, by the positions of routes, the lines in which a route has a policy tell
// backends who asks where neither of the two belongs to the group of these, and somebody
// does who belongs there, or a listener: that is whose word backends trust in these lines. A
// Default of a listener counts where it holds: on routes without policies of their own.
func (s *Snapshot) Usurped() map[int][]string {
	told, tells, out := s.toldOf(inForce), s.tells(), map[int][]string{}
	trusted := map[string]request.Identity{} // by group
	for i := range s.Routes {
		r := &s.Routes[i]
		for _, policy := range r.guards() {
			if len(tells[policy]) == 0 {
				continue
			}
			for _, to := range r.leads() {
				if to.group == "" || athome(home(policy), to.group) || athome(home(r.Name), to.group) {
					continue
				}
				by, known := trusted[to.group]
				if !known {
					by = request.NewIdentity(slices.Collect(maps.Keys(told[to.all()])))
					trusted[to.group] = by
				}
				for _, name := range tells[policy] {
					if by.Has(name) {
						out[i] = append(out[i], name)
					}
				}
			}
		}
		if lines, usurps := out[i]; usurps {
			out[i] = unique(lines)
		}
	}
	return out
}

// writes tells whether a route writes lines of requests at all.
func (r *Route) writes() bool {
	return r.Request.writes() || slices.ContainsFunc(r.Backends, func(w Weighted) bool { return w.Request.writes() })
}

func (e *HeaderEdit) writes() bool { return len(e.Set)+len(e.Add) > 0 }

func (r *Route) unwrite(deleted, own request.Identity) []string {
	var took []string
	without := func(e HeaderEdit) HeaderEdit {
		for _, lines := range []*map[string]string{&e.Set, &e.Add} {
			kept := maps.Clone(*lines)
			maps.DeleteFunc(kept, func(name, _ string) bool {
				taken := deleted.Has(name) && !own.Has(name)
				if taken {
					took = append(took, name)
				}
				return taken
			})
			if *lines = kept; len(kept) == 0 {
				*lines = nil
			}
		}
		return e
	}
	r.Request = without(r.Request)
	backends := slices.Clone(r.Backends)
	for i := range backends {
		backends[i].Request = without(backends[i].Request)
	}
	r.Backends = backends
	return unique(took)
}
