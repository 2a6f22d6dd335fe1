// SPDX-License-Identifier: Apache-2.0

package route

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// taken is the route that a trace says is taken; -1 if there is none. Every other one
// has a reason.
func taken(trace []Tried) int {
	out := -1
	for _, t := range trace {
		switch {
		case t.Outcome == 0:
			return -2
		case t.Outcome == Taken && out >= 0:
			return -3
		case t.Outcome == Taken:
			out = t.Route
		}
	}
	return out
}

// TestWhatWasLookedAtIsTold: what lost, in the order in which it was asked, and why.
func TestWhatWasLookedAtIsTold(t *testing.T) {
	t.Parallel()
	prefix := func(p, method string) config.Match {
		return config.Match{Path: config.PathMatch{Prefix: p}, Method: method}
	}
	with := func(m config.Match, header, query string) config.Match {
		if header != "" {
			m.Headers = []config.ValueMatch{{Name: header, Exact: "1"}}
		}
		if query != "" {
			m.Query = []config.ValueMatch{{Name: query, Exact: "1"}}
		}
		return m
	}
	on := func(host string, matches ...config.Match) config.Route {
		return config.Route{Hosts: []string{host}, Matches: matches}
	}
	x := index(t,
		on("a.example.com", prefix("/", "")),
		on("a.example.com", prefix("/api", ""), with(prefix("/api", "GET"), "X-V", "")),
		on("a.example.com", with(prefix("/api", ""), "", "q")),
		on("a.example.com", config.Match{Path: config.PathMatch{Regex: "/other"}}),
		on("a.example.com", prefix("/api", "PUT")),
		on("a.example.com", prefix("/elsewhere", "")),
		on("*.example.com", prefix("/", "")),
	)
	got := x.Trace("web", asked("GET", "a.example.com", "/api/x", http.Header{}))
	want := []Tried{
		{Route: 3, Host: "a.example.com", Outcome: OtherPath},
		{Route: 1, Match: 1, Host: "a.example.com", Outcome: OtherHeader, What: "X-V"},
		{Route: 4, Host: "a.example.com", Outcome: OtherMethod},
		{Route: 2, Host: "a.example.com", Outcome: OtherQuery, What: "q"},
		{Route: 1, Host: "a.example.com", Outcome: Taken},
		{Route: 0, Host: "a.example.com", Outcome: Later},
		{Route: 6, Host: "*.example.com", Outcome: OtherHost},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := x.Trace("web", asked("GET", "b.example.com", "/api", nil)); len(got) != 1 || got[0].Route != 6 || got[0].Outcome != Taken {
		t.Errorf("a host without routes of its own: %v", got)
	}
	if got := x.Trace("nowhere", asked("GET", "a.example.com", "/", nil)); got != nil {
		t.Errorf("a listener that there is not: %v", got)
	}
}
