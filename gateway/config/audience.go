// SPDX-License-Identifier: Apache-2.0

package config

// Audience knows which requests access policies are asked of, by the names by which
// listeners and routes call them; they need not be in the snapshot yet.
type Audience struct{ policies map[string]*audience }

type audience struct {
	at    map[string]bool // listeners that name it
	on    map[string]bool // listeners of routes that name it
	tells map[lead]bool   // what it tells of: what the routes lead to that name it, or whose listeners do
	hears map[lead]bool   // what others may tell of, whose lines are deleted before it is asked
}

// Audience finds it. It ends with the next change of listeners and routes.
func (s *Snapshot) Audience() *Audience {
	out := &Audience{map[string]*audience{}}
	of := func(name string) *audience {
		if out.policies[name] == nil {
			out.policies[name] = &audience{map[string]bool{}, map[string]bool{}, map[lead]bool{}, map[lead]bool{}}
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
		for _, name := range r.guards() {
			a := of(name)
			a.named(r, home(name))
			for _, l := range listeners {
				a.on[l] = true
			}
		}
		for _, l := range listeners {
			for _, name := range floors[l] {
				a := of(name)
				for _, to := range both(r.leads()) {
					a.tells[to.all()] = true
					if len(r.Access) == 0 { // a Default of it is asked in the place of the route's
						a.hears[to] = true
					}
				}
			}
		}
	}
	return out
}

// named notes that a route names a policy. On a route of another group (it is for a Service
// there) a policy concerns that Service alone: whoever wrote the route decides what else it
// leads to, and is not to have the policy clash with others by that.
func (a *audience) named(r *Route, of string) {
	from := home(r.Name)
	for _, to := range r.leads() {
		if from != "" && !athome(of, from) && !athome(of, to.group) {
			continue
		}
		a.tells[to.told(of)] = true
		for _, heard := range both([]lead{to}) {
			a.hears[heard] = true
		}
	}
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

// HidesAtHome is Hides, counted only at backends of the group that one of the two, host,
// belongs to, and the other one does not.
func (a *Audience) HidesAtHome(teller, reader, host string) bool {
	t, r, of := a.policies[teller], a.policies[reader], home(host)
	if t == nil || r == nil || of == "" || home(teller) == home(reader) {
		return false
	}
	for to := range t.tells {
		if to.group == of && r.hears[to] {
			return true
		}
	}
	return false
}

func meet[K comparable](a, b map[K]bool) bool {
	for of := range a {
		if b[of] {
			return true
		}
	}
	return false
}
