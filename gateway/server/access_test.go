// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/crypto/bcrypt"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// guarded are the policies of the tests: each host is a route that names the policy
// of its first label, if there is one.
const guarded = `listeners:
- {name: plain, address: "127.0.0.1:0", protocol: HTTP, http2: on}
- {name: floor, address: "127.0.0.1:0", protocol: HTTP, http2: on, access: [tokens]}
- {name: usual, address: "127.0.0.1:0", protocol: HTTP, access: [usual]}
- {name: away, address: "127.0.0.1:0", protocol: HTTP, redirectToHTTPS: 443}
routes:
- {name: open, hosts: [open], backends: [{name: b}]}
- {name: tokens, hosts: [tokens], access: [tokens], backends: [{name: b}]}
- {name: keys, hosts: [keys], access: [keys], backends: [{name: b}]}
- {name: both, hosts: [both], access: [tokens, keys], backends: [{name: b}]}
- {name: people, hosts: [people], access: [people], backends: [{name: b}]}
- {name: all, hosts: [all], access: [all], backends: [{name: b}]}
- {name: public, hosts: [public], access: [public], backends: [{name: b}]}
- {name: rules, hosts: [rules], access: [rules], backends: [{name: b}]}
- {name: kept, hosts: [kept], access: [kept], backends: [{name: b}]}
- {name: forged, hosts: [forged], access: [public], backends: [{name: b}], requestHeaders: {set: {X-User: admin, X-Tenant: root, Authorization: Basic own}}}
- {name: moved, hosts: [moved], access: [public], redirect: {host: elsewhere}}
- {name: down, hosts: [down], access: [down], backends: [{name: b}]}
- {name: asks, hosts: [asks], access: [asks], backends: [{name: b}]}
- {name: asks-prefix, hosts: [asks-prefix], access: [asks-prefix], backends: [{name: b}]}
- {name: asks-nobody, hosts: [asks-nobody], access: [asks-nobody], backends: [{name: b}]}
backends:
- {name: b, endpoints: [BACKEND]}
- {name: authz, endpoints: [AUTHZ]}
- {name: nobody}
keySets:
- {name: idp, file: jwks.json}
- {name: down, url: "http://127.0.0.1:1/keys", plaintext: Allow}
accessPolicies:
- name: tokens
  authentication: {anyOf: [{name: idp, jwt: &idp {issuer: "https://idp/", audiences: [shop], keySet: idp}}]}
  authorization: {rules: [{name: any, allow: {}}]}
  forward: {claimsToHeaders: {sub: X-User, tenant: X-Tenant, roles: X-Roles}}
- name: usual
  mode: Default
  authentication: {anyOf: [{name: keys, apiKey: &keys {from: {header: X-API-Key}, keysFile: keys.txt}}]}
  authorization: {rules: [{name: any, allow: {}}]}
- name: keys
  authentication: {anyOf: [{name: keys, apiKey: *keys}]}
  authorization: {rules: [{name: any, allow: {}}]}
  forward: {claimsToHeaders: {sub: X-Key, tenant: X-Tenant}}
- name: people
  authentication: {anyOf: [{name: people, basic: {realm: the shop, usersFile: users.txt}}]}
  authorization: {rules: [{name: any, allow: {}}]}
  forward: {claimsToHeaders: {sub: X-User}}
- name: all
  authentication: {anyOf: [{name: idp, jwt: *idp}, {name: keys, apiKey: *keys}, {name: people, basic: {usersFile: users.txt}}, {name: nobody, anonymous: {}}]}
  authorization: {rules: [{name: any, allow: {}}]}
  forward: {claimsToHeaders: {sub: X-User}}
- name: public
  authentication: {anyOf: [{name: nobody, anonymous: {}}]}
  authorization: {rules: [{name: any, allow: {}}]}
- name: rules
  authentication: {anyOf: [{name: idp, jwt: *idp}, {name: keys, apiKey: *keys}, {name: nobody, anonymous: {}}]}
  authorization:
    rules:
    - {name: health, allow: {methods: [GET], paths: [/health]}}
    - {name: read, allow: {methods: [GET], paths: [/orders/**], scopes: [orders.read]}}
    - {name: write, allow: {methods: [POST], paths: ["/orders/*"], scopes: [orders.read, orders.write], claims: {tenant: [acme, beta]}}}
    - {name: ci, allow: {paths: [/build], principals: [keys/ci]}}
    - {name: admins, allow: {paths: [/admin/**], when: "'admin' in claims.roles"}}
    - {name: near, allow: {paths: [/near], sourceRanges: [127.0.0.0/8]}}
    - {name: far, allow: {paths: [/far], sourceRanges: [192.0.2.0/24]}}
    - {name: banned, deny: {claims: {banned: ["true"]}}}
    - {name: closed, deny: {paths: [/admin/closed/**]}}
    - {name: strange, deny: {paths: [/admin/strange], when: "claims.level > 3"}}
- name: kept
  authentication: {anyOf: [{name: keys, apiKey: *keys}]}
  authorization: {rules: [{name: any, allow: {}}]}
  forward: {credentials: Keep}
- name: down
  authentication: {anyOf: [{name: idp, jwt: {issuer: "https://idp/", audiences: [shop], keySet: down}}, {name: nobody, anonymous: {}}]}
  authorization: {rules: [{name: any, allow: {}}]}
- name: asks
  authentication: {anyOf: [{name: nobody, anonymous: {}}]}
  authorization: {rules: [{name: closed, deny: {paths: [/closed]}}, {name: any, allow: {}}]}
  externalAuth: {http: {backend: authz, path: /verify, requestHeaders: [Cookie], responseHeaders: [X-Verified]}}
- name: asks-prefix
  authentication: {anyOf: [{name: nobody, anonymous: {}}]}
  authorization: {rules: [{name: any, allow: {}}]}
  externalAuth: {http: {backend: authz, pathPrefix: /authz}, timeout: 30s}
- name: asks-nobody
  authentication: {anyOf: [{name: nobody, anonymous: {}}]}
  authorization: {rules: [{name: any, allow: {}}]}
  externalAuth: {http: {backend: nobody}}
`

