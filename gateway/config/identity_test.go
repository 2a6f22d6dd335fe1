// SPDX-License-Identifier: Apache-2.0

package config

import (
	"maps"
	"reflect"
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

// TestNoListenerIsAWayAroundWhatAnotherOneTells, by hosts and by routes of all listeners,
// too; what leads elsewhere is let be.
func TestNoListenerIsAWayAroundWhatAnotherOneTells(t *testing.T) {
	t.Parallel()
	to := func(backend string, listeners ...string) Route {
		return Route{Name: backend + strings.Join(listeners, ""), Listeners: listeners, Target: Target{Backends: []Weighted{{Name: backend}}}}
	}
	for name, tc := range map[string]struct {
		routes []Route
		want   string // of the last one
	}{
		"one route at all listeners":         {[]Route{to("a")}, "X-Host X-User"},
		"a route at the one that tells":      {[]Route{to("a", "tells")}, "X-User"},
		"another one of its backend":         {[]Route{to("a", "tells"), to("a", "silent")}, "X-User"},
		"another one, and a host tells":      {[]Route{to("a", "host"), to("a", "silent")}, "X-Host"},
		"another one of another backend":     {[]Route{to("a", "tells"), to("b", "silent")}, ""},
		"another port of its namespace":      {[]Route{to("shop/orders/80", "tells"), to("shop/orders/8080", "silent")}, "X-User"},
		"another protocol of its namespace":  {[]Route{to("shop/orders/80", "tells"), to("shop/orders/80/h2c", "silent")}, "X-User"},
		"another Service of its namespace":   {[]Route{to("shop/orders/80", "tells"), to("shop/orders-stable/80", "silent")}, "X-User"},
		"another namespace":                  {[]Route{to("shop/orders/80", "tells"), to("shop2/orders/80", "silent")}, ""},
		"the other listener asks for a key":  {[]Route{to("a", "tells"), to("a", "asks")}, "X-User"},
		"a listener that tells nothing":      {[]Route{to("a", "asks"), to("a", "silent")}, ""},
		"both listeners of one route":        {[]Route{to("a", "tells", "silent")}, "X-User"},
		"copies for who is told by listener": {[]Route{to("a", "tells"), {Name: "m", Listeners: []string{"silent"}, Target: Target{Mirrors: []Mirror{{Backend: "a"}}}}}, "X-User"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &Snapshot{
				Listeners: []Listener{
					{Name: "tells", Access: []string{"user"}},
					{Name: "host", ForHosts: []HostPolicies{{Access: []string{"host"}}}},
					{Name: "asks", Access: []string{"key"}},
					{Name: "silent"},
				},
				AccessPolicies: []AccessPolicy{telling("user", "X-User"), telling("host", "X-Host"), asking("key", "X-Key")},
				Routes:         tc.routes,
			}
			all := s.IdentityHeadersOfRoutes()
			if got := strings.Join(all[len(all)-1], " "); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestNoRouteWritesWhatAPolicyOfOthersTells, in whichever form a backend would take for it;
// all else it does.
func TestNoRouteWritesWhatAPolicyOfOthersTells(t *testing.T) {
	t.Parallel()
	value := map[string]string{"X-User": "root", "x_user": "root", "X-Role": "any"}
	edit := HeaderEdit{Set: value, Add: map[string]string{"X-USER": "root"}, Remove: []string{"X-User"}}
	for name, tc := range map[string]struct {
		told  Route
		by    Route
		took  string
		wrote string // of the route, and of its backend
	}{
		"another route to the backend":    {Route{Access: []string{"user"}}, Route{Target: Target{Request: edit}}, "X-USER X-User x_user", "X-Role"},
		"its backend, where that is said": {Route{Access: []string{"user"}}, Route{Target: Target{Backends: []Weighted{{Name: "shop/b/80", Request: edit}}}}, "X-USER X-User x_user", "X-Role"},
		"of another namespace":            {Route{Access: []string{"user"}}, Route{Target: Target{Request: edit, Backends: []Weighted{{Name: "bank/a/80"}}}}, "", "X-Role X-USER X-User x_user"},
		"a route of the policy":           {Route{Access: []string{"user"}}, Route{Access: []string{"user"}, Target: Target{Request: edit}}, "", "X-Role X-USER X-User x_user"},
		"a route of another policy":       {Route{Access: []string{"user"}}, Route{Access: []string{"key"}, Target: Target{Request: edit}}, "X-USER X-User x_user", "X-Role"},
		"where nothing is told":           {Route{Access: []string{"key"}}, Route{Target: Target{Request: edit}}, "", "X-Role X-USER X-User x_user"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.told.Name, tc.told.Backends = "told", []Weighted{{Name: "shop/a/80"}}
			if tc.by.Name = "by"; tc.by.Backends == nil {
				tc.by.Backends = []Weighted{{Name: "shop/a/80"}}
			}
			s := &Snapshot{AccessPolicies: []AccessPolicy{telling("user", "X-User"), asking("key", "X-Key")}, Routes: []Route{tc.told, tc.by}}
			before := slices.Clone(tc.by.Backends)
			took := s.Unwrite()
			if got := strings.Join(took[1], " "); got != tc.took || len(took[0]) > 0 {
				t.Errorf("took %v, want %q", took, tc.took)
			}
			var wrote []string
			for _, e := range []HeaderEdit{s.Routes[1].Request, s.Routes[1].Backends[0].Request} {
				wrote = slices.Concat(wrote, slices.Collect(maps.Keys(e.Set)), slices.Collect(maps.Keys(e.Add)))
			}
			slices.Sort(wrote)
			want := strings.Fields(tc.wrote)
			slices.Sort(want)
			if !slices.Equal(wrote, want) {
				t.Errorf("it writes %v, want %v", wrote, want)
			}
			if len(value) != 3 || !reflect.DeepEqual(before, tc.by.Backends) {
				t.Error("what others share was written to")
			}
		})
	}
}

// TestALineIsToldOrAsked: no policy can ask for what another one has deleted before, and may
// for what it does not.
func TestALineIsToldOrAsked(t *testing.T) {
	t.Parallel()
	to := func(name, backend string, access ...string) Route {
		return Route{Name: name, Access: access, Target: Target{Backends: []Weighted{{Name: backend}}}}
	}
	at := func(listener string, r Route) Route {
		r.Listeners = []string{listener}
		return r
	}
	for name, tc := range map[string]struct {
		listener Listener
		beside   Listener // another one
		routes   []Route
		told     string // the line of the policy that tells
		clash    bool
	}{
		"one route has both":                            {routes: []Route{to("r", "a", "tells", "reads")}, clash: true},
		"one route has both, of two lines":              {routes: []Route{to("r", "a", "tells", "reads")}, told: "X-Other"},
		"one route has both, in another case":           {routes: []Route{to("r", "a", "tells", "reads")}, told: "x-KEY", clash: true},
		"two routes lead to one backend":                {routes: []Route{to("r", "a", "tells"), to("s", "a", "reads")}, clash: true},
		"two routes lead to two backends":               {routes: []Route{to("r", "a", "tells"), to("s", "b", "reads")}},
		"two routes lead to one namespace":              {routes: []Route{to("r", "shop/a/80", "tells"), to("s", "shop/b/80", "reads")}, clash: true},
		"two routes lead to two namespaces":             {routes: []Route{to("r", "shop/a/80", "tells"), to("s", "bank/a/80", "reads")}},
		"the listener tells, and a route asks":          {listener: Listener{Access: []string{"tells"}}, routes: []Route{to("s", "b", "reads")}, clash: true},
		"a host tells, and a route asks":                {listener: Listener{ForHosts: []HostPolicies{{Access: []string{"tells"}}}}, routes: []Route{to("s", "b", "reads")}, clash: true},
		"the listener asks, and a route tells":          {listener: Listener{Access: []string{"reads"}}, routes: []Route{to("r", "a", "tells")}},
		"so it does, and another route of that backend": {listener: Listener{Access: []string{"reads"}}, routes: []Route{to("r", "a", "tells"), to("s", "a")}, clash: true},
		"so it does, and another route elsewhere":       {listener: Listener{Access: []string{"reads"}}, routes: []Route{to("r", "a", "tells"), to("s", "b")}},
		"another listener tells of the backend":         {listener: Listener{Access: []string{"reads"}}, beside: Listener{Access: []string{"tells"}}, routes: []Route{to("r", "a")}, clash: true},
		"it does, and a route of that backend asks":     {beside: Listener{Access: []string{"tells"}}, routes: []Route{at("m", to("r", "a")), at("l", to("s", "a", "reads"))}, clash: true},
		"it does, of another backend":                   {listener: Listener{Access: []string{"reads"}}, beside: Listener{Access: []string{"tells"}}, routes: []Route{at("m", to("r", "a")), at("l", to("s", "b"))}},
		"clients may not say it at all":                 {listener: Listener{Access: []string{"reads"}, Client: Client{Headers: Headers{Identity: []string{"X-Key"}}}}, routes: []Route{to("r", "a", "tells")}, clash: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			line := tc.told
			if line == "" {
				line = "X-Key"
			}
			tc.listener.Name, tc.beside.Name = "l", "m"
			s := &Snapshot{Listeners: []Listener{tc.listener, tc.beside}, Routes: tc.routes, AccessPolicies: []AccessPolicy{telling("tells", line), asking("reads", "X-Key")}}
			v := &validator{}
			v.colliding(s)
			if got := slices.ContainsFunc(v.faults, func(f Error) bool { return strings.Contains(f.What, "no client's arrives") }); got != tc.clash {
				t.Errorf("faults: %v", v.faults)
			}
		})
	}
}
