// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// effect is what one setting of a file changes: the answer to a request.
type effect struct {
	setting       string // as paths calls it
	base          string // a configuration: HERE is lack or has, BACKEND an address
	lack, has     string
	ask           string // the request line, and header lines behind it; a body behind an empty one
	before, after string // what the answer has, or has not with a "!"; "" is not asked
}

const (
	baseListener = `listeners: [{name: plain, address: "127.0.0.1:0", protocol: HTTP, client: {HERE}}]
routes: [{name: r, backends: [{name: b}]}]
backends: [{name: b, endpoints: [BACKEND]}]
`
	baseRoute = `listeners: [{name: plain, address: "127.0.0.1:0", protocol: HTTP}, {name: other, address: "127.0.0.1:0", protocol: HTTP}]
routes:
- {name: r, HERE}
- {name: rest, listeners: [other], backends: [{name: b}, {name: none}]}
backends: [{name: b, endpoints: [BACKEND]}, {name: none}]
`
	baseMatch   = "backends: [{name: b}], matches: [{path: {prefix: /a}}]"
	baseBackend = `listeners: [{name: plain, address: "127.0.0.1:0", protocol: HTTP}]
routes: [{name: r, backends: [{name: b}]}]
backends: [{name: b, HERE}]
`
	baseDefault = `listeners: [{name: plain, address: "127.0.0.1:0", protocol: HTTP, access: [usual]}]
routes: [{name: r, backends: [{name: b}], HERE}]
backends: [{name: b, endpoints: [BACKEND]}]
accessPolicies:
- {name: own, authentication: {anyOf: [{name: a, anonymous: {}}]}, authorization: {rules: [{name: all, allow: {}}]}}
- {name: usual, mode: Default, authentication: {anyOf: [{name: a, anonymous: {}}]}, authorization: {rules: [{name: none, deny: {}}]}}
`
	baseToken = `listeners: [{name: plain, address: "127.0.0.1:0", protocol: HTTP}]
routes: [{name: r, backends: [{name: b}], access: [p]}]
backends: [{name: b, endpoints: [BACKEND]}]
keySets: [{name: k, file: jwks.json}]
accessPolicies:
- name: p
  authentication: {anyOf: [{name: j, jwt: {keySet: k, HERE}}]}
  authorization: {rules: [{name: read, allow: {methods: [GET]}}, {name: write, allow: {methods: [POST], scopes: [write]}}]}
`
	baseRule = `listeners: [{name: plain, address: "127.0.0.1:0", protocol: HTTP}]
routes: [{name: r, backends: [{name: b}], access: [p]}]
backends: [{name: b, endpoints: [BACKEND]}]
keySets: [{name: k, file: jwks.json}]
accessPolicies:
- name: p
  authentication: {anyOf: [{name: j, jwt: {keySet: k, issuer: "https://idp/", audiences: [shop]}}]}
  authorization: {rules: [{name: any, allow: {}}HERE]}
`
	baseStream = `listeners: [{name: plain, address: "127.0.0.1:0", protocol: TCP}]
streams: [{name: s, listeners: [plain], backends: [HERE]}]
backends: [{name: b, endpoints: [BACKEND]}, {name: other, endpoints: [OTHER]}]
`
	forTheShop = `issuer: "https://idp/", audiences: [shop]`
)

