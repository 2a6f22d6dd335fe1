// SPDX-License-Identifier: Apache-2.0

package config

import (
	"reflect"

	"github.com/gatehouse-sh/gatehouse/gateway/internal/former"
)

// judged is a snapshot without faults, by name: a route or a backend that is the same in
// another one has no fault there either, as long as what it names is there.
type judged struct {
	routes   former.List[Route]
	backends former.List[Backend]
	were     []Route
}

// ValidateSince is Validate of a snapshot that comes after another one, which has no
// faults; nil is none. It says the same, and costs less where most is as it was, least
// where both share what is (slices, maps and pointers) and have it in the same order.
func (s *Snapshot) ValidateSince(before *Snapshot) []Error {
	j := judged{}
	if before != nil {
		j.were = before.Routes
		j.routes = former.New(before.Routes, func(r *Route) string { return r.Name })
		j.backends = former.New(before.Backends, func(b *Backend) string { return b.Name })
	}
	return s.validate(&j)
}

// route tells whether a route has no fault, since it had none and finds what it names. If
// not, that is not known.
func (j *judged) route(r *Route, listeners map[string]*Listener, n *named) bool {
	was := j.routes.Find(r.Name)
	if was == nil {
		return false
	}
	for _, name := range r.Listeners {
		if l := listeners[name]; l == nil || l.Protocol.Stream() || l.Redirect != 0 {
			return false
		}
	}
	for i := range r.Backends {
		if w := &r.Backends[i]; w.Status == 0 && !n.backends[w.Name] {
			return false
		}
	}
	for i := range r.Mirrors {
		if !n.backends[r.Mirrors[i].Backend] {
			return false
		}
	}
	return all(r.Traffic, n.traffic) && all(r.Access, n.access) && all(r.AccessBeside, n.access) && (was.shares(r) || reflect.DeepEqual(was, r))
}

// backend is route, of a backend.
func (j *judged) backend(b *Backend, n *named) bool {
	was := j.backends.Find(b.Name)
	if was == nil || b.TLS != nil && b.TLS.ClientCertificate != "" && !n.certificates[b.TLS.ClientCertificate] {
		return false
	}
	return was.shares(b) || reflect.DeepEqual(was, b)
}

// fewOthers is how many routes may be others than before for their names to be looked at one
// by one: each is compared with all.
const fewOthers = 8

// names tells whether the names of routes have no fault, since all but a few come in the
// order in which they came before. If not, that is not known.
func (j *judged) names(list []Route) bool {
	others, at := make([]int, 0, fewOthers), 0
	for i := range list {
		switch name := list[i].Name; {
		case at < len(j.were) && j.were[at].Name == name:
			at++
		case at+1 < len(j.were) && j.were[at+1].Name == name: // one is gone
			at += 2
		case len(others) == fewOthers:
			return false
		default:
			others = append(others, i)
		}
	}
	for _, i := range others {
		name := list[i].Name
		if len(name) > maxName || !isName(name) {
			return false
		}
		for k := range list {
			if k != i && list[k].Name == name {
				return false
			}
		}
	}
	return true
}

// all tells whether names are known.
func all(list []string, known map[string]bool) bool {
	for _, name := range list {
		if !known[name] {
			return false
		}
	}
	return true
}
