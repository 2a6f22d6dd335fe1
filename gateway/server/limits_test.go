// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

func TestRequestsTooManyAreRefused(t *testing.T) {
	t.Parallel()
	hour := config.Duration(time.Hour)
	snap := snapshot(backend(t, echo))
	snap.TrafficPolicies = []config.TrafficPolicy{
		{Name: "floor", RateLimits: []config.RateLimit{{Name: "tenant", Key: []string{"header:X-Tenant"}, Limit: config.Limit{Requests: 5, Per: hour}}}},
		{Name: "usual", Mode: config.Default, RateLimits: []config.RateLimit{{Name: "all", Limit: config.Limit{Requests: 2, Per: hour, Burst: 1}}}},
		{Name: "own", RateLimits: []config.RateLimit{
			{Name: "seen", Limit: config.Limit{Requests: 1, Per: hour}, OnExceed: config.OnExceed{Action: config.Shadow}},
			{Name: "path", Key: []string{"path", "client.ip", "host", "method"}, Limit: config.Limit{Requests: 3, Per: hour}},
			{Name: "few", Key: []string{"header:X-Few"}, Limit: config.Limit{Requests: 1, Per: hour}},
		}},
	}
	snap.Listeners[0].Traffic = []string{"floor", "usual"}
	snap.Listeners[0].Client.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	own := snap.Routes[0]
	own.Name, own.Hosts, own.Traffic = "own", []string{"own"}, []string{"own"}
	snap.Routes = append(snap.Routes, own)
	s, at := start(t, snap)
	ask := func(host, path string, lines ...string) (status, answer string) {
		t.Helper()
		lines = append(lines, "Host: "+host, "Connection: close")
		answer = raw(t, at["plain"], "GET "+path+" HTTP/1.1\r\n"+strings.Join(lines, "\r\n")+"\r\n\r\n")
		return answer[9:12], answer
	}
	expect := func(want, what, host, path string, lines ...string) {
		t.Helper()
		if got, answer := ask(host, path, lines...); got != want {
			t.Errorf("%s: got %s, want %s", what, answer, want)
		}
	}
	expect("200", "the first of a route without limits", "a", "/", "X-Tenant: 1")
	expect("429", "the second, by the default of the listener", "a", "/", "X-Tenant: 1")
	expect("429", "whoever asks", "a", "/", "X-Tenant: 2")
	expect("200", "a route with limits of its own has no default", "own", "/1", "X-Tenant: 3", "X-Few: 1")
	expect("200", "another path", "own", "/2", "X-Tenant: 3", "X-Few: 2")
	expect("200", "and one that only the shadow counts", "own", "/1", "X-Tenant: 3", "X-Few: 3")
	expect("429", "one of its own limits", "own", "/1", "X-Tenant: 4", "X-Few: 3")
	expect("200", "what one limit refused the others did not count", "own", "/1", "X-Tenant: 4", "X-Few: 4")
	expect("429", "one too many for a path", "own", "/1", "X-Tenant: 4", "X-Few: 5")
	expect("200", "of another client", "own", "/1", "X-Tenant: 4", "X-Few: 6", "X-Forwarded-For: 192.0.2.1")
	expect("200", "five of a tenant", "own", "/3", "X-Tenant: 4", "X-Few: 7")
	status, answer := ask("own", "/4", "X-Tenant: 4", "X-Few: 8")
	for _, want := range []string{"\r\nRetry-After: 720\r\n", "\r\nRatelimit-Policy: \"tenant\";q=5;w=3600\r\n", "\r\nRatelimit: \"tenant\";r=0;t=720\r\n", "\r\nContent-Type: application/problem+json\r\n", `"status":429,"reason":"rate-limit"`} {
		if status != "429" || !strings.Contains(answer, want) {
			t.Errorf("six of a tenant: %q is missing in\n%s", want, answer)
		}
	}
	if err := s.Apply(t.Context(), snap); err != nil {
		t.Fatal(err)
	}
	expect("429", "after a change of the configuration", "own", "/4", "X-Tenant: 4", "X-Few: 9")
	expect("429", "also for what there is not, by the floor", "none", "/4", "X-Tenant: 4")
}
