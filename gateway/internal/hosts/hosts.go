// SPDX-License-Identifier: Apache-2.0

// Package hosts finds what belongs to the name of a host.
package hosts

import (
	"iter"
	"strings"
)

// Map has values by names such as "a.example.com", "?.example.com", which is one label
// and no more, "*.example.com" and "*". The zero Map is empty.
type Map[T any] struct {
	exact map[string]*T
	label map[string]*T // by what follows the "?": ".example.com"
	below map[string]*T // by what follows the "*": ".example.com"
	rest  *T
}

// Set makes v the value of a name.
func (m *Map[T]) Set(name string, v *T) {
	if m.exact == nil {
		m.exact, m.label, m.below = map[string]*T{}, map[string]*T{}, map[string]*T{}
	}
	switch {
	case name == "*":
		m.rest = v
	case strings.HasPrefix(name, "?"):
		m.label[name[1:]] = v
	case strings.HasPrefix(name, "*"):
		m.below[name[1:]] = v
	default:
		m.exact[name] = v
	}
}

// Get returns the value of a name as it was set, or nil.
func (m *Map[T]) Get(name string) *T {
	switch {
	case name == "*":
		return m.rest
	case strings.HasPrefix(name, "?"):
		return m.label[name[1:]]
	case strings.HasPrefix(name, "*"):
		return m.below[name[1:]]
	}
	return m.exact[name]
}

// Find returns the value of the most specific name that fits a host: its own, the
// "?." that has one label less, the longest "*." that it is below, or "*". It is nil if none fits. Addresses are below nothing.
func (m *Map[T]) Find(host string) *T {
	if v := m.exact[host]; v != nil {
		return v
	}
	if len(m.below)+len(m.label) > 0 && host != "" && host[0] != '[' {
		if at := strings.IndexByte(host, '.'); at > 0 && m.label[host[at:]] != nil {
			return m.label[host[at:]]
		}
		for at := strings.IndexByte(host, '.'); at > 0; {
			if v := m.below[host[at:]]; v != nil {
				return v
			}
			next := strings.IndexByte(host[at+1:], '.')
			if next < 0 {
				break
			}
			at += 1 + next
		}
	}
	return m.rest
}

// Fitting are the names that fit a host with their values, the most specific first: the
// first one is what Find returns.
func (m *Map[T]) Fitting(host string) iter.Seq2[string, *T] {
	return func(yield func(string, *T) bool) {
		say := func(name string, v *T) bool { return v == nil || yield(name, v) }
		if !say(host, m.exact[host]) {
			return
		}
		if host != "" && host[0] != '[' && host[0] != '.' {
			if at := strings.IndexByte(host, '.'); at > 0 && !say("?"+host[at:], m.label[host[at:]]) {
				return
			}
			for at := 1; at < len(host); at++ {
				if host[at] == '.' && !say("*"+host[at:], m.below[host[at:]]) {
					return
				}
			}
		}
		say("*", m.rest)
	}
}

// All are the values, in no order.
func (m *Map[T]) All() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, values := range []map[string]*T{m.exact, m.label, m.below, {"": m.rest}} {
			for _, v := range values {
				if v != nil && !yield(v) {
					return
				}
			}
		}
	}
}
