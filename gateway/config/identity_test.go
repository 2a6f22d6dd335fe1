// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strings"
	"testing"
)

// telling is a policy that tells backends who asks in some lines, and asking one that
// finds keys in a line.
func telling(name string, lines ...string) AccessPolicy {
	out := AccessPolicy{Name: name, Forward: Forward{ClaimsToHeaders: map[string]string{}}}
	for _, l := range lines {
		out.Forward.ClaimsToHeaders[l] = l
	}
	return out
}

func asking(name, line string) AccessPolicy {
	return AccessPolicy{Name: name, Authentication: Authentication{AnyOf: []Authenticator{{Name: "key", APIKey: &APIKey{From: HeaderSource{Header: line}}}}}}
}

// TestNoClientCanSendWhatTellsWhoAsks, of all that is asked of a listener what its policies
// tell, and of a route what those of it and of its backends do.
func TestNoClientCanSendWhatTellsWhoAsks(t *testing.T) {
	t.Parallel()
	verified := AccessPolicy{Name: "verified", ExternalAuth: &ExternalAuth{HTTP: &ExternalHTTP{ExternalHeaders: ExternalHeaders{ResponseHeaders: []string{"X-Verified"}}}}}
	s := &Snapshot{
		AccessPolicies: []AccessPolicy{telling("gateway", "X-User", "X-Tenant"), telling("host", "X-Host"), verified, telling("route", "X-Route"), telling("unnamed", "X-Unnamed")},
		Routes: []Route{
			{Name: "guarded", Access: []string{"route"}, Target: Target{Backends: []Weighted{{Name: "b"}}}},
			{Name: "beside", Target: Target{Backends: []Weighted{{Name: "a"}, {Name: "b"}}}},
			{Name: "copies", Target: Target{Backends: []Weighted{{Name: "a"}}, Mirrors: []Mirror{{Backend: "b"}}}},
			{Name: "apart", Target: Target{Backends: []Weighted{{Name: "a"}}}},
			{Name: "away", Access: []string{"verified"}, Target: Target{Redirect: &Redirect{Host: "example.com"}}},
		},
	}
	l := &Listener{Client: Client{Headers: Headers{Identity: []string{"X-Own"}}}, Access: []string{"gateway"}, ForHosts: []HostPolicies{{Access: []string{"host"}}}}
	if got := strings.Join(s.IdentityHeaders(l), " "); got != "X-Host X-Own X-Tenant X-User" {
		t.Errorf("of the listener: %s", got)
	}
	got := s.IdentityHeadersOfRoutes()
	for i, want := range []string{"X-Route", "X-Route", "X-Route", "", "X-Verified"} {
		if strings.Join(got[i], " ") != want {
			t.Errorf("of route %s: %v, want %q", s.Routes[i].Name, got[i], want)
		}
	}
	if got := (&Snapshot{Routes: s.Routes}).IdentityHeadersOfRoutes(); got != nil {
		t.Errorf("without policies: %v", got)
	}
}

// TestALineIsToldOrAsked: no policy can ask for what another one has deleted before, and may
// for what it does not.
func TestALineIsToldOrAsked(t *testing.T) {
	t.Parallel()
	to := func(name, backend string, access ...string) Route {
		return Route{Name: name, Access: access, Target: Target{Backends: []Weighted{{Name: backend}}}}
	}
	for name, tc := range map[string]struct {
		listener Listener
		routes   []Route
		told     string // the line of the policy that tells
		clash    bool
	}{
		"one route has both":                            {routes: []Route{to("r", "a", "tells", "reads")}, clash: true},
		"one route has both, of two lines":              {routes: []Route{to("r", "a", "tells", "reads")}, told: "X-Other"},
		"one route has both, in another case":           {routes: []Route{to("r", "a", "tells", "reads")}, told: "x-KEY", clash: true},
		"two routes lead to one backend":                {routes: []Route{to("r", "a", "tells"), to("s", "a", "reads")}, clash: true},
		"two routes lead to two backends":               {routes: []Route{to("r", "a", "tells"), to("s", "b", "reads")}},
		"the listener tells, and a route asks":          {listener: Listener{Access: []string{"tells"}}, routes: []Route{to("s", "b", "reads")}, clash: true},
		"a host tells, and a route asks":                {listener: Listener{ForHosts: []HostPolicies{{Access: []string{"tells"}}}}, routes: []Route{to("s", "b", "reads")}, clash: true},
		"the listener asks, and a route tells":          {listener: Listener{Access: []string{"reads"}}, routes: []Route{to("r", "a", "tells")}},
		"so it does, and another route of that backend": {listener: Listener{Access: []string{"reads"}}, routes: []Route{to("r", "a", "tells"), to("s", "a")}, clash: true},
		"so it does, and another route elsewhere":       {listener: Listener{Access: []string{"reads"}}, routes: []Route{to("r", "a", "tells"), to("s", "b")}},
		"clients may not say it at all":                 {listener: Listener{Access: []string{"reads"}, Client: Client{Headers: Headers{Identity: []string{"X-Key"}}}}, routes: []Route{to("r", "a", "tells")}, clash: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			line := tc.told
			if line == "" {
				line = "X-Key"
			}
			tc.listener.Name = "l"
			s := &Snapshot{Listeners: []Listener{tc.listener}, Routes: tc.routes, AccessPolicies: []AccessPolicy{telling("tells", line), asking("reads", "X-Key")}}
			v := &validator{}
			v.colliding(s)
			if got := slices.ContainsFunc(v.faults, func(f Error) bool { return strings.Contains(f.What, "no client's arrives") }); got != tc.clash {
				t.Errorf("faults: %v", v.faults)
			}
		})
	}
}
