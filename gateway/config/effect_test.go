// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// effective is a configuration of which everything has an effect.
const effective = `listeners:
- {name: web, address: "127.0.0.1:1", protocol: HTTP, redirectToHTTPS: 443}
- {name: own, address: "127.0.0.1:2", protocol: HTTP, traffic: [t], access: [a]}
- {name: db, address: "127.0.0.1:3", protocol: TCP}
- {name: tls, address: "127.0.0.1:4", protocol: HTTPS, tls: {certificates: [c]}}
certificates:
- {name: c, certFile: c.crt, keyFile: c.key}
streams:
- {name: db, listeners: [db], backends: [{name: db}]}
routes:
- {name: r, listeners: [own], matches: [{query: [{name: q, exact: x}]}], backends: [{name: b}], mirrors: [{backend: copies}]}
- {name: away, redirect: {host: a}}
backends:
- {name: db, endpoints: ["127.0.0.1:5"]}
- {name: b, endpoints: ["127.0.0.1:6"]}
- {name: copies, endpoints: ["127.0.0.1:6"]}
trafficPolicies:
- {name: t, rateLimits: [{name: l, scope: Gateway, limit: {requests: 1, per: 1s}}], store: s, onStoreFailure: Deny}
accessPolicies:
- {name: a, authentication: {anyOf: [{name: j, jwt: {issuer: i, anyAudience: true, keySet: k}}]}, authorization: {rules: [{name: all, allow: {}}]}}
keySets:
- {name: k, file: k.pem}
stores:
- {name: s, redis: {address: "a:1"}}
`

func TestSettingsWithoutEffectAreFaults(t *testing.T) {
	t.Parallel()
	if s, err := Decode("f", []byte(effective)); err != nil || len(s.Warnings()) != 0 {
		t.Fatal(err, s.Warnings())
	}
	const stream, db = "protocol: TCP", `backends[0].name: backend "db" has `
	for name, tc := range map[string]struct{ old, new, want string }{
		"paths of streams":               {stream, stream + ", client: {path: {dotSegments: Reject}}", "f:4: listeners[2].client.path.dotSegments: a listener of TCP has none"},
		"header lines of streams":        {stream, stream + ", client: {headers: {otherNames: Keep}}", "listeners[2].client.headers.otherNames: a listener of TCP has none"},
		"clients of streams":             {stream, stream + ", client: {forwardedBy: Forwarded}", "listeners[2].client.forwardedBy: a listener of TCP has none"},
		"bodies of streams":              {stream, stream + ", client: {limits: {bodyBytes: 1}}", "listeners[2].client.limits.bodyBytes: a listener of TCP has none"},
		"heads of streams":               {stream, stream + ", client: {limits: {headerTimeout: 1s}}", "listeners[2].client.limits.headerTimeout: a listener of TCP has none"},
		"HTTP/2 of streams":              {stream, stream + ", client: {limits: {streams: 1}}", "listeners[2].client.limits.streams: a listener of TCP has none"},
		"HTTP/2 that nobody speaks":      {"traffic: [t]", "traffic: [t], client: {limits: {streams: 1}}", "f:3: listeners[1].client.limits.streams: nobody speaks HTTP/2 to it"},
		"HTTP/2 that is off":             {"protocol: HTTPS", "protocol: HTTPS, http2: off, client: {limits: {streams: 1}}", "listeners[3].client.limits.streams: nobody speaks"},
		"a word that nobody is taken at": {"traffic: [t]", "traffic: [t], client: {forwardedBy: Forwarded}", "f:3: listeners[1].client.forwardedBy: there are no trustedProxies"},
		"health of streams":              {"5\"]", "5\"], health: {}", `f:9: streams[0].` + db + "health, and a stream uses nothing but endpoints"},
		"outliers of streams":            {"5\"]", "5\"], outlier: {}", db + "outlier,"},
		"breakers of streams":            {"5\"]", "5\"], breaker: {requests: 1}", db + "breaker.requests,"},
		"balance of streams":             {"5\"]", "5\"], balance: Random", db + "balance,"},
		"times of streams":               {"5\"]", "5\"], timeouts: {connect: 1s}", db + "timeouts.connect,"},
		"limits of a redirect":           {"redirectToHTTPS: 443", "redirectToHTTPS: 443, traffic: [t]", "f:2: listeners[0].traffic: it redirects to HTTPS, and asks nobody"},
		"access to a redirect":           {"redirectToHTTPS: 443", "redirectToHTTPS: 443, access: [a]", "f:2: listeners[0].access: it redirects to HTTPS, and asks nobody"},
		"a route of a redirect":          {"[own]", "[web]", `f:11: routes[0].listeners[0]: listener "web" redirects all requests to HTTPS`},
		"a route of a stream":            {"[own]", "[db]", `routes[0].listeners[0]: listener "db" has no requests, but streams`},
		"a route of nobody":              {"[own]", "[x]", `routes[0].listeners[0]: there is no listener "x"`},
		"a parameter with any value":     {"name: q, exact: x", "name: q", "f:11: routes[0].matches[0].query[0]: it has neither or both of exact and regex"},
		"a redirect that is rewritten":   {"{host: a}", "{host: a}, rewrite: {host: b}", "f:12: routes[1].rewrite: it has no effect beside a redirect"},
		"a redirect in time":             {"{host: a}", "{host: a}, timeout: 1s", "routes[1].timeout: it has no effect"},
		"a redirect again":               {"{host: a}", "{host: a}, retry: {attempts: 1}", "routes[1].retry: it has no effect"},
		"lines of a redirect":            {"{host: a}", "{host: a}, responseHeaders: {remove: [X]}", "routes[1].responseHeaders.remove: it has no effect"},
		"lines for a redirect":           {"{host: a}", "{host: a}, requestHeaders: {set: {X: y}}", "routes[1].requestHeaders.set: it has no effect"},
		"waiting for nothing":            {"6\"]", "6\"], breaker: {requests: 1, wait: 1s}", "f:15: backends[1].breaker.wait: nothing waits without pending"},
		"all ill, as nobody knows":       {"6\"]", "6\"], allUnhealthy: Refuse", "backends[1].allUnhealthy: nothing finds out who is well"},
		"a file that is fetched again":   {"file: k.pem", "file: k.pem, refresh: 1m", "f:22: keySets[0].refresh: keys of a file are not fetched"},
		"authorities of a file":          {"file: k.pem", "file: k.pem, caFile: ca", "keySets[0].caFile: keys of a file are not fetched"},
		"a policy that guards nothing":   {", access: [a]", "", `f:20: accessPolicies[0]: no listener and no route names the access policy "a", so it guards nothing`},
	} {
		changed := strings.Replace(effective, tc.old, tc.new, 1)
		if changed == effective {
			t.Fatalf("%s: %q is not in the configuration", name, tc.old)
		}
		if _, err := Decode("f", []byte(changed)); err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s:\n got %v\nwant %s", name, err, tc.want)
		}
	}
}

