// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"reflect"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

const fullClient = `
tls: {minVersion: "1.3"}
hsts: {maxAge: 1h, includeSubDomains: true, preload: true}
redirectToHTTPS: 443
path: {escapedSlashes: Reject, emptySegments: Reject, dotSegments: Reject, parameters: Reject}
headers: {identity: [X-User, X-Role], keepOverrides: [X-HTTP-Method], otherNames: Drop}
trustedProxies: [10.0.0.0/8, "fd00::/8"]
forwardedBy: X-Forwarded-For
proxyProtocolFrom: [192.0.2.0/24]
limits: {headerBytes: 1024, headerLines: 1, targetBytes: 1, bodyBytes: 1, headerTimeout: 1s, idleTimeout: 1s, webSocketIdleTimeout: 1s, bodyBytesRate: 1,
  connectionsPerAddress: 1, connections: 1, requests: 1, requestsPerAddress: 1, streams: 1}
`

// TestOnlyWhatBelievesClientsMoreIsTold has pairs, as that of the other kinds: a change, and
// the nearest one that is not for the worse.
func TestOnlyWhatBelievesClientsMoreIsTold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ from, to, want string }{
		"a proxy more is believed":              {"[10.0.0.0/8,", "[10.0.0.0/8, 172.16.0.0/12,", "spec.trustedProxies"},
		"more of its block are":                 {"10.0.0.0/8", "10.0.0.0/7", "spec.trustedProxies"},
		"fewer of its block are":                {"10.0.0.0/8", "10.1.0.0/16", ""},
		"a proxy less is believed":              {"10.0.0.0/8, ", "", ""},
		"what is no block of addresses":         {"[10.0.0.0/8,", "[10.0.0.0/8, all,", "spec.trustedProxies"},
		"they tell of clients in another line":  {"forwardedBy: X-Forwarded-For", "forwardedBy: Forwarded", "spec.forwardedBy"},
		"the line that is meant is written":     {"forwardedBy: X-Forwarded-For\n", "", ""},
		"headers of connections from elsewhere": {"[192.0.2.0/24]", "[192.0.2.0/24, 198.51.100.0/24]", "spec.proxyProtocolFrom"},
		"headers of connections from nobody":    {"proxyProtocolFrom: [192.0.2.0/24]\n", "", ""},
		"a line of who asks less":               {"[X-User, X-Role]", "[X-User]", "spec.headers.identity"},
		"a line of who asks more":               {"[X-User, X-Role]", "[X-User, X-Role, X-More]", ""},
		"a line that overrides more":            {"[X-HTTP-Method]", "[X-HTTP-Method, X-Rewrite-URL]", "spec.headers.keepOverrides"},
		"a line that overrides less":            {"keepOverrides: [X-HTTP-Method], ", "", ""},
		"lines that pass for others":            {"otherNames: Drop", "otherNames: Keep", "spec.headers.otherNames"},
		"they are dropped, as ever":             {", otherNames: Drop", "", ""},
		"another form of paths":                 {"dotSegments: Reject", "dotSegments: Resolve", "spec.path.dotSegments"},
		"no redirection":                        {"redirectToHTTPS: 443\n", "", "spec.redirectToHTTPS"},
		"a redirection elsewhere":               {"redirectToHTTPS: 443", "redirectToHTTPS: 80", "spec.redirectToHTTPS"},
		"an older TLS":                          {`tls: {minVersion: "1.3"}`, `tls: {minVersion: "1.2"}`, "spec.tls.minVersion"},
		"the TLS that is meant":                 {"tls: {minVersion: \"1.3\"}\n", "", "spec.tls.minVersion"},
		"what browsers are told":                {"maxAge: 1h", "maxAge: 1m", ""},
		"a limit":                               {"bodyBytes: 1,", "bodyBytes: 100,", ""},
		"a field that nobody knows":             {"forwardedBy:", "more: true\nforwardedBy:", "spec.more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(fullClient, tc.from) {
				t.Fatalf("there is no %q to change", tc.from)
			}
			got := Client(spec(t, fullClient), spec(t, strings.Replace(fullClient, tc.from, tc.to, 1)))
			switch {
			case tc.want == "" && len(got) > 0:
				t.Errorf("%v, want nothing", got)
			case tc.want != "" && (len(got) != 1 || got[0].Field != tc.want):
				t.Errorf("%v, want %s", got, tc.want)
			}
		})
	}
	if got := Client(map[string]any{}, spec(t, `{redirectToHTTPS: 443, tls: {minVersion: "1.3"}, headers: {identity: [X-User]}}`)); len(got) != 0 {
		t.Errorf("what there was not: %v", got)
	}
	set := strings.Join(pathsOf(leaves("", spec(t, fullClient), func(any) {})), "\n")
	for _, field := range fieldsOf(reflect.TypeFor[v1alpha1.ClientPolicySpec](), "", 0) {
		if !strings.Contains(set, field) {
			t.Errorf("the example lacks %s, so nobody knows what a change of it does", field)
		}
	}
}

// TestEverybodyIsBelieved by blocks that make all addresses with 63 others, and by none that
// are local.
func TestEverybodyIsBelieved(t *testing.T) {
	t.Parallel()
	for block, want := range map[string]int{
		"0.0.0.0/0": 1, "::/0": 1, "128.0.0.0/1": 1, "8.0.0.0/7": 1, "2000::/3": 1, "2000::/15": 1, "e000::/7": 1,
		"10.0.0.0/8": 0, "192.0.2.1/32": 0, "2001::/16": 0, "fc00::/7": 0, "fe80::/10": 0, "nothing": 0,
	} {
		for _, field := range []string{"trustedProxies", "proxyProtocolFrom"} {
			if got := Everybody(map[string]any{field: []any{"192.0.2.0/24", block}}); len(got) != want || want > 0 && got[0].Field != "spec."+field {
				t.Errorf("%s of %s: %v, want %d", block, field, got, want)
			}
		}
	}
}
