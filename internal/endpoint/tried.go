// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
	"github.com/gatehouse-sh/gatehouse/gateway/route"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// tried puts into words what became of a match.
func (s *served) tried(t *route.Tried, all []route.Tried) Tried {
	r := &s.snapshot.Routes[t.Route]
	out := Tried{Route: originOf(r.Name, map[inventory.Key]bool{}), Host: t.Host, Match: everyPath, Taken: t.Outcome == route.Taken}
	m := matchAt(r, t.Match)
	out.Match = matchText(m)
	switch t.Outcome {
	case route.Taken:
	case route.Later:
		out.Why = s.later(m, all)
	case route.OtherHost:
		out.Why = "a more specific name than " + t.Host + " has routes of its own, or is a listener's"
	case route.OtherMethod:
		out.Why = "another method"
	case route.OtherPath:
		out.Why = "the expression does not fit the path"
	case route.OtherHeader:
		out.Why = "header " + t.What + " is missing, or another"
	case route.OtherQuery:
		out.Why = "parameter " + t.What + " is missing, or another"
	}
	return out
}

func matchAt(r *config.Route, at int) *config.Match {
	if at < len(r.Matches) {
		return &r.Matches[at]
	}
	return &config.Match{} // every request
}

// later says why a match that fits comes after the one that was taken.
func (s *served) later(m *config.Match, all []route.Tried) string {
	i := slices.IndexFunc(all, func(t route.Tried) bool { return t.Outcome == route.Taken })
	if i < 0 {
		return "it comes later"
	}
	won := matchAt(&s.snapshot.Routes[all[i].Route], all[i].Match)
	if won.Path == m.Path && (won.Method == "") == (m.Method == "") && len(won.Headers) == len(m.Headers) && len(won.Query) == len(m.Query) {
		return "as specific as the one that is taken, and of a younger route, or one with a later name, or later in the same route"
	}
	return "less specific than the one that is taken"
}

// sent is what the backend is asked for, where that is not what was asked.
func sent(r *config.Route, f *request.Form, prefix string) string {
	w := r.Rewrite
	if w == nil {
		return ""
	}
	host, path := f.Host, f.Path
	if w.Host != "" {
		host = w.Host
	}
	switch {
	case w.Path != "":
		path = w.Path
	case w.Prefix != "":
		path = strings.TrimSuffix(w.Prefix, "/") + strings.TrimPrefix(f.Path, prefix)
		if path == "" {
			path = "/"
		}
	}
	return host + path
}

// Routed tells whether a listener has a rule for the request.
func (t *Trace) Routed() bool {
	return slices.ContainsFunc(t.Answers, func(a Answer) bool { return a.Status == 0 })
}