func TestWhatNothingNamesIsToldOf(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ old, new, want string }{
		"a traffic policy": {"traffic: [t], ", "", `f:18: trafficPolicies[0]: nothing names the traffic policy "t"`},
		"a certificate":    {", tls: {certificates: [c]}", "", `f:7: certificates[0]: nothing names the certificate "c"`},
		"a backend":        {"backends: [{name: b}], mirrors: [{backend: copies}]", "redirect: {host: b}", `f:15: backends[1]: nothing names the backend "b"`},
		"a key set":        {"stores:\n", "- {name: l, file: k.pem}\nstores:\n", `f:23: keySets[1]: nothing names the key set "l"`},
		"a store":          {"stores:\n", "stores:\n- {name: o, redis: {address: 'a:1'}}\n", `f:24: stores[0]: nothing names the store "o"`},
		"a route":          {"protocol: HTTPS, tls: {certificates: [c]}}", "protocol: HTTP, redirectToHTTPS: 1}\n- {name: last, address: '127.0.0.1:9', protocol: TCP}", ""},
	} {
		changed := strings.Replace(effective, tc.old, tc.new, 1)
		if tc.want == "" { // no listener has requests for it
			changed = strings.NewReplacer(tc.old, "protocol: HTTP, redirectToHTTPS: 1}", "listeners: [own], ", "", `"127.0.0.1:2", protocol: HTTP, traffic: [t], access: [a]`, `"127.0.0.1:2", protocol: HTTP, redirectToHTTPS: 1`).Replace(effective)
			changed, _, _ = strings.Cut(changed, "trafficPolicies")
			tc.want = `f:11: routes[0]: no listener brings requests to the route "r"`
		}
		if changed == effective {
			t.Fatalf("%s: %q is not in the configuration", name, tc.old)
		}
		dir := t.TempDir()
		for file, content := range map[string]string{"f": changed, "c.crt": "c", "c.key": "k", "k.pem": `{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}`} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		loaded, err := Load(filepath.Join(dir, "f"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		found := ""
		for _, w := range loaded.Warnings {
			found += strings.TrimPrefix(w.Error(), dir+string(filepath.Separator)) + "\n"
		}
		if !strings.Contains(found, tc.want+"\n") {
			t.Errorf("%s:\n got %swant %s", name, found, tc.want)
		}
	}
}
