// SPDX-License-Identifier: Apache-2.0

package config

import (
	"maps"
	"slices"
	"strings"
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

// leads are what a route leads to, by which lines are told and deleted: the groups of its
// backends and of those that get copies. One without any leads to itself.
func (r *Route) leads() []string {
	out := make([]string, 0, len(r.Backends)+len(r.Mirrors))
	for i := range r.Backends {
		if r.Backends[i].Name != "" {
			out = append(out, "backends "+group(r.Backends[i].Name))
		}
	}
	for i := range r.Mirrors {
		out = append(out, "backends "+group(r.Mirrors[i].Backend))
	}
	if len(out) == 0 {
		return []string{"route " + r.Name}
	}
	return unique(out)
}

// group is the name of a backend before the first "/": in a cluster, its namespace. One
// process has many names there (ports, protocols, Services that select it), and what may be
// told of one of them is deleted on all.
func group(backend string) string {
	out, _, _ := strings.Cut(backend, "/")
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
// whichever listener it came by. They are deleted before the policies of a route are asked.
// Nil: there are none.
func (s *Snapshot) IdentityHeadersOfRoutes() [][]string {
	tells := s.tells()
	if len(tells) == 0 {
		return nil
	}
	var everywhere []string // what the listeners tell
	at := map[string][]string{}
	for i := range s.Listeners {
		l := &s.Listeners[i]
		for _, policy := range l.access() {
			at[l.Name] = append(at[l.Name], tells[policy]...)
		}
		everywhere = append(everywhere, at[l.Name]...)
	}
	everywhere = unique(everywhere)
	told := map[string]map[string]bool{} // by what a route leads to
	for i := range s.Routes {
		r, names := &s.Routes[i], []string(nil)
		for _, policy := range r.Access {
			names = append(names, tells[policy]...)
		}
		for _, l := range r.Listeners {
			names = append(names, at[l]...)
		}
		if len(r.Listeners) == 0 {
			names = append(names, everywhere...)
		}
		if len(names) == 0 {
			continue
		}
		for _, to := range r.leads() {
			if told[to] == nil {
				told[to] = map[string]bool{}
			}
			for _, name := range names {
				told[to][name] = true
			}
		}
	}
	return s.deleted(told)
}

// deleted is what was told of what each route leads to, by the positions of routes. Those
// that lead to the same share it.
func (s *Snapshot) deleted(told map[string]map[string]bool) [][]string {
	out, of := make([][]string, len(s.Routes)), map[string][]string{}
	for i := range s.Routes {
		leads := s.Routes[i].leads()
		key := strings.Join(leads, "\n")
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

// Audience knows which requests access policies are asked of, by the names by which
// listeners and routes call them; they need not be in the snapshot yet.
type Audience struct{ policies map[string]*audience }

type audience struct {
	at    map[string]bool // listeners that name it
	on    map[string]bool // listeners of routes that name it
	tells map[string]bool // what the routes lead to that name it, or whose listeners do
	hears map[string]bool // and those for which it may be asked after the lines of routes are deleted
}

// Audience finds it. It ends with the next change of listeners and routes.
func (s *Snapshot) Audience() *Audience {
	out := &Audience{map[string]*audience{}}
	of := func(name string) *audience {
		if out.policies[name] == nil {
			out.policies[name] = &audience{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
		}
		return out.policies[name]
	}
	every := make([]string, len(s.Listeners))
	floors := map[string][]string{}
	for i := range s.Listeners {
		l := &s.Listeners[i]
		every[i], floors[l.Name] = l.Name, l.access()
		for _, name := range floors[l.Name] {
			of(name).at[l.Name] = true
		}
	}
	for i := range s.Routes {
		r := &s.Routes[i]
		listeners := r.Listeners
		if len(listeners) == 0 {
			listeners = every
		}
		for _, name := range r.Access {
			a := of(name)
			for _, to := range r.leads() {
				a.tells[to], a.hears[to] = true, true
			}
			for _, l := range listeners {
				a.on[l] = true
			}
		}
		for _, l := range listeners {
			for _, name := range floors[l] {
				a := of(name)
				for _, to := range r.leads() {
					a.tells[to] = true
					if len(r.Access) == 0 { // a Default of it is asked in the place of the route's
						a.hears[to] = true
					}
				}
			}
		}
	}
	return out
}

// Hides tells whether lines in which one policy tells backends who asks are deleted from
// requests before another one is asked of them.
func (a *Audience) Hides(teller, reader string) bool {
	t, r := a.policies[teller], a.policies[reader]
	if t == nil || r == nil {
		return false
	}
	return meet(t.at, r.at) || meet(t.at, r.on) || meet(t.tells, r.hears)
}

// Hears tells whether a policy is asked of requests to a listener.
func (a *Audience) Hears(reader, listener string) bool {
	r := a.policies[reader]
	return r != nil && (r.at[listener] || r.on[listener])
}

func meet(a, b map[string]bool) bool {
	for name := range a {
		if b[name] {
			return true
		}
	}
	return false
}