// issuer signs tokens.
var issuer = sync.OnceValue(func() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil
	}
	return k
})

// token is a token of the issuer, for the shop, with claims beside those that it
// must have.
func token(t testing.TB, claims map[string]any) string {
	t.Helper()
	all := map[string]any{"iss": "https://idp/", "aud": "shop", "sub": "ann", "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(all, claims)
	payload, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: issuer(), KeyID: "k"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

func bearer(t testing.TB, claims map[string]any) string {
	return "Authorization: Bearer " + token(t, claims)
}

func password(text string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(text))
}

// authz is a service that is asked: the cookie says what it answers.
func authz(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Verified", "by the service")
	h.Set("X-Other", "not for the backend")
	h.Set("X-Asked", r.Method+" "+r.RequestURI+" "+r.Host+" "+r.Header.Get("X-Forwarded-Method")+" "+r.Header.Get("X-Forwarded-Uri")+" "+r.Header.Get("X-Forwarded-For"))
	switch c, _ := r.Cookie("say"); {
	case r.ContentLength > 0 || r.Header.Get("X-Secret") != "":
		w.WriteHeader(http.StatusTeapot)
	case c == nil:
		w.WriteHeader(http.StatusAccepted)
	case c.Value == "login":
		h.Set("Location", "https://login/")
		w.WriteHeader(http.StatusFound)
	case c.Value == "challenge":
		h.Set("WWW-Authenticate", `Login realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	case c.Value == "who":
		w.WriteHeader(http.StatusUnauthorized)
	case c.Value == "no":
		w.WriteHeader(http.StatusNotFound)
	case c.Value == "nowhere":
		w.WriteHeader(http.StatusFound)
	case c.Value == "slow":
		<-r.Context().Done()
	default:
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// load reads the configuration of the tests from files, as the program does.
func load(t testing.TB) *config.Snapshot {
	t.Helper()
	b, a := httptest.NewServer(http.HandlerFunc(echo)), httptest.NewServer(http.HandlerFunc(authz))
	t.Cleanup(b.Close)
	t.Cleanup(a.Close)
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: issuer().Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("hush"), 10)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"gateway.yaml": strings.NewReplacer("BACKEND", `"`+b.Listener.Addr().String()+`"`, "AUTHZ", `"`+a.Listener.Addr().String()+`"`).Replace(guarded),
		"jwks.json":    string(keys),
		"keys.txt":     fmt.Sprintf("ci:%x tenant=acme\n", sha256.Sum256([]byte("open"))),
		"users.txt":    "ann:" + string(hash) + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := config.Load(filepath.Join(dir, "gateway.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return loaded.Snapshot
}

// attempt is a request and what is expected of its answer.
type attempt struct {
	listener, host, target string // the target is GET / if it is ""
	lines                  []string
	status                 string
	has                    []string // in the answer: of the gateway, or what the backend got
	not                    []string
}

func (a *attempt) try(t *testing.T, name string, at map[string]string) {
	t.Helper()
	listener, target := a.listener, a.target
	if listener == "" {
		listener = "plain"
	}
	if target == "" {
		target = "GET /"
	}
	answer := raw(t, at[listener], target+" HTTP/1.1\r\n"+strings.Join(append(a.lines, "Host: "+a.host, "Connection: close"), "\r\n")+"\r\n\r\n")
	if len(answer) < 12 || answer[9:12] != a.status {
		t.Errorf("%s: got %s, want %s", name, answer, a.status)
		return
	}
	for _, want := range a.has {
		if !strings.Contains(answer, want) {
			t.Errorf("%s: %q is missing in\n%s", name, want, answer)
		}
	}
	for _, wrong := range a.not {
		if strings.Contains(answer, wrong) {
			t.Errorf("%s: %q is in\n%s", name, wrong, answer)
		}
	}
}

func reason(word string) string { return `"reason":"` + word + `"` }

func TestWhoIsLetIn(t *testing.T) {
	t.Parallel()
	_, at := start(t, load(t))
	const (
		bearerScheme = "Www-Authenticate: Bearer realm=\"gateway\"\r\n"
		invalidToken = "Www-Authenticate: Bearer realm=\"gateway\", error=\"invalid_token\"\r\n"
		keyScheme    = "Www-Authenticate: ApiKey realm=\"gateway\", header=\"X-API-Key\"\r\n"
		basicScheme  = "Www-Authenticate: Basic realm=\"gateway\", charset=\"UTF-8\"\r\n"
	)
	for name, tc := range map[string]attempt{
		"a route without a policy":            {host: "open", status: "200"},
		"its Authorization is the backend's":  {host: "open", lines: []string{"Authorization: Bearer x"}, status: "200", has: []string{"Authorization: Bearer x"}},
		"no token":                            {host: "tokens", status: "401", has: []string{bearerScheme, reason("no-credential"), "application/problem+json", "Cache-Control: no-store"}},
		"a token":                             {host: "tokens", lines: []string{bearer(t, map[string]any{"tenant": "acme", "roles": []string{"a", "b"}})}, status: "200", has: []string{"X-User: ann\r\n", "X-Tenant: acme\r\n", "X-Roles: a,b\r\n"}, not: []string{"Authorization"}},
		"a token that is none":                {host: "tokens", lines: []string{"Authorization: Bearer x"}, status: "401", has: []string{invalidToken, reason("token-malformed")}},
		"a token of the past":                 {host: "tokens", lines: []string{bearer(t, map[string]any{"exp": 1})}, status: "401", has: []string{invalidToken, reason("token-expired")}},
		"a token for somebody else":           {host: "tokens", lines: []string{bearer(t, map[string]any{"aud": "else"})}, status: "401", has: []string{invalidToken, reason("token-audience")}},
		"a token of another issuer":           {host: "tokens", lines: []string{bearer(t, map[string]any{"iss": "https://evil/"})}, status: "401", has: []string{invalidToken, reason("unknown-credential")}},
		"another scheme":                      {host: "tokens", lines: []string{password("ann:hush")}, status: "401", has: []string{invalidToken, reason("unknown-credential")}},
		"a claim that is forged":              {host: "tokens", lines: []string{bearer(t, nil), "X-Tenant: root", "X-User: root", "x_user: root", "X.User: root", "Connection: X-User"}, status: "200", has: []string{"X-User: ann\r\n"}, not: []string{"root", "X-Tenant"}},
		"a claim that is forged elsewhere":    {host: "open", lines: []string{"X-User: root", "X-Key: root", "X-Verified: root", "X-Roles: root"}, status: "200", not: []string{"root"}},
		"a claim that is no line":             {host: "tokens", lines: []string{bearer(t, map[string]any{"tenant": "a\r\nX-User: root"})}, status: "403", has: []string{reason("unfit-claim")}},
		"a claim with spaces around it":       {host: "tokens", lines: []string{bearer(t, map[string]any{"tenant": " acme"})}, status: "403", has: []string{reason("unfit-claim")}},
		"a list with a comma in an entry":     {host: "tokens", lines: []string{bearer(t, map[string]any{"roles": []string{"a,admin"}})}, status: "403", has: []string{reason("unfit-claim")}},
		"a key":                               {host: "keys", lines: []string{"X-API-Key: open"}, status: "200", has: []string{"X-Key: ci\r\n", "X-Tenant: acme\r\n"}, not: []string{"X-Api-Key", "open"}},
		"a wrong key":                         {host: "keys", lines: []string{"X-API-Key: shut"}, status: "401", has: []string{keyScheme, reason("unknown-key")}, not: []string{"shut"}},
		"two keys":                            {host: "keys", lines: []string{"X-API-Key: open", "X-API-Key: open"}, status: "401", has: []string{reason("double-key")}},
		"no key":                              {host: "keys", lines: []string{bearer(t, nil)}, status: "401", has: []string{keyScheme, reason("no-credential")}},
		"a key that is kept":                  {host: "kept", lines: []string{"X-API-Key: open"}, status: "200", has: []string{"X-Api-Key: open\r\n"}},
		"two policies, one credential":        {host: "both", lines: []string{bearer(t, nil)}, status: "401", has: []string{keyScheme, reason("no-credential")}},
		"two policies, two credentials":       {host: "both", lines: []string{bearer(t, nil), "X-API-Key: open"}, status: "200", has: []string{"X-User: ann\r\n", "X-Key: ci\r\n"}, not: []string{"Authorization", "X-Api-Key", "X-Tenant"}},
		"a password":                          {host: "people", lines: []string{password("ann:hush")}, status: "200", has: []string{"X-User: ann\r\n"}, not: []string{"Authorization"}},
		"a wrong password":                    {host: "people", lines: []string{password("ann:loud")}, status: "401", has: []string{"Www-Authenticate: Basic realm=\"the shop\", charset=\"UTF-8\"\r\n", reason("wrong-password")}},
		"any of several: none":                {host: "all", status: "200", has: []string{"X-User: anonymous\r\n"}},
		"any of several: a token":             {host: "all", lines: []string{bearer(t, nil)}, status: "200", has: []string{"X-User: ann\r\n"}},
		"any of several: a key":               {host: "all", lines: []string{"X-API-Key: open"}, status: "200", has: []string{"X-User: ci\r\n"}},
		"any of several: a password":          {host: "all", lines: []string{password("ann:hush")}, status: "200", has: []string{"X-User: ann\r\n"}},
		"a wrong one is not anonymous":        {host: "all", lines: []string{"Authorization: Bearer x"}, status: "401", has: []string{invalidToken, keyScheme, basicScheme, reason("token-malformed")}},
		"nor is one of another issuer":        {host: "all", lines: []string{bearer(t, map[string]any{"iss": "https://evil/"})}, status: "401", has: []string{reason("unknown-credential")}},
		"nor is one of an unknown scheme":     {host: "all", lines: []string{"Authorization: Negotiate x"}, status: "401", has: []string{reason("unknown-credential")}},
		"nor is an empty one":                 {host: "all", lines: []string{"Authorization:"}, status: "401"},
		"the first that is wrong decides":     {host: "all", lines: []string{"Authorization: Bearer x", "X-API-Key: open"}, status: "401", has: []string{reason("token-malformed")}},
		"all of them are stripped":            {host: "all", lines: []string{bearer(t, nil), "X-API-Key: anything"}, status: "200", not: []string{"anything", "Authorization"}},
		"keys that cannot be had":             {host: "down", lines: []string{bearer(t, nil)}, status: "503", has: []string{reason("keys-unavailable")}, not: []string{"Www-Authenticate"}},
		"which are not needed":                {host: "down", status: "200"},
		"a rule for everybody":                {host: "rules", target: "GET /health", status: "200"},
		"by another method":                   {host: "rules", target: "DELETE /health", status: "403", has: []string{reason("not-allowed")}},
		"no rule":                             {host: "rules", target: "GET /other", lines: []string{bearer(t, nil)}, status: "403", has: []string{reason("not-allowed")}, not: []string{"Www-Authenticate"}},
		"a path that is more":                 {host: "rules", target: "GET /health/x", status: "403"},
		"a scope":                             {host: "rules", target: "GET /orders/1/2", lines: []string{bearer(t, map[string]any{"scope": "a orders.read"})}, status: "200"},
		"a scope that is missing":             {host: "rules", target: "GET /orders", lines: []string{bearer(t, map[string]any{"scope": "orders.reader"})}, status: "403", has: []string{reason("insufficient-scope"), "Www-Authenticate: Bearer realm=\"gateway\", error=\"insufficient_scope\", scope=\"orders.read\"\r\n"}},
		"all scopes and a claim":              {host: "rules", target: "POST /orders/1", lines: []string{bearer(t, map[string]any{"scope": "orders.write orders.read", "tenant": "beta"})}, status: "200"},
		"one of two scopes":                   {host: "rules", target: "POST /orders/1", lines: []string{bearer(t, map[string]any{"scope": "orders.write", "tenant": "acme"})}, status: "403", has: []string{`scope="orders.read orders.write"`}},
		"another claim":                       {host: "rules", target: "POST /orders/1", lines: []string{bearer(t, map[string]any{"scope": "orders.write orders.read", "tenant": "else"})}, status: "403", has: []string{reason("not-allowed")}},
		"a star is one segment":               {host: "rules", target: "POST /orders/1/2", lines: []string{bearer(t, map[string]any{"scope": "orders.write orders.read", "tenant": "beta"})}, status: "403"},
		"and not an empty one":                {host: "rules", target: "POST /orders/", lines: []string{bearer(t, map[string]any{"scope": "orders.write orders.read", "tenant": "beta"})}, status: "403"},
		"a principal":                         {host: "rules", target: "GET /build", lines: []string{"X-API-Key: open"}, status: "200"},
		"one of the same name by another one": {host: "rules", target: "GET /build", lines: []string{bearer(t, map[string]any{"sub": "ci"})}, status: "403"},
		"a condition":                         {host: "rules", target: "GET /admin/x", lines: []string{bearer(t, map[string]any{"roles": []string{"admin"}})}, status: "200"},
		"that does not hold":                  {host: "rules", target: "GET /admin/x", lines: []string{bearer(t, map[string]any{"roles": []string{"dev"}})}, status: "403", has: []string{reason("not-allowed")}},
		"that cannot be evaluated":            {host: "rules", target: "GET /admin/x", lines: []string{bearer(t, nil)}, status: "403", has: []string{reason("condition-error")}},
		"or by nobody":                        {host: "rules", target: "GET /admin/x", status: "403", has: []string{reason("condition-error")}},
		"an address":                          {host: "rules", target: "GET /near", status: "200"},
		"another address":                     {host: "rules", target: "GET /far", lines: []string{"X-Forwarded-For: 192.0.2.1"}, status: "403"},
		"what is denied to all comes first":   {host: "rules", target: "GET /admin/closed/x", lines: []string{"Authorization: Bearer x"}, status: "403", has: []string{reason("denied")}},
		"also by another spelling":            {host: "rules", target: "GET //admin/%63losed/./x", lines: []string{bearer(t, map[string]any{"roles": []string{"admin"}})}, status: "403", has: []string{reason("denied")}},
		"what is denied to some":              {host: "rules", target: "GET /health", lines: []string{bearer(t, map[string]any{"banned": true})}, status: "403", has: []string{reason("denied")}},
		"a denial that cannot be evaluated":   {host: "rules", target: "GET /admin/strange", lines: []string{bearer(t, map[string]any{"roles": []string{"admin"}})}, status: "403", has: []string{reason("condition-error")}},
		"and one that can":                    {host: "rules", target: "GET /admin/strange", lines: []string{bearer(t, map[string]any{"roles": []string{"admin"}, "level": 3})}, status: "200"},
		"a route's own lines":                 {host: "forged", status: "200", has: []string{"X-User: admin\r\n", "Authorization: Basic own\r\n"}},
	} {
		tc.try(t, name, at)
	}
}

// What a listener enforces holds whatever a route says.
func TestAFloorCannotBeWeakened(t *testing.T) {
	t.Parallel()
	_, at := start(t, load(t))
	socket := []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"}
	none, known := reason("no-credential"), bearer(t, map[string]any{"tenant": "acme"})
	for name, tc := range map[string]attempt{
		"a route without a policy":           {host: "open", status: "401", has: []string{none}},
		"and with a token":                   {host: "open", lines: []string{known}, status: "200", has: []string{"X-User: ann\r\n"}},
		"a route for anybody":                {host: "public", status: "401", has: []string{none}},
		"a route that takes keys":            {host: "keys", lines: []string{"X-API-Key: open"}, status: "401", has: []string{none}},
		"and with both":                      {host: "keys", lines: []string{"X-API-Key: open", known}, status: "200", has: []string{"X-User: ann\r\n", "X-Key: ci\r\n"}},
		"a route that takes everything":      {host: "all", lines: []string{"X-API-Key: open"}, status: "401", has: []string{none}},
		"a route that keeps credentials":     {host: "kept", lines: []string{"X-API-Key: open", known}, status: "200", has: []string{"X-Api-Key: open"}, not: []string{"Authorization"}},
		"a rule for everybody":               {host: "rules", target: "GET /health", status: "401", has: []string{none}},
		"a redirection":                      {host: "moved", status: "401", has: []string{none}, not: []string{"Location"}},
		"and with a token, a redirection":    {host: "moved", lines: []string{known}, status: "302"},
		"a route that there is not":          {host: "nowhere", status: "401", has: []string{none}},
		"which only who is known learns":     {host: "nowhere", lines: []string{known}, status: "404"},
		"a WebSocket":                        {host: "open", lines: socket, status: "401", has: []string{none}},
		"an OPTIONS as browsers ask first":   {host: "open", target: "OPTIONS /", lines: []string{"Origin: https://x", "Access-Control-Request-Method: GET"}, status: "401"},
		"an absolute target":                 {host: "open", target: "GET http://open/", status: "401"},
		"another method by a line":           {host: "open", lines: []string{"X-HTTP-Method-Override: OPTIONS"}, status: "401"},
		"lines of the route do not forge":    {host: "forged", lines: []string{known}, status: "200", has: []string{"X-User: ann\r\n", "X-Tenant: acme\r\n", "Authorization: Basic own\r\n"}},
		"not even for a claim that is not":   {host: "forged", lines: []string{bearer(t, nil)}, status: "200", has: []string{"X-User: ann\r\n"}, not: []string{"X-Tenant"}},
		"nor does anonymous of the route":    {host: "all", lines: []string{known}, status: "200", has: []string{"X-User: ann\r\n"}},
		"a wrong token, whatever comes then": {host: "public", lines: []string{"Authorization: Bearer x"}, status: "401", has: []string{reason("token-malformed")}},
	} {
		tc.listener = "floor"
		tc.try(t, name, at)
	}
	for name, tc := range map[string]attempt{
		"a default holds for a route without a policy": {listener: "usual", host: "open", status: "401", has: []string{none}},
		"which a key opens":                            {listener: "usual", host: "open", lines: []string{"X-API-Key: open"}, status: "200"},
		"and is replaced by the route's own":           {listener: "usual", host: "public", status: "200"},
		"which may ask for something else":             {listener: "usual", host: "tokens", lines: []string{"X-API-Key: open"}, status: "401"},
		"a listener that only redirects answers so":    {listener: "away", host: "open", status: "301", not: []string{"X-User"}},
	} {
		tc.try(t, name, at)
	}
	// gRPC, and HTTP/2 without TLS.
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	defer tr.CloseIdleConnections()
	for auth, want := range map[string]int{"": 401, strings.TrimPrefix(known, "Authorization: "): 200} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+at["floor"]+"/pkg.Service/Method", strings.NewReader("\x00\x00\x00\x00\x00"))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "open"
		req.Header.Set("Content-Type", "application/grpc")
		req.Header.Set("Te", "trailers")
		if auth != "" {
			req.Header.Set("Authorization", auth)
		}
		res, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil || res.StatusCode != want || res.ProtoMajor != 2 {
			t.Errorf("gRPC with %.6q: got %v %v, want %d", auth, res, err, want)
		}
	}
}

func TestServicesThatAreAsked(t *testing.T) {
	t.Parallel()
	_, at := start(t, load(t))
	for name, tc := range map[string]attempt{
		"a yes":                                   {host: "asks", target: "POST /a?b=c", lines: []string{"X-Secret: x", "X-Verified: forged"}, status: "200", has: []string{"X-Verified: by the service\r\n"}, not: []string{"X-Other", "forged"}},
		"a way to log in":                         {host: "asks", lines: []string{"Cookie: say=login"}, status: "302", has: []string{"Location: https://login/\r\n"}, not: []string{"X-Other", "X-Verified"}},
		"a challenge":                             {host: "asks", lines: []string{"Cookie: say=challenge"}, status: "401", has: []string{"Www-Authenticate: Login realm=\"x\"\r\n", reason("external-refused")}},
		"a no":                                    {host: "asks", lines: []string{"Cookie: say=no"}, status: "403", has: []string{reason("external-refused")}},
		"a redirection to nowhere":                {host: "asks", lines: []string{"Cookie: say=nowhere"}, status: "503", has: []string{reason("external-unavailable")}},
		"a service that fails":                    {host: "asks", lines: []string{"Cookie: say=what"}, status: "503", has: []string{reason("external-unavailable")}},
		"a rule that denies, whatever it says":    {host: "asks", target: "GET /closed", status: "403", has: []string{reason("denied")}},
		"a service that is not there":             {host: "asks-nobody", status: "503", has: []string{reason("external-unavailable")}},
		"with the path of the request":            {host: "asks-prefix", target: "GET /a/b?c", status: "200", not: []string{"X-Verified"}},
		"which gets no cookie if it is not named": {host: "asks-prefix", lines: []string{"Cookie: say=no"}, status: "200"},
	} {
		tc.try(t, name, at)
	}
}

// Trailers are header lines that come later, and some servers put them together.
func TestTrailersDoNotForge(t *testing.T) {
	t.Parallel()
	seen := make(chan http.Header, 1)
	b := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // its trailers are there then
		seen <- r.Trailer
	})
	snap := load(t)
	snap.Backends[0].Endpoints = b.Endpoints
	_, at := start(t, snap)
	for _, announced := range []string{"X-User, X-Sum", "X-Sum"} {
		answer := raw(t, at["plain"], "POST / HTTP/1.1\r\nHost: open\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: "+announced+"\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\nX-User: root\r\nX_User: root\r\nX-Forwarded-For: root\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
			t.Fatal(answer)
		}
		if got := <-seen; got.Get("X-Sum") != "1" || len(got) != 1 {
			t.Errorf("%s: got %v", announced, got)
		}
	}
}
