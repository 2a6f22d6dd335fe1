// SPDX-License-Identifier: Apache-2.0

package config

import "slices"

// Without is a snapshot that some of the listeners are left out of, by name, with what is
// for them only. The snapshot itself is not changed.
func (s *Snapshot) Without(listeners map[string]bool) *Snapshot {
	out := *s
	left := func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return listeners[n] })
	}
	out.Listeners = slices.DeleteFunc(slices.Clone(s.Listeners), func(l Listener) bool { return listeners[l.Name] })
	out.Routes, out.Streams = nil, nil
	for i := range s.Routes {
		r := s.Routes[i]
		if r.Listeners = left(r.Listeners); len(r.Listeners) > 0 || len(s.Routes[i].Listeners) == 0 { // none would be all
			out.Routes = append(out.Routes, r)
		}
	}
	for i := range s.Streams {
		t := s.Streams[i]
		if t.Listeners = left(t.Listeners); len(t.Listeners) > 0 {
			out.Streams = append(out.Streams, t)
		}
	}
	used := out.used()["access policy"] // one that guards nothing is a fault
	out.AccessPolicies = slices.DeleteFunc(slices.Clone(s.AccessPolicies), func(p AccessPolicy) bool { return !used[p.Name] })
	return &out
}