// requestEffects are settings of listeners, routes and backends.
var requestEffects = []effect{
	{"routes[].accessBeside", baseDefault, "access: [own]", "accessBeside: [own]", "GET /", "200 OK", reason("denied")},
	{"listeners[].client.path.escapedSlashes", baseListener, "", "path: {escapedSlashes: Decode}", "GET /a%2Fb", reason("escaped-slash"), "GET /a/b "},
	{"listeners[].client.path.emptySegments", baseListener, "", "path: {emptySegments: Reject}", "GET /a//b", "GET /a/b ", reason("empty-segment")},
	{"listeners[].client.path.dotSegments", baseListener, "", "path: {dotSegments: Reject}", "GET /a/../b", "GET /b ", reason("dot-segment")},
	{"listeners[].client.path.parameters", baseListener, "", "path: {parameters: Keep}", "GET /a;b", reason("path-parameter"), "GET /a;b "},
	{"listeners[].client.headers.identity", baseListener, "", "headers: {identity: [X-Own]}", "GET /\nX-Own: mine", "X-Own: mine", "!mine"},
	{"listeners[].client.headers.keepOverrides", baseListener, "", "headers: {keepOverrides: [X-Original-URL]}", "GET /\nX-Original-URL: /b", "!/b", "X-Original-Url: /b"},
	{"listeners[].client.headers.otherNames", baseListener, "", "headers: {otherNames: Keep}", "GET /\nX_A: kept", "!kept", "kept"},
	{"listeners[].client.trustedProxies", baseListener, "", "trustedProxies: [127.0.0.0/8]", "GET /\nX-Forwarded-For: 192.0.2.1", "!192.0.2.1", "X-Forwarded-For: 192.0.2.1"},
	{"listeners[].client.forwardedBy", baseListener, "trustedProxies: [127.0.0.0/8]", "trustedProxies: [127.0.0.0/8], forwardedBy: Forwarded", "GET /\nForwarded: for=192.0.2.1", "!192.0.2.1", "X-Forwarded-For: 192.0.2.1"},
	{"listeners[].client.limits.headerBytes", baseListener, "", "limits: {headerBytes: 300}", "GET /" + strings.Repeat("\nX: "+strings.Repeat("a", 90), 3), "200 OK", reason("head-too-large")},
	{"listeners[].client.limits.headerLines", baseListener, "", "limits: {headerLines: 3}", "GET /\nX: a\nX: a\nX: a", "200 OK", reason("too-many-lines")},
	{"listeners[].client.limits.targetBytes", baseListener, "", "limits: {targetBytes: 4}", "GET /abcd", "200 OK", reason("target-too-long")},
	{"listeners[].client.limits.bodyBytes", baseListener, "", "limits: {bodyBytes: 4}", "POST /\nContent-Length: 5\n\nhello", "hello", "HTTP/1.1 413 "},
	{"listeners[].client.limits.bodyBytes", baseListener, "", "limits: {bodyBytes: 4}", "POST /\nTransfer-Encoding: chunked\n\n5\r\nhello\r\n0\r\n\r\n", "hello", "HTTP/1.1 413 "},

	{"listeners[].hosts", strings.Replace(baseListener, "client: {HERE}", "HERE", 1), "hosts: [b]", "hosts: [a]", "GET /", "200 OK", reason("no-route")},

	{"routes[].listeners", baseRoute, "backends: [{name: b}]", "listeners: [other], backends: [{name: b}]", "GET /", "200 OK", reason("no-route")},
	{"routes[].hosts", baseRoute, "backends: [{name: b}]", "hosts: [else], backends: [{name: b}]", "GET /", "200 OK", reason("no-route")},
	{"routes[].matches[].path.prefix", baseRoute, "backends: [{name: b}]", baseMatch, "GET /b", "200 OK", reason("no-route")},
	{"routes[].matches[].path.exact", baseRoute, baseMatch, "backends: [{name: b}], matches: [{path: {exact: /a}}]", "GET /a/b", "200 OK", reason("no-route")},
	{"routes[].matches[].path.regex", baseRoute, baseMatch, "backends: [{name: b}], matches: [{path: {regex: /a/c+}}]", "GET /a/b", "200 OK", reason("no-route")},
	{"routes[].matches[].method", baseRoute, baseMatch, "backends: [{name: b}], matches: [{method: PUT}]", "GET /a", "200 OK", reason("no-route")},
	{"routes[].matches[].headers[].name", baseRoute, "backends: [{name: b}], matches: [{headers: [{name: A, exact: x}]}]", "backends: [{name: b}], matches: [{headers: [{name: B, exact: x}]}]", "GET /a\nA: x", "200 OK", reason("no-route")},
	{"routes[].matches[].headers[].exact", baseRoute, "backends: [{name: b}], matches: [{headers: [{name: A, exact: x}]}]", "backends: [{name: b}], matches: [{headers: [{name: A, exact: y}]}]", "GET /a\nA: x", "200 OK", reason("no-route")},
	{"routes[].matches[].headers[].regex", baseRoute, "backends: [{name: b}], matches: [{headers: [{name: A, regex: x+}]}]", "backends: [{name: b}], matches: [{headers: [{name: A, regex: y+}]}]", "GET /a\nA: xx", "200 OK", reason("no-route")},
	{"routes[].matches[].query[].name", baseRoute, "backends: [{name: b}], matches: [{query: [{name: a, exact: x}]}]", "backends: [{name: b}], matches: [{query: [{name: b, exact: x}]}]", "GET /a?a=x", "200 OK", reason("no-route")},
	{"routes[].matches[].query[].exact", baseRoute, "backends: [{name: b}], matches: [{query: [{name: a, exact: x}]}]", "backends: [{name: b}], matches: [{query: [{name: a, exact: y}]}]", "GET /a?a=x", "200 OK", reason("no-route")},
	{"routes[].matches[].query[].regex", baseRoute, "backends: [{name: b}], matches: [{query: [{name: a, regex: x+}]}]", "backends: [{name: b}], matches: [{query: [{name: a, regex: y+}]}]", "GET /a?a=xx", "200 OK", reason("no-route")},
	{"routes[].backends[].weight", baseRoute, "backends: [{name: b}, {name: none, weight: 0}]", "backends: [{name: b, weight: 0}, {name: none}]", "GET /", "200 OK", reason("no-endpoints")},
	{"routes[].backends[].requestHeaders.remove", baseRoute, "backends: [{name: b}]", "backends: [{name: b, requestHeaders: {remove: [X]}}]", "GET /a\nX: theirs", "theirs", "!theirs"},
	{"routes[].backends[].responseHeaders.remove", baseRoute, "backends: [{name: b}]", "backends: [{name: b, responseHeaders: {remove: [Content-Type]}}]", "GET /a", "Content-Type: ", "!Content-Type"},
	{"routes[].redirect.scheme", baseRoute, "redirect: {host: c}", "redirect: {scheme: https}", "GET /a?b", "Location: http://c/a?b\r\n", "Location: https://a/a?b\r\n"},
	{"routes[].redirect.host", baseRoute, "redirect: {port: 81}", "redirect: {host: c, port: 81}", "GET /a", "Location: http://a:81/a\r\n", "Location: http://c:81/a\r\n"},
	{"routes[].redirect.port", baseRoute, "redirect: {host: c}", "redirect: {host: c, port: 81}", "GET /a", "Location: http://c/a\r\n", "Location: http://c:81/a\r\n"},
	{"routes[].redirect.path", baseRoute, "redirect: {host: c}", "redirect: {host: c, path: /d}", "GET /a", "Location: http://c/a\r\n", "Location: http://c/d\r\n"},
	{"routes[].redirect.prefix", baseRoute, "redirect: {host: c}, matches: [{path: {prefix: /a}}]", "redirect: {host: c, prefix: /d}, matches: [{path: {prefix: /a}}]", "GET /a/b", "Location: http://c/a/b\r\n", "Location: http://c/d/b\r\n"},
	{"routes[].redirect.status", baseRoute, "redirect: {host: c}", "redirect: {host: c, status: 308}", "GET /a", "HTTP/1.1 302 ", "HTTP/1.1 308 "},
	{"routes[].rewrite.host", baseRoute, baseMatch, baseMatch + ", rewrite: {host: c}", "GET /a", "GET /a a\n", "GET /a c\n"},
	{"routes[].rewrite.path", baseRoute, baseMatch, baseMatch + ", rewrite: {path: /d}", "GET /a/b?c", "GET /a/b?c a\n", "GET /d?c a\n"},
	{"routes[].rewrite.prefix", baseRoute, baseMatch, baseMatch + ", rewrite: {prefix: /d}", "GET /a/b", "GET /a/b a\n", "GET /d/b a\n"},
	{"routes[].requestHeaders.set", baseRoute, baseMatch, baseMatch + ", requestHeaders: {set: {X: ours}}", "GET /a\nX: theirs", "X: theirs", "!theirs"},
	{"routes[].requestHeaders.add", baseRoute, baseMatch, baseMatch + ", requestHeaders: {add: {X: ours}}", "GET /a\nX: theirs", "!ours", "X: theirs\r\nX: ours"},
	{"routes[].requestHeaders.remove", baseRoute, baseMatch, baseMatch + ", requestHeaders: {remove: [X]}", "GET /a\nX: theirs", "theirs", "!theirs"},
	{"routes[].responseHeaders.set", baseRoute, baseMatch, baseMatch + ", responseHeaders: {set: {Content-Type: ours/x}}", "GET /a", "!ours", "Content-Type: ours/x\r\n"},
	{"routes[].responseHeaders.add", baseRoute, baseMatch, baseMatch + ", responseHeaders: {add: {X-Mine: ours}}", "GET /a", "!X-Mine", "X-Mine: ours\r\n"},
	{"routes[].responseHeaders.remove", baseRoute, baseMatch, baseMatch + ", responseHeaders: {remove: [content-type]}", "GET /a", "Content-Type: ", "!Content-Type"},
	{"routes[].bodyBytes", baseRoute, baseMatch, baseMatch + ", bodyBytes: 4", "POST /a\nContent-Length: 5\n\nhello", "hello", "HTTP/1.1 413 "},
	{"routes[].bodyBytes", strings.Replace(baseRoute, "protocol: HTTP}", "protocol: HTTP, client: {limits: {bodyBytes: 4}}}", 1), baseMatch, baseMatch + ", bodyBytes: 40", "POST /a\nTransfer-Encoding: chunked\n\n5\r\nhello\r\n0\r\n\r\n", "HTTP/1.1 413 ", "HTTP/1.1 413 "},
	{"routes[].timeout", baseRoute, "", baseMatch + ", timeout: 50ms", "GET /a/slow", "", reason("timeout")},

	{"streams[].backends[].weight", baseStream, "{name: b}, {name: other, weight: 0}", "{name: b, weight: 0}, {name: other}", "GET /", "GET / a\n", "the other one"},
	{"backends[].endpoints", baseBackend, "endpoints: [BACKEND]", "endpoints: []", "GET /", "200 OK", reason("no-endpoints")},
	{"backends[].protocol", baseBackend, "endpoints: [BACKEND]", "endpoints: [BACKEND], protocol: h2c", "GET /", "200 OK", "HTTP/1.1 502 "},
	{"backends[].timeouts.connect", baseBackend, "endpoints: [BACKEND]", "endpoints: [BACKEND], timeouts: {connect: 1ns}", "GET /", "200 OK", reason("backend-timeout")},
	{"backends[].timeouts.response", baseBackend, "", "endpoints: [BACKEND], timeouts: {response: 50ms}", "GET /slow", "", reason("backend-timeout")},
}

