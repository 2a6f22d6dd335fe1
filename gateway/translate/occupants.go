// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"iter"
	"strings"
)

// occupant is a route that has a host.
type occupant struct {
	of    *route
	host  string
	place int // in the order in which they were added
}

// occupants are the routes that have hosts, found by what a host has in common with theirs.
// The zero value is empty.
type occupants struct {
	all   []*occupant
	hosts map[string]*occupant // the first of each
	below map[string]*occupant // the first that is below a suffix such as ".example.com"
}

// add adds one.
func (c *occupants) add(of *route, host string) {
	if c.hosts == nil {
		c.hosts, c.below = map[string]*occupant{}, map[string]*occupant{}
	}
	own := &occupant{of, host, len(c.all)}
	c.all = append(c.all, own)
	if c.hosts[host] == nil {
		c.hosts[host] = own
	}
	for s := range suffixes(host) {
		if c.below[s] == nil {
			c.below[s] = own
		}
	}
}

// find returns the first that has a name in common with a host (common); nil if
// none has.
func (c *occupants) find(host string) *occupant {
	if host == "*" && len(c.all) > 0 {
		return c.all[0]
	}
	found := c.hosts[host]
	consider := func(other *occupant) {
		if other != nil && (found == nil || other.place < found.place) {
			found = other
		}
	}
	consider(c.hosts["*"])
	for s := range suffixes(host) {
		consider(c.hosts["*"+s])
	}
	if below, wild := strings.CutPrefix(host, "*"); wild {
		consider(c.below[below])
	}
	return found
}

// suffixes are those of a host that "*" can be put before so that it covers it, from the
// longest: of "a.b.c", and of "*.b.c", they are ".b.c" and ".c".
func suffixes(host string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for at := strings.IndexByte(host, '.'); at >= 0; {
			if !yield(host[at:]) {
				return
			}
			next := strings.IndexByte(host[at+1:], '.')
			if next < 0 {
				return
			}
			at += 1 + next
		}
	}
}
