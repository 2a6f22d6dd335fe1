// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// TestWhatTellsWhoAsksIsDeletedWhereItIsTold, and nowhere else: by header lines and
// trailers, also by names that a backend may take for them.
func TestWhatTellsWhoAsksIsDeletedWhereItIsTold(t *testing.T) {
	t.Parallel()
	seen := make(chan *http.Request, 1)
	serve := func(name string) config.Backend {
		b := backend(t, func(_ http.ResponseWriter, r *http.Request) {
			r.Trailer = r.Trailer.Clone()
			seen <- r
		})
		b.Name = name
		return b
	}
	mine, others := serve("mine"), serve("others")
	policy := func(name, line string, deny *config.Condition) config.AccessPolicy {
		out := config.AccessPolicy{Name: name, Forward: config.Forward{ClaimsToHeaders: map[string]string{"sub": line}}}
		out.Authentication.AnyOf = []config.Authenticator{{Name: "anybody", Anonymous: &config.Anonymous{}}}
		if deny != nil {
			out.Authorization.Rules = append(out.Authorization.Rules, config.AccessRule{Name: "no", Deny: deny})
		}
		out.Authorization.Rules = append(out.Authorization.Rules, config.AccessRule{Name: "all", Allow: &config.Condition{}})
		return out
	}
	snap := snapshot(mine)
	to := func(host, backend string, access ...string) config.Route {
		return config.Route{Name: host, Hosts: []string{host}, Access: access, Target: config.Target{Backends: []config.Weighted{{Name: backend}}}}
	}
	snap.Routes = []config.Route{to("told", "mine", "route"), to("beside", "mine"), to("apart", "others")}
	snap.Backends = []config.Backend{mine, others}
	snap.AccessPolicies = []config.AccessPolicy{policy("route", "X-User", &config.Condition{When: `"x-user" in request.headers`}), policy("floor", "X-Floor", nil)}
	snap.Listeners[0].Access = []string{"floor"}
	snap.Listeners[0].Client.Headers.OtherNames = "Keep"
	_, at := start(t, snap)
	for name, tc := range map[string]struct {
		host string
		user bool // whether a client's word arrives
	}{
		"the policy's own route":            {host: "told"},
		"another route to the same backend": {host: "beside"},
		"a route to another one":            {host: "apart", user: true},
	} {
		answer := raw(t, at["plain"], "GET / HTTP/1.1\r\nHost: "+tc.host+"\r\nConnection: close\r\nX-User: root\r\nX_user: root\r\nX-Floor: root\r\nX_Floor: root\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
			t.Fatalf("%s: %s", name, answer)
		}
		r := <-seen
		for _, line := range []string{"X-User", "X_user"} {
			if arrives := r.Header.Get(line) == "root"; arrives != tc.user {
				t.Errorf("%s: %s arrives: %t", name, line, arrives)
			}
		}
		for _, line := range []string{"X-Floor", "X_floor"} {
			if r.Header.Get(line) == "root" {
				t.Errorf("%s: %s arrives", name, line)
			}
		}
		answer = raw(t, at["plain"], "POST / HTTP/1.1\r\nHost: "+tc.host+"\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-User, X-Floor\r\n\r\n0\r\nX-User: root\r\nX-Floor: root\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
			t.Fatalf("%s: %s", name, answer)
		}
		r = <-seen
		if _, announced := r.Trailer["X-User"]; announced != tc.user {
			t.Errorf("%s: a trailer arrives: %t", name, announced)
		}
		if _, announced := r.Trailer["X-Floor"]; announced {
			t.Errorf("%s: a trailer of the floor arrives", name)
		}
	}
}
