// SPDX-License-Identifier: Apache-2.0

package config

import (
	"maps"
	"slices"
)

// tells are the names of the header lines in which access policies tell backends who asks,
// by policy. Those that tell nothing are left out.
func (s *Snapshot) tells() map[string][]string {
	out := map[string][]string{}
	for i := range s.AccessPolicies {
		p := &s.AccessPolicies[i]
		if told := slices.Concat(slices.Collect(maps.Values(p.Forward.ClaimsToHeaders)), p.ExternalAuth.Headers().ResponseHeaders); len(told) > 0 {
			out[p.Name] = told
		}
	}
	return out
}

// access are the access policies of a listener, those of its hosts included.
func (l *Listener) access() []string {
	out := slices.Clone(l.Access)
	for i := range l.ForHosts {
		out = append(out, l.ForHosts[i].Access...)
	}
	return out
}

// unique are names in order, each once.
func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// IdentityHeaders are the names of the header lines that no client can send to a
// listener, whatever is asked for: what the listener says, and in which its policies tell
// backends who asks.
func (s *Snapshot) IdentityHeaders(l *Listener) []string {
	tells, out := s.tells(), slices.Clone(l.Client.Headers.Identity)
	for _, name := range l.access() {
		out = append(out, tells[name]...)
	}
	return unique(out)
}

// IdentityHeadersOfRoutes are, by the positions of routes, the names of the header lines
// that no client can send to them: in which their policies and those of their listeners
// tell backends who asks, and those of other routes that lead to the same backends or to
// others of their group (the name before the first "/"), which trust what they read there,
// whichever listener it came by. What a policy of another group tells (the second of three
// or more parts of its name) counts for the Services that its routes lead to, and not for
// the others of their group. They are deleted before the policies of a route are asked.
// Nil: there are none.
func (s *Snapshot) IdentityHeadersOfRoutes() [][]string {
	told := s.toldOf(mentioned)
	if told == nil {
		return nil
	}
	return s.ofRoutes(told, func(r *Route) []lead { return both(r.leads()) })
}

// lineSets are names of header lines by what is told in them.
type lineSets map[lead]map[string]bool

// naming is which policies of listeners are meant.
type naming int

const (
	mentioned naming = iota // all
	inForce                 // without those that are Default where a route has policies of its own
)

// toldOf is in which lines access policies tell of what; nil if none tells anything.
func (s *Snapshot) toldOf(which naming) lineSets {
	tells := s.tells()
	if len(tells) == 0 {
		return nil
	}
	floors := s.floors(tells)
	var everywhere floor
	for i := range s.Listeners {
		everywhere = everywhere.and(floors[s.Listeners[i].Name])
	}
	out := lineSets{}
	for i := range s.Routes {
		r, leads := &s.Routes[i], s.Routes[i].leads()
		for _, policy := range r.guards() {
			for _, to := range leads {
				out.add(to.told(home(policy)), tells[policy])
			}
		}
		at := everywhere
		if len(r.Listeners) > 0 {
			at = floor{}
		}
		for _, l := range r.Listeners {
			at = at.and(floors[l])
		}
		for _, to := range leads {
			out.add(to.all(), at.enforced)
			if which == mentioned || len(r.Access) == 0 {
				out.add(to.all(), at.defaults)
			}
		}
	}
	return out
}

// floor is in which lines policies of listeners tell, by their modes.
type floor struct{ enforced, defaults []string }

// floors are those of listeners, by their names.
func (s *Snapshot) floors(tells map[string][]string) map[string]floor {
	yields := map[string]bool{}
	for i := range s.AccessPolicies {
		yields[s.AccessPolicies[i].Name] = s.AccessPolicies[i].Mode == Default
	}
	out := make(map[string]floor, len(s.Listeners))
	for i := range s.Listeners {
		var own floor
		for _, policy := range s.Listeners[i].access() {
			if yields[policy] {
				own.defaults = append(own.defaults, tells[policy]...)
			} else {
				own.enforced = append(own.enforced, tells[policy]...)
			}
		}
		out[s.Listeners[i].Name] = floor{unique(own.enforced), unique(own.defaults)}
	}
	return out
}

func (f floor) and(other floor) floor {
	return floor{slices.Concat(f.enforced, other.enforced), slices.Concat(f.defaults, other.defaults)}
}

func (t lineSets) add(to lead, names []string) {
	for _, name := range names {
		if t[to] == nil {
			t[to] = map[string]bool{}
		}
		t[to][name] = true
	}
}

// ofRoutes is what was told of what concerns each route, by the positions of routes. Those
// that the same concerns share it.
func (s *Snapshot) ofRoutes(told lineSets, concerns func(*Route) []lead) [][]string {
	out, of := make([][]string, len(s.Routes)), map[string][]string{}
	for i := range s.Routes {
		leads, key := concerns(&s.Routes[i]), ""
		for _, to := range leads {
			if told[to] != nil {
				key += to.group + "\n" + to.of + "\n"
			}
		}
		names, known := of[key]
		if !known {
			for _, to := range leads {
				names = slices.AppendSeq(names, maps.Keys(told[to]))
			}
			names = unique(names)
			of[key] = names
		}
		out[i] = names
	}
	return out
}
