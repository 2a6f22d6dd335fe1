// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit/shared/redistest"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/test/program"
)

// few is a limit that tests exceed; that of customers they never come to.
const few = 5

const countedInRedis = `
listeners: [{name: web, address: %q, protocol: HTTP}]
routes:
- {name: free, matches: [{path: {exact: /free}}], backends: [{name: b}]}
- {name: deny, matches: [{path: {exact: /deny}}], backends: [{name: b}], traffic: [deny]}
- {name: local, matches: [{path: {exact: /local}}], backends: [{name: b}], traffic: [local]}
- {name: few, matches: [{path: {exact: /few}}], backends: [{name: b}], traffic: [few]}
backends: [{name: b, endpoints: [%q]}]
stores: [{name: s, redis: {address: %q, timeout: 2s}}]
trafficPolicies:
- {name: deny, store: s, onStoreFailure: Deny, rateLimits: [{name: all, scope: Gateway, limit: {requests: 1000000, per: 24h}}]}
- {name: local, store: s, onStoreFailure: Local, rateLimits: [{name: all, scope: Gateway, limit: {requests: 1000000, per: 24h}}]}
- {name: few, store: s, onStoreFailure: Deny, rateLimits: [{name: all, key: [host], scope: Gateway, limit: {requests: %d, per: 24h}}]}
`

// good is a backend that answers 204.
func good(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// configuration writes a file for --config.
func configuration(t *testing.T, format string, args ...any) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, format, args...), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// said waits until a program has said something so many times.
func said(t *testing.T, p *program.Process, text string, times int) {
	t.Helper()
	controlplane.Eventually(t, patience, fmt.Sprintf("it says %q %d times", text, times), func() error {
		if n := strings.Count(p.Said(), text); n < times {
			return fmt.Errorf("%d times: %s", n, p.Said())
		}
		return nil
	})
}

// TestTheStoreOfLimitsIsLost: who has no shared limit does not notice; what is to be
// refused without the store is, always, and what is not to be never is.
func TestTheStoreOfLimitsIsLost(t *testing.T) {
	redis, address := redistest.Start(t), program.Free(t)
	gateway := program.Start(t, address, syscall.SIGTERM, program.Gateway(t), "--drain", "1s", "--config",
		configuration(t, countedInRedis, address, good(t), redis.Address, few))
	said(t, gateway, "store found", 1)
	rows := newTable(t)
	for i, way := range []struct {
		name        string
		end, comeTo func()
	}{
		{"the store of limits (Redis) is killed", redis.Kill, redis.Restart},
		{"the store of limits hangs", redis.Pause, redis.Resume},
	} {
		t.Run(way.name, func(t *testing.T) {
			of := func(path string) []*customer { return customers(t, "http://"+address+path) }
			free, deny, local := of("/free"), of("/deny"), of("/local")
			for _, all := range [][]*customer{free, deny, local} {
				enough(t, all, time.Now(), http.StatusNoContent)
			}
			way.end()
			said(t, gateway, "store lost", i+1)
			lost := time.Now()
			enough(t, deny, lost, http.StatusServiceUnavailable)
			enough(t, local, lost, http.StatusNoContent)
			enough(t, free, lost, http.StatusNoContent)
			back := time.Now()
			way.comeTo()
			took := recovered(t, deny, back, http.StatusNoContent)
			refused := uncounted(t, deny, lost, back)
			limited(t, address, fmt.Sprintf("host-%d", i))

			asked, failed := ended(t, append(free, local...), http.StatusNoContent)
			ended(t, deny, http.StatusNoContent, http.StatusServiceUnavailable)
			rows.add(row{way.name, took, asked, failed, fmt.Sprintf("%d more were refused since nobody could count them, none of those was let in", refused)})
		})
	}
}

// uncounted are requests that nobody could count, and that were refused: each of them.
func uncounted(t *testing.T, all []*customer, from, to time.Time) int {
	t.Helper()
	refused := 0
	for _, c := range all {
		for _, a := range c.between(from, to) {
			if a.status == http.StatusNoContent {
				t.Errorf("%s: let in %s after the store was lost, which nobody counted", c.url, a.began.Sub(from))
			}
			refused++
		}
	}
	return refused
}

// limited exceeds a limit: what it lets in is let in, and no more.
func limited(t *testing.T, address, host string) {
	t.Helper()
	got := map[int]int{}
	for range 2 * few {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/few", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		cancel()
		got[res.StatusCode]++
	}
	if got[http.StatusNoContent] != few || got[http.StatusTooManyRequests] != few {
		t.Errorf("%v of %d requests for %s, want %d of each of 204 and 429", got, 2*few, host, few)
	}
}
