// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// TestPoliciesOfAHost: forHosts of a listener are for what is asked for that host, with a
// route or without, and for no other one.
func TestPoliciesOfAHost(t *testing.T) {
	t.Parallel()
	snap := snapshot(backend(t, echo))
	snap.Listeners = snap.Listeners[:1]
	l := &snap.Listeners[0]
	l.Hosts = []string{"*", "*.example.com", "a.example.com", "d.example.com"}
	l.Access = []string{"usual"}
	l.ForHosts = []config.HostPolicies{
		{Host: "a.example.com", Access: []string{"known"}},
		{Host: "*.example.com", Traffic: []string{"broken"}},
		{Host: "d.example.com", Access: []string{"instead"}},
	}
	for i, host := range l.Hosts {
		snap.Routes = append(snap.Routes, config.Route{Name: fmt.Sprintf("host-%d", i), Hosts: []string{host}, Matches: []config.Match{{Path: config.PathMatch{Prefix: "/there"}}}, Target: snap.Routes[0].Target})
	}
	snap.Routes = append(snap.Routes[1:], config.Route{Name: "own", Hosts: []string{"d.example.com"}, Matches: []config.Match{{Path: config.PathMatch{Prefix: "/own"}}}, Target: snap.Routes[0].Target, Access: []string{"anybody"}})
	nobody := config.Authentication{AnyOf: []config.Authenticator{{Name: "nobody", Anonymous: &config.Anonymous{}}}}
	allow := config.Authorization{Rules: []config.AccessRule{{Name: "all", Allow: &config.Condition{}}}}
	deny := config.Authorization{Rules: []config.AccessRule{{Name: "posts", Deny: &config.Condition{Methods: []string{"POST"}}}, {Name: "all", Allow: &config.Condition{}}}}
	snap.AccessPolicies = []config.AccessPolicy{
		{Name: "usual", Mode: config.Default, Authentication: nobody, Authorization: deny},
		{Name: "instead", Mode: config.Default, Authentication: nobody, Authorization: allow},
		{Name: "known", Authentication: config.Authentication{AnyOf: []config.Authenticator{{Name: "certificate", ClientCertificate: &config.ClientCertificate{Subject: "DNS"}}}}, Authorization: allow},
		{Name: "anybody", Authentication: nobody, Authorization: allow},
	}
	snap.TrafficPolicies = []config.TrafficPolicy{{Name: "broken", Unresolved: "an expression that is none"}}
	_, at := start(t, snap)
	counted := 0
	for ask, want := range map[string]string{
		"GET /there other.org":      "200",
		"POST /there other.org":     "403", // the listener's default
		"GET /there a.example.com":  "401",
		"GET /absent a.example.com": "401", // without a route, too
		"GET /absent other.org":     "404",
		"GET /there b.example.com":  "503",
		"GET /absent b.example.com": "503",
		"GET /there d.example.com":  "200",
		"POST /there d.example.com": "200", // another default in its place
		"POST /own d.example.com":   "200",
	} {
		counted++
		f := strings.Fields(ask)
		got := raw(t, at["plain"], fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", f[0], f[1], f[2]))
		if !strings.HasPrefix(got, "HTTP/1.1 "+want+" ") {
			t.Errorf("%s: %.60q, want %s", ask, got, want)
		}
		if want == "503" && !strings.Contains(got, "policy-unresolved") {
			t.Errorf("%s: the reason is missing in\n%s", ask, got)
		}
	}
	t.Logf("%d requests", counted)
}

// TestPoliciesOfAHostNeedTheHost: what could have no effect is a fault.
func TestPoliciesOfAHostNeedTheHost(t *testing.T) {
	t.Parallel()
	snap := snapshot(backend(t, echo))
	l := &snap.Listeners[0]
	l.Hosts = []string{"a.example.com"}
	l.ForHosts = []config.HostPolicies{{Host: "a.example.com"}, {Host: "a.example.com"}, {Host: "b.example.com"}, {Host: "*", Access: []string{"none"}, Traffic: []string{"none"}}}
	snap.Listeners[2].ForHosts = []config.HostPolicies{{Host: "*"}}
	var got []string
	for _, f := range snap.Validate() {
		got = append(got, f.Path)
	}
	want := "listeners[0].forHosts[1].host listeners[0].forHosts[2].host listeners[0].forHosts[3].host listeners[0].forHosts[3].traffic[0] listeners[0].forHosts[3].access[0] listeners[2].forHosts listeners[2].forHosts[0].host"
	if strings.Join(got, " ") != want {
		t.Errorf("faults of %s, want %s", strings.Join(got, " "), want)
	}
}
