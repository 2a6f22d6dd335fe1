// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"
	"testing"
)

// TestAGuestTellsOfWhatItLeadsTo: what a policy of another group tells counts for the
// Services of its routes, and what one of the group does for all of the group.
func TestAGuestTellsOfWhatItLeadsTo(t *testing.T) {
	t.Parallel()
	to := func(name, policy, backend string) Route {
		return Route{Name: "httproute/" + name + "/0/l", Access: []string{"accesspolicy/" + policy}, Target: Target{Backends: []Weighted{{Name: backend}}, Request: HeaderEdit{Set: map[string]string{"X-Tenant": "a"}}}}
	}
	shop := func(service string) Route { return to("shop/own", "shop/reads", "shop/"+service+"/80") }
	for name, tc := range map[string]struct {
		tells          Route // by other/tells or shop/tells
		own            Route
		gateway        bool // the listener's policy tells, too
		deleted, taken string
		hides, yields  bool
	}{
		"a guest, of another Service":           {tells: to("other/guest", "other/tells", "shop/orders/80"), own: shop("api")},
		"a guest, of the Service":               {tells: to("other/guest", "other/tells", "shop/orders/80"), own: shop("orders"), deleted: "X-Tenant", hides: true, yields: true},
		"a guest, of another port of it":        {tells: to("other/guest", "other/tells", "shop/orders/8080/h2c"), own: shop("orders"), deleted: "X-Tenant", hides: true, yields: true},
		"who is of the group":                   {tells: to("shop/route", "shop/tells", "shop/orders/80"), own: shop("api"), deleted: "X-Tenant", taken: "X-Tenant", hides: true},
		"who is of the group, by a guest":       {tells: to("other/guest", "shop/tells", "shop/orders/80"), own: shop("api"), deleted: "X-Tenant", taken: "X-Tenant", hides: true},
		"a guest, beside the listener":          {tells: to("other/guest", "other/tells", "shop/orders/80"), own: shop("api"), gateway: true, deleted: "X-Tenant", taken: "X-Tenant"},
		"another guest writes":                  {tells: to("other/guest", "other/tells", "shop/orders/80"), own: to("bank/guest", "bank/reads", "shop/orders/80"), deleted: "X-Tenant", taken: "X-Tenant"},
		"a guest writes, of another Service":    {tells: to("other/guest", "other/tells", "shop/orders/80"), own: to("bank/guest", "bank/reads", "shop/api/80")},
		"a guest writes what the group tells":   {tells: to("shop/route", "shop/tells", "shop/orders/80"), own: to("bank/guest", "bank/reads", "shop/api/80"), deleted: "X-Tenant", taken: "X-Tenant"},
		"who is elsewhere is let be by a guest": {tells: to("other/guest", "other/tells", "shop/orders/80"), own: to("other/own", "other/reads", "other/orders/80")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &Snapshot{Listeners: []Listener{{Name: "l"}}, Routes: []Route{tc.tells, tc.own}}
			for _, namespace := range []string{"shop", "other"} {
				s.AccessPolicies = append(s.AccessPolicies, telling("accesspolicy/"+namespace+"/tells", "X-Tenant"), asking("accesspolicy/"+namespace+"/reads", "X-Tenant"))
			}
			if s.AccessPolicies = append(s.AccessPolicies, telling("accesspolicy/infra/tells", "X-Tenant")); tc.gateway {
				s.Listeners[0].Access = []string{"accesspolicy/infra/tells"}
			}
			if got := strings.Join(s.IdentityHeadersOfRoutes()[1], " "); got != tc.deleted {
				t.Errorf("deleted: %q, want %q", got, tc.deleted)
			}
			teller, reader := tc.tells.Access[0], tc.own.Access[0]
			if a := s.Audience(); strings.Contains(reader, "/shop/") && (a.Hides(teller, reader) != tc.hides || a.HidesAtHome(teller, reader, reader) != tc.yields) {
				t.Errorf("hides: %t, want %t; at home: %t, want %t", a.Hides(teller, reader), tc.hides, a.HidesAtHome(teller, reader, reader), tc.yields)
			}
			if got := strings.Join(s.Unwrite()[1], " "); got != tc.taken {
				t.Errorf("taken: %q, want %q", got, tc.taken)
			}
		})
	}
}

// TestNoGuestTellsInLinesOfItsHost, whoever's policy it has do so; in other lines it does, and
// so does who belongs there.
func TestNoGuestTellsInLinesOfItsHost(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		route   string // that has the policy tell
		policy  string
		line    string
		gateway bool // the listener tells, and not the host
		mode    Mode // of the listener's policy
		own     bool // the host has a policy all the same, which tells nothing
		want    string
	}{
		"a guest":                           {route: "other/guest", policy: "other/own", line: "X-User", want: "X-User"},
		"a guest, in another form":          {route: "other/guest", policy: "other/own", line: "x_user", want: "x_user"},
		"a guest, in another line":          {route: "other/guest", policy: "other/own", line: "X-Role"},
		"a guest, by a third one's policy":  {route: "other/guest", policy: "bank/own", line: "X-User", want: "X-User"},
		"a guest, by a policy of the host":  {route: "other/guest", policy: "shop/own", line: "X-User"},
		"the host":                          {route: "shop/route", policy: "shop/own", line: "X-User"},
		"the host, by another one's policy": {route: "shop/route", policy: "bank/own", line: "X-User"},
		"a guest, where the listener tells": {route: "other/guest", policy: "other/own", line: "X-User", gateway: true, want: "X-User"},

		"a guest, where the listener's Default tells of the host":          {route: "other/guest", policy: "other/own", line: "X-User", gateway: true, mode: Default, want: "X-User"},
		"a guest, where the listener's Default gives way to the host, too": {route: "other/guest", policy: "other/own", line: "X-User", gateway: true, mode: Default, own: true},
		"a guest, where the listener enforces it for the host's own":       {route: "other/guest", policy: "other/own", line: "X-User", gateway: true, own: true, want: "X-User"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := Route{Name: "httproute/shop/host/0/l", Access: []string{"accesspolicy/shop/users"}, Target: Target{Backends: []Weighted{{Name: "shop/api/80"}}}}
			s := &Snapshot{Listeners: []Listener{{Name: "l"}}, AccessPolicies: []AccessPolicy{telling("accesspolicy/shop/users", "X-User"), telling("accesspolicy/"+tc.policy, tc.line)}}
			if tc.gateway {
				s.Listeners[0].Access, host.Access, s.AccessPolicies[0].Mode = host.Access, nil, tc.mode
			}
			if tc.own {
				host.Access = []string{"accesspolicy/shop/reads"}
				s.AccessPolicies = append(s.AccessPolicies, asking(host.Access[0], "X-Key"))
			}
			s.Routes = []Route{host, {Name: "httproute/" + tc.route + "/0/l", Access: []string{"accesspolicy/" + tc.policy}, Target: Target{Backends: []Weighted{{Name: "other/x/80"}, {Name: "shop/orders/80"}}}}}
			got := s.Usurped()
			if strings.Join(got[1], " ") != tc.want || len(got[0]) > 0 {
				t.Errorf("got %v, want %q", got, tc.want)
			}
		})
	}
}