// slowly echoes, and answers nothing where it is asked for something slow.
func slowly(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/slow") {
		<-r.Context().Done()
		return
	}
	echo(w, r)
}

// loaded writes a configuration, with the keys of the issuer beside it, and loads it
// as the program does.
func loaded(t *testing.T, text, backend string) *config.Snapshot {
	t.Helper()
	dir := t.TempDir()
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: issuer().Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"gateway.yaml": strings.ReplaceAll(text, "BACKEND", fmt.Sprintf("%q", backend)), "jwks.json": string(keys)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := config.Load(filepath.Join(dir, "gateway.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return out.Snapshot
}

// message makes a request of what a table has of it.
func message(ask string) string {
	head, body, _ := strings.Cut(ask, "\n\n")
	line, more, _ := strings.Cut(head, "\n")
	if more != "" {
		more = strings.ReplaceAll(more, "\n", "\r\n") + "\r\n"
	}
	return line + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + more + "\r\n" + body
}

// TestSettingsHaveTheirEffect, as they are in a file, for a client over a socket: each
// request is sent to a gateway without the setting, too, where it can be.
func TestSettingsHaveTheirEffect(t *testing.T) {
	t.Parallel()
	b := httptest.NewServer(http.HandlerFunc(slowly))
	t.Cleanup(b.Close)
	other := backend(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the other one") })
	for _, e := range append(append([]effect{}, requestEffects...), tokenEffects(t)...) {
		t.Run(e.setting, func(t *testing.T) {
			t.Parallel()
			if e.lack == e.has || e.after == "" {
				t.Fatal("the row says nothing")
			}
			for _, tc := range []struct{ here, want string }{{e.lack, e.before}, {e.has, e.after}} {
				if tc.want == "" {
					continue
				}
				_, at := start(t, loaded(t, strings.NewReplacer("HERE", tc.here, "OTHER", fmt.Sprintf("%q", other.Endpoints[0])).Replace(e.base), b.Listener.Addr().String()))
				got := raw(t, at["plain"], message(e.ask))
				if text, not := strings.CutPrefix(tc.want, "!"); strings.Contains(got, text) == not || got == "" {
					t.Errorf("with %q: want %q in\n%s", tc.here, tc.want, got)
				}
			}
		})
	}
}

// tokenEffects are settings of access policies: what a token must be.
func tokenEffects(t *testing.T) []effect {
	t.Helper()
	const path = "accessPolicies[].authentication.anyOf[].jwt."
	in := func(line string, claims map[string]any) string { return "GET /\n" + line + token(t, claims) }
	auth := func(claims map[string]any) string { return in("Authorization: Bearer ", claims) }
	now := time.Now().Unix()
	const old, other = 60 * 60, 30
	granted := "POST /\nContent-Length: 0\nAuthorization: Bearer " + token(t, map[string]any{"perms": "write"})
	const rules, denied = "accessPolicies[].authorization.rules[].deny.", `"reason":"denied"`
	return []effect{
		{rules + "methods", baseRule, "", ", {name: n, deny: {methods: [GET]}}", auth(nil), "200 OK", denied},
		{rules + "scopes", baseRule, "", ", {name: n, deny: {scopes: [s]}}", auth(map[string]any{"scope": "r s"}), "200 OK", denied},
		{rules + "principals", baseRule, "", ", {name: n, deny: {principals: [j/ann]}}", auth(nil), "200 OK", denied},
		{rules + "sourceRanges", baseRule, "", ", {name: n, deny: {sourceRanges: [127.0.0.0/8]}}", auth(nil), "200 OK", denied},
		{path + "issuer", baseToken, forTheShop, `issuer: "https://other/", audiences: [shop]`, auth(nil), "200 OK", "HTTP/1.1 401 "},
		{path + "audiences", baseToken, forTheShop, `issuer: "https://idp/", audiences: [else]`, auth(nil), "200 OK", reason("token-audience")},
		{path + "anyAudience", baseToken, forTheShop, `issuer: "https://idp/", anyAudience: true`, auth(map[string]any{"aud": "x"}), reason("token-audience"), "200 OK"},
		{path + "algorithms", baseToken, forTheShop, forTheShop + ", algorithms: [RS256]", auth(nil), "200 OK", "HTTP/1.1 401 "},
		{path + "typ", baseToken, forTheShop, forTheShop + ", typ: at+jwt", auth(nil), "200 OK", "HTTP/1.1 401 "},
		{path + "clockSkew", baseToken, forTheShop, forTheShop + ", clockSkew: 5m", auth(map[string]any{"exp": now - other}), reason("token-expired"), "200 OK"},
		{path + "maxAge", baseToken, forTheShop, forTheShop + ", maxAge: 1m", auth(map[string]any{"iat": now - old}), "200 OK", "HTTP/1.1 401 "},
		{path + "scopesClaim", baseToken, forTheShop, forTheShop + ", scopesClaim: perms", granted, reason("insufficient-scope"), "200 OK"},
		{path + "from.cookie", baseToken, forTheShop, forTheShop + ", from: {cookie: t}", in("Cookie: a=b; t=", nil), reason("no-credential"), "200 OK"},
		{path + "from.header", baseToken, forTheShop, forTheShop + ", from: {header: X-Token}", in("X-Token: ", nil), reason("no-credential"), "200 OK"},
		{path + "from.scheme", baseToken, forTheShop + ", from: {header: X-Token}", forTheShop + ", from: {header: X-Token, scheme: Mine}", in("X-Token: Mine ", nil), "HTTP/1.1 401 ", "200 OK"},
	}
}
