// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// TestWhatHasNoRoomToBeClosedFallsToNobody: the host of such a route is closed for all of its
// namespace, and for no other one.
func TestWhatHasNoRoomToBeClosedFallsToNobody(t *testing.T) {
	t.Parallel()
	for what, tc := range map[string]struct {
		closed int // bytes that the namespace has already, of what closes
		want   []string
	}{
		"its paths have room": {0, []string{
			"httproute/big/old/0/http-80 shop,www 0 /", "httproute/other/old/0/http-80 shop 0 /", "httproute/big/young/0/http-80 shop 500 /admin", "httproute/big/young/1/http-80 shop 500 /more", "httproute/big/youngest/0/http-80 shop 500 /last",
		}},
		"its paths have none": {maxClosed, []string{
			"httproute/big/old/0/http-80 www 0 /", "httproute/other/old/0/http-80 shop 0 /", "httproute/big/young/0/http-80 shop 500 ",
		}},
		"its host has none": {maxClosed + maxHosts, []string{
			"httproute/big/old/0/http-80 shop,www 0 /", "httproute/other/old/0/http-80 shop 0 /",
		}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := &snapshotBuilder{out: &config.Snapshot{}, gateway: &gateway{}, budget: newBudget(), policies: &policies{}, shut: map[shutHost]bool{}, shutters: map[string]bool{}, backends: map[string]bool{}, guards: map[any]bool{}}
			add := func(namespace, name string, hosts []string, paths ...string) *route {
				r := &route{of: httpRouteKind, name: Name{Namespace: namespace, Name: name}, parents: []*parent{{gateway: b.gateway}}}
				for _, path := range paths {
					r.rules = append(r.rules, rule{matches: []config.Match{{Path: config.PathMatch{Prefix: path}}}, Target: config.Target{Backends: []config.Weighted{{Name: "a"}}}})
				}
				b.rules(r, &port{name: "http-80", number: 80}, hosts)
				return r
			}
			hosts := []string{"shop", "www"}
			old := add("big", "old", hosts, "/")
			other := add("other", "old", []string{"shop"}, "/")
			b.budget.served["big"], b.budget.closed["big"] = maxOfNamespace, tc.closed
			left := []*route{add("big", "young", []string{"shop"}, "/admin", "/more"), add("big", "youngest", []string{"shop"}, "/last")}
			b.lose()
			got := summaries(b.out.Routes)
			if !slices.Equal(got, tc.want) || len(b.origins) != len(got) {
				t.Errorf("got %q of %d, want %q", got, len(b.origins), tc.want)
			}
			told := func(r *route) bool { return len(r.parents[0].conditions.all()) > 0 }
			for _, r := range left {
				if !told(r) {
					t.Errorf("%s is not told", r.name)
				}
			}
			if told(other) || told(old) != (tc.closed == maxClosed) || !slices.Equal(hosts, []string{"shop", "www"}) {
				t.Errorf("told: %v, and the other %v; hosts are %v", told(old), told(other), hosts)
			}
		})
	}
}

// summaries are the name of each route, its hosts, with what it answers, and its path.
func summaries(routes []config.Route) []string {
	out := make([]string, 0, len(routes))
	for i := range routes {
		path := ""
		if len(routes[i].Matches) > 0 {
			path = routes[i].Matches[0].Path.Prefix
		}
		out = append(out, fmt.Sprintf("%s %s %d %s", routes[i].Name, strings.Join(routes[i].Hosts, ","), routes[i].Backends[0].Status, path))
	}
	return out
}
