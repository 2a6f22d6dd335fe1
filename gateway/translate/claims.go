// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"iter"
	"strings"
)

// claim is a host that a route has.
type claim struct {
	of    *route
	host  string
	place int // in the order in which they were added
}

// claims are hosts that routes have, found by what they have in common with another one.
// The zero value is empty.
type claims struct {
	all   []*claim
	hosts map[string]*claim // the first of each
	below map[string]*claim // the first that is below a suffix such as ".example.com"
}

// add adds a claim.
func (c *claims) add(of *route, host string) {
	if c.hosts == nil {
		c.hosts, c.below = map[string]*claim{}, map[string]*claim{}
	}
	own := &claim{of, host, len(c.all)}
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

// find returns the first claim that has a name in common with a host (common); nil if
// none has.
func (c *claims) find(host string) *claim {
	if host == "*" && len(c.all) > 0 {
		return c.all[0]
	}
	found := c.hosts[host]
	consider := func(other *claim) {
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
