// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const limited = `listeners:
- {name: web, address: "127.0.0.1:8080", protocol: HTTP, traffic: [p]}
stores:
- name: s
  redis:
    address: redis:6379
    timeout: 50ms
trafficPolicies:
- name: p
  store: s
  onStoreFailure: Deny
  concurrency: {requests: 5, key: [principal]}
  rateLimits:
  - name: l
    key: [client.ip, "claim:tenant", "cel: request.method + request.host"]
    limit: {requests: 1, per: 1s}
    scope: Gateway
    tiers:
    - {when: "claims.plan == 'gold'", requests: 10, per: 1s}
    schedules:
    - {days: [Sat, Sun], from: "08:00", to: "20:00", timeZone: Europe/Berlin, requests: 10, per: 1s}
    - {cron: "0 8 * * 1-5", for: 10h, requests: 10, per: 1s}
    onExceed: {action: Queue, maxWait: 2s, maxQueued: 50}
`

func TestFaultsOfTrafficPoliciesAreNamedWithTheirPlace(t *testing.T) {
	t.Parallel()
	if _, err := Decode("g", []byte(limited)); err != nil {
		t.Fatal(err)
	}
	const limit = "trafficPolicies[0].rateLimits[0]"
	for name, tc := range map[string]struct{ old, new, want string }{
		"two ways to say what becomes of it":  {"    onExceed", "    action: Shadow\n    onExceed", `g:23: there is no field "action"`},
		"an action that is none":              {"action: Queue", "action: Drop", `g:23: ` + limit + `.onExceed.action: "Drop" is none of Reject, Queue, Shadow`},
		"a queue without a time":              {"maxWait: 2s, ", "", limit + ".onExceed.maxWait: it is not between 1ms and 5m0s"},
		"a queue that waits too long":         {"maxWait: 2s", "maxWait: 1h", limit + ".onExceed.maxWait: it is not between 1ms and 5m0s"},
		"waiting without a queue":             {"action: Queue, ", "", limit + ".onExceed: only Queue has maxWait and maxQueued"},
		"a negative queue":                    {"maxQueued: 50", "maxQueued: -1", limit + ".onExceed.maxQueued: -1 is not between"},
		"a scope that is none":                {"scope: Gateway", "scope: Cluster", `g:17: ` + limit + `.scope: "Cluster" is none of Replica, Gateway`},
		"a store that there is not":           {"  store: s", "  store: x", `g:10: trafficPolicies[0].store: there is no store "x"`},
		"a limit of all without a store":      {"  store: s\n", "", `trafficPolicies[0].store: there is no store ""`},
		"nothing said of a store's failure":   {"  onStoreFailure: Deny\n", "", `trafficPolicies[0].onStoreFailure: "" is none of Deny, Local`},
		"a store for no limit":                {"    scope: Gateway\n", "", "trafficPolicies[0]: it has a store or onStoreFailure, and no limit whose scope is Gateway"},
		"more than a store counts":            {"{requests: 1, per: 1s}", "{requests: 100001, per: 1s}", limit + ".limit: a store counts no more than 100,000 in a second"},
		"an expression that is none":          {"claims.plan == 'gold'", "claims.plan ==", `g:19: ` + limit + `.tiers[0].when: `},
		"an expression that is a number":      {"claims.plan == 'gold'", "1", limit + `.tiers[0].when: it is of type int, not bool`},
		"a tier of nothing":                   {"'gold'\", requests: 10", "'gold'\", requests: 0", limit + ".tiers[0].requests: 0 is not between"},
		"a key that is no expression":         {"cel: request.method + request.host", "cel: request.", limit + `.key[2]: `},
		"a key of a claim without a name":     {"claim:tenant", "claim:", limit + `.key[1]: it is no name of a claim`},
		"a key that is misspelt":              {"[principal]", "['principal:x']", `trafficPolicies[0].concurrency.key[0]: "principal:x" is none of`},
		"a concurrency of nothing":            {"concurrency: {requests: 5", "concurrency: {requests: 0", "trafficPolicies[0].concurrency.requests: 0 is not between"},
		"a weekday that is none":              {"[Sat, Sun]", "[Saturday]", `g:21: ` + limit + `.schedules[0]: days: "Saturday" is none of`},
		"a zone that is none":                 {"Europe/Berlin", "Europe/Bonn", limit + `.schedules[0]: timeZone: there is no time zone "Europe/Bonn"`},
		"a cron expression that is none":      {"0 8 * * 1-5", "0 8 * *", limit + `.schedules[1]: cron: "0 8 * *" is no expression of five fields`},
		"a schedule without an end":           {", for: 10h", "", limit + ".schedules[1]: it has neither or both of to and for"},
		"a schedule of nothing":               {"for: 10h, requests: 10", "for: 10h, requests: 10, burst: -1", limit + ".schedules[1].burst: -1 is not between"},
		"a store that is nothing":             {"  redis:\n    address: redis:6379\n    timeout: 50ms\n", "", "stores[0].redis: it is missing"},
		"an address without a port":           {"redis:6379", "redis", `g:6: stores[0].redis.address: "redis" is neither host:port nor unix:/path`},
		"a socket that is no path":            {"redis:6379", "unix:redis", "stores[0].redis.address: "},
		"a store that is waited for too long": {"50ms", "50s", "stores[0].redis.timeout: it is more than 10s"},
		"half a certificate of a client":      {"timeout: 50ms", "tls: {certFile: a}", "stores[0].redis.tls: certFile and keyFile belong together"},
		"a name without a password":           {"timeout: 50ms", "usernameFile: a", "stores[0].redis.usernameFile: a name without passwordFile"},
		"a prefix that is none":               {"timeout: 50ms", "prefix: 'a b'", `stores[0].redis.prefix: "a b" is no name`},
		"a database that is none":             {"timeout: 50ms", "database: -1", "stores[0].redis.database: -1 is negative"},
		"a store twice":                       {"trafficPolicies:", "- {name: s, redis: {address: 'a:1'}}\ntrafficPolicies:", `stores[1].name: "s" is there twice`},
	} {
		changed := strings.Replace(limited, tc.old, tc.new, 1)
		if changed == limited {
			t.Fatalf("%s: %q is not in the configuration", name, tc.old)
		}
		if _, err := Decode("g", []byte(changed)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s:\n got %v\nwant %s", name, err, tc.want)
		}
	}
}

// TestWhatAStoreNamesIsReadAndNeverPrinted, and a change of it is noticed.
func TestWhatAStoreNamesIsReadAndNeverPrinted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("g.yaml", strings.Replace(limited, "timeout: 50ms", "usernameFile: user\n    passwordFile: pass\n    secretFile: secret", 1))
	file := filepath.Join(dir, "g.yaml")
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "stores[0].redis.usernameFile") {
		t.Fatalf("files that are not there: %v", err)
	}
	write("user", "gate\n")
	write("pass", "hush hush\r\n")
	write("secret", "sesame")
	first, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	r := first.Snapshot.Stores[0].Redis
	if r.Username != "gate" || string(r.Password) != "hush hush" || string(r.Secret) != "sesame" {
		t.Errorf("got %q %q %q", r.Username, []byte(r.Password), []byte(r.Secret))
	}
	if text := fmt.Sprintf("%v %+v %#v", *r, *r, *r); strings.Contains(text, "hush") || strings.Contains(text, "sesame") {
		t.Errorf("printed as %s", text)
	}
	for _, empty := range []string{"", "\n"} {
		write("pass", empty)
		if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "stores[0].redis.passwordFile: it is empty") {
			t.Errorf("an empty password: %v", err)
		}
	}
	write("pass", "changed")
	if second, err := Load(file); err != nil || second.Sum == first.Sum {
		t.Errorf("another password is not noticed: %v", err)
	}
	write("g.yaml", strings.Replace(limited, "timeout: 50ms", "tls: {caFile: pass}", 1))
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "stores[0].redis.tls: there is no certificate in caFile") {
		t.Errorf("a bundle without certificates: %v", err)
	}
}
