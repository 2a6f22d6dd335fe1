// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit/shared/redistest"
)

const baseLimit = `listeners: [{name: plain, address: "127.0.0.1:0", protocol: HTTP}]
routes: [{name: r, backends: [{name: b}], traffic: [p]}]
backends: [{name: b, endpoints: [BACKEND]}]
trafficPolicies: [{name: p, rateLimits: [{name: l, limit: {requests: 100, per: 24h}HERE}]}]
`

// TestLimitsAreAsConfigured: how many of four requests get through.
func TestLimitsAreAsConfigured(t *testing.T) {
	t.Parallel()
	b := backend(t, echo)
	far, err := time.LoadLocation("Pacific/Kiritimati") // 26 hours before Etc/GMT+12: it is never the same day in both
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().In(far)
	days := now.Weekday().String()[:3] + ", " + now.Add(time.Hour).Weekday().String()[:3]
	const all = ", schedules: [{days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun], from: \"00:00\", to: \"24:00\", requests: 1, per: 24h"
	for here, want := range map[string]int{
		"":                   4,
		"BURST":              2,
		all + "}]":           1,
		all + ", burst: 3}]": 3,
		", tiers: [{when: \"true\", requests: 2, per: 24h}]":                                                                              2,
		", tiers: [{when: \"true\", requests: 2, per: 24h, burst: 3}]":                                                                    3,
		fmt.Sprintf(`, schedules: [{days: [%s], from: "00:00", to: "24:00", timeZone: Pacific/Kiritimati, requests: 1, per: 24h}]`, days): 1,
		fmt.Sprintf(`, schedules: [{days: [%s], from: "00:00", to: "24:00", timeZone: Etc/GMT+12, requests: 1, per: 24h}]`, days):         4,
		`, schedules: [{cron: "* * * * *", for: 2m, requests: 1, per: 24h}]`:                                                              1,
		`, schedules: [{cron: "0 0 1 1 *", for: 1m, requests: 1, per: 24h}]`:                                                              4,
	} {
		text := strings.Replace(baseLimit, "HERE", here, 1)
		if here == "BURST" {
			text = strings.NewReplacer("per: 24h", "per: 24h, burst: 2", "HERE", "").Replace(baseLimit)
		}
		_, at := start(t, loaded(t, text, b.Endpoints[0].String()))
		if got := through(t, at["plain"], 4); got != want {
			t.Errorf("%q: %d of 4 got through, want %d", here, got, want)
		}
	}
}

// through is how many of so many requests are answered 200.
func through(t *testing.T, address string, n int) (let int) {
	t.Helper()
	for range n {
		if strings.HasPrefix(raw(t, address, message("GET /")), "HTTP/1.1 200 ") {
			let++
		}
	}
	return let
}

// TestStoresAreAsConfigured: two gateways share a limit of two if they count in the same
// place, and neither lets anybody in that cannot count.
func TestStoresAreAsConfigured(t *testing.T) {
	t.Parallel()
	b := backend(t, echo)
	redis := redistest.Start(t, "--requirepass", "hush")
	dir := t.TempDir()
	for name, content := range map[string]string{"pass": "hush\n", "wrong": "loud", "user": "default", "nobody": "nobody", "one": strings.Repeat("1", 32), "two": strings.Repeat("2", 32)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	count := 0
	gateway := func(fields string) string {
		text := strings.NewReplacer("per: 24h", "per: 24h, burst: 2", "HERE", ", scope: Gateway", "name: p,", "name: p, store: s, onStoreFailure: Deny,").Replace(baseLimit) +
			fmt.Sprintf("stores: [{name: s, redis: {address: %q, timeout: 10s, %s}}]\n", redis.Address, strings.ReplaceAll(strings.ReplaceAll(fields, "File: ", "File: "+dir+"/"), "COUNT", fmt.Sprint("n", count)))
		_, at := start(t, loaded(t, text, b.Endpoints[0].String()))
		return at["plain"]
	}
	for name, tc := range map[string]struct {
		one, two string
		want     int // of two requests to the second, after two to the first
	}{
		"the same":        {"prefix: COUNT, passwordFile: pass", "prefix: COUNT, passwordFile: pass", 0},
		"with a user":     {"prefix: COUNT, passwordFile: pass", "prefix: COUNT, passwordFile: pass, usernameFile: user", 0},
		"another prefix":  {"prefix: COUNT, passwordFile: pass", "prefix: COUNTx, passwordFile: pass", 2},
		"another base":    {"prefix: COUNT, passwordFile: pass", "prefix: COUNT, passwordFile: pass, database: 1", 2},
		"the same secret": {"prefix: COUNT, passwordFile: pass, secretFile: one", "prefix: COUNT, passwordFile: pass, secretFile: one", 0},
		"another secret":  {"prefix: COUNT, passwordFile: pass, secretFile: one", "prefix: COUNT, passwordFile: pass, secretFile: two", 2},
		"a wrong word":    {"prefix: COUNT, passwordFile: pass", "prefix: COUNTx, passwordFile: wrong", 0},
		"nobody's name":   {"prefix: COUNT, passwordFile: pass", "prefix: COUNTx, passwordFile: pass, usernameFile: nobody", 0},
	} {
		count++
		if got := through(t, gateway(tc.one), 2); got != 2 {
			t.Errorf("%s: %d of 2 got through", name, got)
		}
		if got := through(t, gateway(tc.two), 2); got != tc.want {
			t.Errorf("%s: %d of 2 got through another one, want %d", name, got, tc.want)
		}
	}
}
