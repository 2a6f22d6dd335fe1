// SPDX-License-Identifier: Apache-2.0

package route

import (
	"iter"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// Outcome is what became of a match that was looked at. The zero value is none.
type Outcome uint8

// The outcomes.
const (
	Taken       Outcome = 1 + iota
	Later               // it fits, and comes after the one that was taken
	OtherHost           // it fits the path, and routes of a more specific host keep it out
	OtherMethod         // another method is asked for
	OtherPath           // its expression does not fit
	OtherHeader         // a header line is missing, or another
	OtherQuery          // a parameter is missing, or another
)

// Tried is one match that was looked at for a request.
type Tried struct {
	Route, Match int    // positions in the snapshot's Routes, and in its Matches
	Host         string // for which it is: "shop.example.com", "*.example.com", "*"
	Outcome      Outcome
	What         string // the name of the header line or parameter that does not fit
}

// Trace says what Find looks at, in its order: first what there is for the path, and then
// what less specific hosts have for it, which is never taken. Routes of other paths are
// left out, but for expressions. It is for people who ask why, and costs more than Find.
func (x *Index) Trace(listener string, f *request.Form) []Tried {
	h := x.listeners[listener]
	if h == nil {
		return nil
	}
	var out []Tried
	taken, own := false, true
	for host, p := range h.Fitting(f.Host) {
		for c := range p.candidates(f) {
			t := Tried{Route: c.route, Match: c.match, Host: host}
			switch t.Outcome, t.What = c.miss(f); {
			case t.Outcome != Taken:
			case !own:
				t.Outcome = OtherHost
			case taken:
				t.Outcome = Later
			default:
				taken = true
			}
			out = append(out, t)
		}
		own = false
	}
	return out
}

// candidates are all that have the path of a request, in the order in which they are asked.
func (p *paths) candidates(f *request.Form) iter.Seq[*candidate] {
	lists := [][]candidate{p.exact.of(f.Path), p.regexes}
	for at := p.longest(f.Path); ; at = at[:strings.LastIndexByte(at, '/')] {
		lists = append(lists, p.prefixes.of(at))
		if at == "" {
			break
		}
	}
	return func(yield func(*candidate) bool) {
		for _, list := range lists {
			for i := range list {
				if !yield(&list[i]) {
					return
				}
			}
		}
	}
}

// miss says why a candidate does not fit; Taken if it does.
func (c *candidate) miss(f *request.Form) (why Outcome, what string) {
	switch {
	case c.fits(f):
		return Taken, ""
	case c.path != nil && !c.path.MatchString(f.Path):
		return OtherPath, ""
	case c.method != "" && c.method != f.Method:
		return OtherMethod, ""
	}
	for i := range c.headers {
		if h := &c.headers[i]; !slices.ContainsFunc(f.Header[h.name], h.is) {
			return OtherHeader, h.name
		}
	}
	for i := range c.query {
		if q := &c.query[i]; !q.inQuery(f.Query) {
			return OtherQuery, q.name
		}
	}
	return Later, "" // nothing of it is known to be wrong
}
