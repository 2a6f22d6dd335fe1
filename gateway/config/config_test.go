// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const good = `listeners:
- name: web
  address: 127.0.0.1:8080
  protocol: HTTP
  client:
    trustedProxies: [10.0.0.0/8]
    limits: {headerTimeout: 5s}
routes:
- name: shop
  hosts: [shop.example.com, "*.example.org"]
  matches:
  - path: {prefix: /orders}
    method: GET
  backends: [{name: shop}]
  rewrite: {prefix: /v2/orders}
  timeout: 30s
backends:
- name: shop
  endpoints: ["127.0.0.1:9000", "[::1]:9000"]
`

func TestAConfigurationIsRead(t *testing.T) {
	t.Parallel()
	s, err := Decode("gateway.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%v %v %v", s.Listeners[0].Client.Limits.HeaderTimeout, s.Routes[0].Matches[0].Path.Prefix, s.Backends[0].Endpoints); got != "5000000000 /orders [127.0.0.1:9000 [::1]:9000]" {
		t.Errorf("got %s", got)
	}
}

func TestFaultsAreNamedWithTheirPlace(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ old, new, want string }{
		"nothing":                        {good, "", "gateway.yaml: it is empty"},
		"two documents":                  {"listeners:", "---\n{}\n---\nlisteners:", "gateway.yaml: there is a second document"},
		"no YAML":                        {"routes:", "routes: [", "gateway.yaml:"},
		"an unknown field":               {"  timeout: 30s", "  timeuot: 30s", `gateway.yaml:16: there is no field "timeuot"`},
		"a field that is there twice":    {"  timeout: 30s", "  timeout: 30s\n  timeout: 31s", `gateway.yaml:17: mapping key "timeout" already defined at line 16`},
		"a duration without a unit":      {"timeout: 30s", "timeout: 30", `gateway.yaml:16: "30" is no duration such as 30s or 5m`},
		"a list where text belongs":      {"method: GET", "method: [GET]", "gateway.yaml:13: a list is not what belongs here (string)"},
		"no address":                     {"  address: 127.0.0.1:8080\n", "", "gateway.yaml:2: listeners[0].address: it is missing: an address with a port, such as 0.0.0.0:8443 or [::]:8443"},
		"an address that is none":        {"127.0.0.1:8080", "localhost:8080", "gateway.yaml:"},
		"a protocol that is none":        {"protocol: HTTP", "protocol: http", `gateway.yaml:4: listeners[0].protocol: "http" is none of HTTP, HTTPS, TCP, TLS, UDP`},
		"a name twice":                   {"backends:\n", "backends:\n- {name: shop}\n", `gateway.yaml:19: backends[1].name: "shop" is there twice`},
		"two listeners on one port":      {"routes:\n", "- {name: b, address: '0.0.0.0:8080', protocol: HTTP}\nroutes:\n", `gateway.yaml:8: listeners[1].address: listener "web" has 0.0.0.0:8080 already`},
		"a network with bits behind it":  {"10.0.0.0/8", "10.1.0.0/8", "gateway.yaml:6: listeners[0].client.trustedProxies[0]: 10.1.0.0/8 has bits beyond its length: 10.0.0.0/8"},
		"a host in upper case":           {"shop.example.com,", "Shop.example.com,", `gateway.yaml:10: routes[0].hosts[0]: "Shop.example.com" is no name of a host`},
		"a listener's host":              {"  protocol: HTTP\n", "  protocol: HTTP\n  hosts: [A]\n", `gateway.yaml:5: listeners[0].hosts[0]: "A" is no name of a host`},
		"a host with a port":             {"shop.example.com,", "\"shop.example.com:80\",", `gateway.yaml:10: routes[0].hosts[0]`},
		"a path that is never asked for": {"prefix: /orders}\n    m", "prefix: /a/../orders}\n    m", `gateway.yaml:12: routes[0].matches[0].path.prefix: "/a/../orders" never arrives: it is asked for as "/orders"`},
		"a path that is refused":         {"prefix: /orders}\n    m", "prefix: /a%00}\n    m", `routes[0].matches[0].path.prefix: "/a%00" is no path: bad-path`},
		"two ways to match a path":       {"prefix: /orders}\n    m", "prefix: /orders, exact: /o}\n    m", "routes[0].matches[0].path: exact, prefix and regex exclude each other"},
		"a prefix for no prefix":         {"prefix: /orders}\n    m", "exact: /orders}\n    m", "gateway.yaml:15: routes[0].rewrite.prefix: there is no prefix"},
		"an expression that is none":     {"prefix: /orders}\n    m", "regex: '('}\n    m", `routes[0].matches[0].path.regex: "(" is no regular expression`},
		"an unknown backend":             {"[{name: shop}]", "[{name: shep}]", `gateway.yaml:14: routes[0].backends[0].name: there is no backend "shep"`},
		"no backend":                     {"  backends: [{name: shop}]\n", "", "gateway.yaml:9: routes[0]: it has neither or both of backends and a redirect"},
		"a backend and a redirect":       {"  timeout", "  redirect: {scheme: https}\n  timeout", "routes[0]: it has neither or both"},
		"only backends without weight":   {"{name: shop}", "{name: shop, weight: 0}", "routes[0].backends: all have the weight 0"},
		"a status and a backend":         {"{name: shop}", "{name: shop, status: 500}", "routes[0].backends[0].status: it stands in the place of a backend"},
		"a status that is no failure":    {"{name: shop}", "{status: 404}", "routes[0].backends[0].status: 404 is not between 500 and 599"},
		"a header of one backend":        {"{name: shop}", "{name: shop, responseHeaders: {remove: [Upgrade]}}", `routes[0].backends[0].responseHeaders.remove: "Upgrade" is the connection's`},
		"a request to one backend":       {"{name: shop}", "{name: shop, requestHeaders: {remove: ['']}}", `routes[0].backends[0].requestHeaders.remove: "" is no name of a header`},
		"a weight below nothing":         {"{name: shop}", "{name: shop, weight: -1}", "routes[0].backends[0].weight: -1 is not between 0 and 1000000"},
		"copies to nobody":               {"  timeout: 30s", "  mirrors: [{backend: shep}]", `gateway.yaml:16: routes[0].mirrors[0].backend: there is no backend "shep"`},
		"more copies than requests":      {"  timeout: 30s", "  mirrors: [{backend: shop, numerator: 3, denominator: 2}]", "routes[0].mirrors[0].numerator: 3 is not between 0 and 2"},
		"a share of nothing":             {"  timeout: 30s", "  mirrors: [{backend: shop, denominator: -1}]", "routes[0].mirrors[0].denominator: -1 is not between 0 and 1000000"},
		"too many copies":                {"  timeout: 30s", "  mirrors: [" + strings.Repeat("{backend: shop}, ", 9) + "]", "routes[0].mirrors: 9 are more than 8"},
		"copies of a redirect":           {"  backends: [{name: shop}]\n", "  redirect: {status: 301}\n  mirrors: [{backend: shop}]\n", "routes[0].mirrors: a redirect sends nothing anywhere"},
		"a redirect status":              {"  backends: [{name: shop}]\n", "  redirect: {status: 200}\n", "routes[0].redirect.status: 200 is none of"},
		"a header of the connection":     {"  timeout", "  requestHeaders: {set: {Transfer_Encoding: x}}\n  timeout", `routes[0].requestHeaders.set: "Transfer_Encoding" is the connection's`},
		"a line break in a header":       {"  timeout", "  responseHeaders: {add: {X: \"a\\r\\nb\"}}\n  timeout", `routes[0].responseHeaders.add: the value of "X" has control characters`},
		"a name that is no header":       {"  timeout", "  responseHeaders: {remove: ['a b']}\n  timeout", `routes[0].responseHeaders.remove: "a b" is no name of a header`},
		"tls without a listener of it":   {"  client:", "  tls: {}\n  client:", "listeners[0].tls: a listener of HTTP has none"},
		"an unknown certificate":         {"protocol: HTTP\n", "protocol: HTTPS\n  tls: {certificates: [x]}\n", `listeners[0].tls.certificates[0]: there is no certificate "x"`},
		"half a certificate":             {"routes:\n", "certificates: [{name: a, certFile: a}]\nroutes:\n", "certificates[0]: certFile and keyFile belong together"},
		"a name that is never kept":      {"limits:", "headers: {keepOverrides: [X-Foo]}\n    limits:", `gateway.yaml:7: listeners[0].client.headers.keepOverrides[0]: "X-Foo" is none of X-Original-Url`},
		"an identity that is no name":    {"limits:", "headers: {identity: ['X User']}\n    limits:", `gateway.yaml:7: listeners[0].client.headers.identity[0]: "X User" is no name of a header`},
		"a network that nobody is in":    {"10.0.0.0/8", `"::ffff:10.0.0.0/104"`, "gateway.yaml:6: listeners[0].client.trustedProxies[0]: ::ffff:10.0.0.0/104 contains nobody"},
		"a method that nobody asks for":  {"method: GET", "method: get", `gateway.yaml:13: routes[0].matches[0].method: "get" is no method that is ever asked for`},
		"a line that never arrives":      {"    method: GET", "    headers: [{name: X-Real-IP, exact: a}]", `gateway.yaml:13: routes[0].matches[0].headers[0].name: "X-Real-IP" never arrives`},
		"a key that nobody has":          {"backends:\n", "trafficPolicies: [{name: p, rateLimits: [{name: l, key: ['header:X-Forwarded-For'], limit: {requests: 1, per: 1s}}]}]\nbackends:\n", `trafficPolicies[0].rateLimits[0].key[0]: "X-Forwarded-For" never arrives`},
		"fewer requests than none":       {"headerTimeout: 5s", "requests: -1", "gateway.yaml:7: listeners[0].client.limits.requests: -1 is negative"},
		"fewer of an address":            {"headerTimeout: 5s", "requestsPerAddress: -1", "gateway.yaml:7: listeners[0].client.limits.requestsPerAddress: -1 is negative"},
		"a negative idle time":           {"headerTimeout: 5s", "webSocketIdleTimeout: -5s", `gateway.yaml:7: "-5s" is no duration such as 30s or 5m`},
		"a negative limit":               {"headerTimeout: 5s", "headerLines: -1", "gateway.yaml:7: listeners[0].client.limits.headerLines: -1 is negative"},
		"a policy that there is not":     {"  hosts:", "  traffic: [x]\n  hosts:", `gateway.yaml:10: routes[0].traffic[0]: there is no traffic policy "x"`},
		"a policy without limits":        {"backends:\n", "trafficPolicies: [{name: p}]\nbackends:\n", "trafficPolicies[0].rateLimits: there are 0, and a policy has 1 to 16"},
		"a limit of nothing":             {"backends:\n", "trafficPolicies: [{name: p, rateLimits: [{name: l}]}]\nbackends:\n", "trafficPolicies[0].rateLimits[0].limit.requests: 0 is not between 1 and 1000000000"},
		"a limit without a time":         {"backends:\n", "trafficPolicies: [{name: p, rateLimits: [{name: l, limit: {requests: 1}}]}]\nbackends:\n", "trafficPolicies[0].rateLimits[0].limit.per: it is not between 1ns and 8784h0m0s"},
		"a key of nobody":                {"backends:\n", "trafficPolicies: [{name: p, rateLimits: [{name: l, key: [user], limit: {requests: 1, per: 1s}}]}]\nbackends:\n", `trafficPolicies[0].rateLimits[0].key[0]: "user" is none of client.ip, host, method, path, principal, header:NAME, claim:NAME, cel:EXPRESSION`},
		"a mode that is none":            {"backends:\n", "trafficPolicies: [{name: p, mode: Loose, rateLimits: [{name: l, limit: {requests: 1, per: 1s}}]}]\nbackends:\n", `trafficPolicies[0].mode: "Loose" is none of Enforced, Default`},
		"a way to tell a client":         {"backends:\n", "telemetry: {decisions: {client: Half}}\nbackends:\n", `telemetry.decisions.client: "Half" is none of Full, Prefix, Off`},
		"a header that is a secret":      {"backends:\n", "telemetry: {decisions: {headers: [cookie]}}\nbackends:\n", `telemetry.decisions.headers[0]: "cookie" holds what lets somebody in`},
		"a collector that is none":       {"backends:\n", "telemetry: {tracing: {endpoint: collector, ratio: 2}}\nbackends:\n", "gateway.yaml:17: telemetry.tracing.endpoint: it is no address such as http://collector:4318\ngateway.yaml:17: telemetry.tracing.ratio: it is not between 0 and 1"},
		"an admin whom everybody sees":   {"backends:\n", "telemetry: {admin: '0.0.0.0:9'}\nbackends:\n", "telemetry.admin: 0.0.0.0:9 is no address of the loopback"},
		"metrics on a taken port":        {"backends:\n", "telemetry: {metrics: '127.0.0.1:8080'}\nbackends:\n", `telemetry.metrics: listener "web" has 127.0.0.1:8080 already`},
		"an endpoint without a port":     {`"127.0.0.1:9000"`, `"127.0.0.1:0"`, "backends[0].endpoints[0]: it is no address with a port"},
		"a balance that is none":         {"- name: shop\n  endpoints", "- name: shop\n  balance: Best\n  endpoints", `backends[0].balance: "Best" is none of LeastRequest, RoundRobin, Random`},
		"a breaker that is negative":     {"- name: shop\n  endpoints", "- name: shop\n  breaker: {requests: -1}\n  endpoints", "backends[0].breaker.requests: -1 is negative"},
		"connections of HTTP/2":          {"- name: shop\n  endpoints", "- name: shop\n  protocol: h2c\n  breaker: {connections: 1}\n  endpoints", "backends[0].breaker.connections: requests share connections of h2c"},
		"waiting for nothing":            {"- name: shop\n  endpoints", "- name: shop\n  breaker: {pending: 1}\n  endpoints", "backends[0].breaker.pending: nothing waits without a bound"},
		"more than all ejected":          {"- name: shop\n  endpoints", "- name: shop\n  outlier: {maxEjected: 101}\n  endpoints", "backends[0].outlier.maxEjected: 101 is not between 0 and 100"},
		"a health path that is none":     {"- name: shop\n  endpoints", "- name: shop\n  health: {path: /a/../b}\n  endpoints", `backends[0].health.path: "/a/../b" never arrives`},
		"a health query that is none":    {"- name: shop\n  endpoints", "- name: shop\n  health: {path: '/a?b c'}\n  endpoints", `backends[0].health.path: "b c" is no query`},
		"a health status without a path": {"- name: shop\n  endpoints", "- name: shop\n  health: {statuses: [200]}\n  endpoints", "backends[0].health: host and statuses need a path"},
		"a health status that is none":   {"- name: shop\n  endpoints", "- name: shop\n  health: {path: /, statuses: [100]}\n  endpoints", "backends[0].health.statuses[0]: 100 is not between 200 and 599"},
		"what to do when all are ill":    {"- name: shop\n  endpoints", "- name: shop\n  allUnhealthy: Panic\n  endpoints", `backends[0].allUnhealthy: "Panic" is none of Serve, Refuse`},
		"too many attempts":              {"  timeout: 30s", "  retry: {attempts: 11}", "routes[0].retry.attempts: 11 is not between 0 and 10"},
		"a retry of what is done":        {"  timeout: 30s", "  retry: {attempts: 1, on: [200]}", `routes[0].retry.on[0]: "200" is none of connect-failure, reset-before-answer, attempt-timeout, and a status of 400 to 599`},
		"a retry of some methods":        {"  timeout: 30s", "  retry: {attempts: 1, methods: GET}", `routes[0].retry.methods: "GET" is none of Idempotent, Any`},
		"a name that is none":            {"- name: web", "- name: 'a b'", `listeners[0].name: "a b" is no name`},
	} {
		changed := strings.Replace(good, tc.old, tc.new, 1)
		if changed == good {
			t.Fatalf("%s: %q is not in the configuration", name, tc.old)
		}
		if _, err := Decode("gateway.yaml", []byte(changed)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s:\n got %v\nwant %s", name, err, tc.want)
		}
	}
}

func TestAllFaultsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := Decode("", []byte(strings.NewReplacer("protocol: HTTP", "protocol: x", "[{name: shop}]", "[{name: y}]").Replace(good)))
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("got %v, want two lines", err)
	}
	var f Error
	if !errors.As(err, &f) || f.Line != 4 {
		t.Errorf("got %+v, want an Error in line 4", f)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	c := Certificate{Name: "a", Key: Secret("hush")}
	y, err := yaml.Marshal(struct{ K Secret }{c.Key})
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v %s %q", c, c, c, c.Key, c.Key) + string(y); strings.Contains(text, "hush") {
		t.Errorf("got %s", text)
	}
}

func TestWhatIsShownHasNoSecrets(t *testing.T) {
	t.Parallel()
	s := &Snapshot{
		Routes: []Route{{Name: "r", Target: Target{
			Request: HeaderEdit{Set: map[string]string{"Authorization": "hush"}}, Response: HeaderEdit{Add: map[string]string{"X": "hush"}},
			Backends: []Weighted{{Name: "b", Request: HeaderEdit{Add: map[string]string{"X": "hush"}}, Response: HeaderEdit{Set: map[string]string{"X": "hush"}}}},
		}}},
		KeySets:   []KeySet{{Name: "k", URL: "https://idp/keys?sig=hush"}},
		Telemetry: Telemetry{Tracing: &Tracing{Endpoint: "https://c/?key=hush"}, Decisions: Decisions{Key: Secret("hush")}},
	}
	shown, err := yaml.Marshal(s.Public())
	if err != nil {
		t.Fatal(err)
	}
	if text := string(shown); strings.Contains(text, "hush") || !strings.Contains(text, "Authorization: '[redacted]'") || !strings.Contains(text, "https://idp/keys?redacted") {
		t.Errorf("got\n%s", text)
	}
	if s.Routes[0].Request.Set["Authorization"] != "hush" || s.Routes[0].Backends[0].Request.Add["X"] != "hush" || s.KeySets[0].URL != "https://idp/keys?sig=hush" {
		t.Error("what is served was changed")
	}
}

// FuzzDecode: whatever is read has no faults, and is read again from what is
// written of it.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("listeners: &a [{name: x, address: '[::1]:1', protocol: HTTPS, tls: {}}]\nroutes: [{name: r, redirect: {scheme: https}}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Decode("f", data)
		if err != nil {
			return
		}
		written, err := yaml.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode("f", written); err != nil {
			t.Fatalf("%s\nis refused: %v", written, err)
		}
	})
}
