// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strings"
)

// lead is what lines are told of and deleted for: a backend's Service, or a whole group.
// One process has many names in a group (ports, protocols, Services that select it), so who
// belongs to it tells of all of them. Who does not tells of what it leads to by name.
type lead struct {
	group string
	of    string // the Service with its group, or a route without backends; "": all of the group
}

// leadOf are the two parts of a backend's name: before the first "/", which is its
// namespace in a cluster, and before the second one, which is its Service.
func leadOf(backend string) lead {
	group, rest, _ := strings.Cut(backend, "/")
	service, _, _ := strings.Cut(rest, "/")
	return lead{group, group + "/" + service}
}

// home is the group that a route or a policy belongs to: in a cluster, its namespace, which
// is the second of three or more parts of its name. "": it has none, and is at home everywhere.
func home(name string) string {
	parts := strings.SplitN(name, "/", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[1]
}

// athome tells whether who has a home is at home in a group.
func athome(home, group string) bool { return home == "" || home == group }

// leads are what a route leads to, its backends and those that get copies. One without any
// leads to itself.
func (r *Route) leads() []lead {
	out := make([]lead, 0, len(r.Backends)+len(r.Mirrors))
	add := func(backend string) {
		if to := leadOf(backend); backend != "" && !slices.Contains(out, to) {
			out = append(out, to)
		}
	}
	for i := range r.Backends {
		add(r.Backends[i].Name)
	}
	for i := range r.Mirrors {
		add(r.Mirrors[i].Backend)
	}
	if len(out) == 0 {
		return []lead{{of: "route " + r.Name}}
	}
	return out
}

// told is what somebody tells of by a route that leads there: of all of its own group.
func (to lead) told(by string) lead {
	if to.group != "" && athome(by, to.group) {
		return lead{group: to.group}
	}
	return to
}

// all is the group of a lead, which is what is told of where the listener tells.
func (to lead) all() lead { return to.told("") }

// both are what lines that are deleted on the way there were told of.
func both(leads []lead) []lead {
	out := make([]lead, 0, 2*len(leads))
	for _, to := range leads {
		if out = append(out, to); to.all() != to && !slices.Contains(out, to.all()) {
			out = append(out, to.all())
		}
	}
	return out
}

// vouched are what lines that a route does not write itself were told of: in its own group
// by who belongs there and by listeners, and elsewhere by anybody.
func (r *Route) vouched() []lead {
	of, out := home(r.Name), []lead(nil)
	for _, to := range both(r.leads()) {
		if to.of == "" || !(of != "" && of == to.group) {
			out = append(out, to)
		}
	}
	return out
}
