// SPDX-License-Identifier: Apache-2.0

package access

import "strings"

// pattern is a path with stars: "*" is one segment that is not empty, "**" at the
// end is all segments that follow, also none.
type pattern struct {
	segments []string
	rest     bool // it ends in "**"
}

func newPattern(s string) pattern {
	segments := strings.Split(strings.TrimPrefix(s, "/"), "/")
	last := len(segments) - 1
	if segments[last] == "**" {
		return pattern{segments[:last], true}
	}
	return pattern{segments, false}
}

// fits judges the one form of a path.
func (p *pattern) fits(path string) bool {
	rest, more := strings.CutPrefix(path, "/")
	for _, want := range p.segments {
		if !more {
			return false
		}
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		if segment != want && (want != "*" || segment == "") {
			return false
		}
	}
	return p.rest || !more
}
