// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// TestSharesOfARouteAreServed: each backend with changes of its own, a status in the
// place of one, and a time for each attempt.
func TestSharesOfARouteAreServed(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	stop := make(chan struct{})
	snap := snapshot(backend(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch r.URL.Path {
		case "/slow":
			select {
			case <-stop:
			case <-r.Context().Done():
			}
		case "/failing":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			w.Header().Set("X-Mine", "backend")
			echo(w, r)
		}
	}))
	defer close(stop)
	all := snap.Routes[0].Target
	at := func(path string, change func(*config.Target)) config.Route {
		r := config.Route{Name: strings.TrimPrefix(path, "/"), Matches: []config.Match{{Path: config.PathMatch{Prefix: path}}}, Target: all}
		change(&r.Target)
		return r
	}
	nothing := 0
	snap.Routes = []config.Route{
		at("/edited", func(g *config.Target) {
			g.Request, g.Response = config.HeaderEdit{Set: map[string]string{"X-A": "route"}}, config.HeaderEdit{Set: map[string]string{"X-Mine": "route"}}
			g.Backends = []config.Weighted{{
				Name: "b", Request: config.HeaderEdit{Add: map[string]string{"X-A": "share"}}, Response: config.HeaderEdit{Add: map[string]string{"X-Mine": "share"}},
			}}
		}),
		at("/status", func(g *config.Target) { g.Backends = []config.Weighted{{Status: 500}} }),
		at("/weightless", func(g *config.Target) { g.Backends = []config.Weighted{{Status: 500, Weight: &nothing}, {Name: "b"}} }),
		at("/slow", func(g *config.Target) { g.AttemptTimeout = config.Duration(50 * time.Millisecond) }),
		at("/failing", func(g *config.Target) {
			g.Retry = &config.Retry{Attempts: 2, On: []string{"500"}, Budget: 100, Backoff: config.Duration(time.Millisecond)}
		}),
		at("/half", func(g *config.Target) { g.Backends = []config.Weighted{{Name: "b"}, {Status: 501}} }),
	}
	_, addresses := start(t, snap)
	ask := func(path string) string {
		return raw(t, addresses["plain"], "GET "+path+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	}
	for path, want := range map[string][]string{
		"/edited":     {"HTTP/1.1 200 ", "\r\nX-Mine: route\r\nX-Mine: share\r\n", "X-A: route\r\nX-A: share\r\n"},
		"/status":     {"HTTP/1.1 500 ", `"reason":"no-backend"`},
		"/weightless": {"HTTP/1.1 200 "},
		"/slow":       {"HTTP/1.1 504 ", `"reason":"backend-timeout"`},
	} {
		got := ask(path)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: there is no %q in\n%s", path, w, got)
			}
		}
	}
	before := asked.Load()
	if got := ask("/failing"); !strings.HasPrefix(got, "HTTP/1.1 500 ") || asked.Load() != before+3 {
		t.Errorf("the backend was asked %d times: %s", asked.Load()-before, got)
	}
	const tries = 200
	served := 0
	for range tries {
		if strings.HasPrefix(ask("/half"), "HTTP/1.1 200 ") {
			served++
		}
	}
	if served < tries/5 || served > tries*4/5 { // one of 10^17 runs
		t.Errorf("%d of %d were served, want a half", served, tries)
	}
}
