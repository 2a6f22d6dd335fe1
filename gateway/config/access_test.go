// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const guarded = `listeners:
- {name: web, address: "127.0.0.1:8080", protocol: HTTP, access: [shop]}
routes:
- {name: all, access: [shop], backends: [{name: b}]}
backends:
- {name: b}
keySets:
- {name: idp, url: "https://idp/keys"}
accessPolicies:
- name: shop
  authentication:
    anyOf:
    - name: idp
      jwt: {issuer: "https://idp/", audiences: [shop], keySet: idp, algorithms: [ES256]}
    - name: keys
      apiKey: {from: {header: X-API-Key}, keysFile: keys.txt}
    - {name: nobody, anonymous: {}}
  authorization:
    rules:
    - name: read
      allow: {methods: [GET], paths: [/orders/**], scopes: [orders.read], claims: {tenant: [acme]}, principals: [idp/ann], sourceRanges: [10.0.0.0/8], when: "claims.level > 3"}
  forward: {claimsToHeaders: {sub: X-User}}
  externalAuth: {http: {backend: b, path: /verify}}
`

func TestFaultsOfAccessPolicies(t *testing.T) {
	t.Parallel()
	if _, err := Decode("gateway.yaml", []byte(guarded)); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ old, new, want string }{
		"a policy that there is not":        {"access: [shop]}", "access: [shep]}", `gateway.yaml:2: listeners[0].access[0]: there is no access policy "shep"`},
		"of a route":                        {"access: [shop], backends", "access: [shep], backends", `gateway.yaml:4: routes[0].access[0]: there is no access policy "shep"`},
		"an unknown field":                  {"authorization:", "authorisation:", `gateway.yaml:18: there is no field "authorisation"`},
		"no authenticator":                  {guarded[strings.Index(guarded, "    anyOf:"):strings.Index(guarded, "  authorization:")], "    anyOf: []\n", "gateway.yaml:12: accessPolicies[0].authentication.anyOf: there are 0, and a policy has 1 to 16"},
		"no rule":                           {guarded[strings.Index(guarded, "    rules:"):strings.Index(guarded, "  forward:")], "    rules: []\n", "gateway.yaml:19: accessPolicies[0].authorization.rules: there are 0, and a policy has 1 to 256: without one nobody is let in"},
		"a rule that says nothing":          {guarded[strings.Index(guarded, "      allow:"):strings.Index(guarded, "  forward:")], "", "gateway.yaml:20: accessPolicies[0].authorization.rules[0]: it has neither or both of allow and deny"},
		"a name with a slash":               {"name: idp\n", "name: i/dp\n", `gateway.yaml:13: accessPolicies[0].authentication.anyOf[0].name: "i/dp" has a slash`},
		"two kinds":                         {"    - name: keys\n", "    - name: keys\n      basic: {usersFile: x}\n", "gateway.yaml:15: accessPolicies[0].authentication.anyOf[1]: it has 2 of jwt"},
		"no kind":                           {"{name: nobody, anonymous: {}}", "{name: nobody}", "gateway.yaml:17: accessPolicies[0].authentication.anyOf[2]: it has 0 of jwt"},
		"anonymous before others":           {"    - name: keys\n", "    - {name: first, anonymous: {}}\n    - name: keys\n", "gateway.yaml:15: accessPolicies[0].authentication.anyOf[1].anonymous: it must be the last"},
		"no issuer":                         {`issuer: "https://idp/", `, "", "gateway.yaml:14: accessPolicies[0].authentication.anyOf[0].jwt.issuer: it is missing"},
		"no audience":                       {"audiences: [shop], ", "", "jwt.audiences: it is missing"},
		"any audience and one":              {"audiences: [shop]", "audiences: [shop], anyAudience: true", "jwt.audiences: it is missing, or beside anyAudience"},
		"no algorithm":                      {"algorithms: [ES256]", "algorithms: [none]", `jwt.algorithms[0]: there is no algorithm "none"`},
		"a symmetric one, keys published":   {"algorithms: [ES256]", "algorithms: [HS256]", "jwt.algorithms: symmetric ones"},
		"an unknown key set":                {"keySet: idp", "keySet: x", `jwt.keySet: there is no key set "x"`},
		"the keys of another issuer":        {`url: "https://idp/keys"`, `issuer: "https://other/"`, "jwt.keySet: the keys are those of another issuer"},
		"a clock that is far off":           {"algorithms: [ES256]", "clockSkew: 1h", "jwt.clockSkew: it is more than 5m0s"},
		"two places of a token":             {"algorithms: [ES256]", "from: {header: X-Token, cookie: t}", "jwt.from: header and cookie exclude each other"},
		"a cookie that is none":             {"algorithms: [ES256]", "from: {cookie: 'a b'}", "jwt.from.cookie"},
		"keys without a place":              {"from: {header: X-API-Key}, ", "", "gateway.yaml:16: accessPolicies[0].authentication.anyOf[1].apiKey.from.header: it is missing"},
		"keys where they never arrive":      {"X-API-Key", "X_API_Key", "apiKey.from.header: \"X_API_Key\" never arrives"},
		"or are the gateway's":              {"X-API-Key", "X-Forwarded-Key", "never arrives"},
		"or ask for another path":           {"X-API-Key", "X-Original-URL", "\"X-Original-URL\" never arrives"},
		"or say who a client is":            {"X-API-Key", "X-Real-IP", "\"X-Real-IP\" never arrives"},
		"tokens that never arrive":          {"protocol: HTTP, ", "protocol: HTTP, client: {headers: {identity: [authorization]}}, ", "gateway.yaml:14: accessPolicies[0].authentication.anyOf[0].jwt.from.header: Authorization is a line in which backends are told who asks"},
		"or mean something else":            {"X-API-Key", "authorization", "apiKey.from.header: authorization has a form of its own"},
		"or tell who asks":                  {"X-API-Key", "X-User", "X-User is a line in which backends are told who asks"},
		"keys without a file":               {", keysFile: keys.txt", "", "gateway.yaml:15: accessPolicies[0].authentication.anyOf[1]: its file is missing"},
		"a certificate without subject":     {"{name: nobody, anonymous: {}}", "{name: m, clientCertificate: {}}", "clientCertificate.subject: \"\" is none of SPIFFE"},
		"a trust domain that is none":       {"{name: nobody, anonymous: {}}", "{name: m, clientCertificate: {subject: SPIFFE, trustDomains: [A]}}", "clientCertificate.trustDomains[0]: \"A\" is no trust domain"},
		"a realm with a quote":              {"{name: nobody, anonymous: {}}", `{name: m, basic: {realm: 'a"b', usersFile: u}}`, "basic.realm: it has other characters"},
		"allow and deny":                    {"      allow:", "      deny: {}\n      allow:", "gateway.yaml:20: accessPolicies[0].authorization.rules[0]: it has neither or both of allow and deny"},
		"a method in lower case":            {"[GET]", "[get]", `gateway.yaml:21: accessPolicies[0].authorization.rules[0].allow.methods[0]: "get" is no method`},
		"a path that never arrives":         {"/orders/**", "/a/../b", `allow.paths[0]: "/a/../b" never arrives`},
		"a star within a segment":           {"/orders/**", "/orders*", "allow.paths[0]: \"/orders*\": a star stands for a whole segment"},
		"two stars in the middle":           {"/orders/**", "/a/**/b", "a star stands for a whole segment"},
		"a path without a slash":            {"/orders/**", "orders", "does not begin with a slash"},
		"a scope that is none":              {"[orders.read]", "['a b']", "allow.scopes[0]: \"a b\" is no scope"},
		"a claim without values":            {"{tenant: [acme]}", "{tenant: []}", "gateway.yaml:21: accessPolicies[0].authorization.rules[0].allow.claims.tenant: it has not 1 to 256 values"},
		"a principal of nobody":             {"[idp/ann]", "[ann]", "allow.principals[0]: \"ann\" is not the name of an authenticator"},
		"of another authenticator":          {"[idp/ann]", "[idb/ann]", "allow.principals[0]: \"idb/ann\""},
		"a network with bits behind it":     {"[10.0.0.0/8]", "[10.1.0.0/8]", "allow.sourceRanges[0]: 10.1.0.0/8 is no network"},
		"a condition that is none":          {"claims.level > 3", "clams.level > 3", "gateway.yaml:21: accessPolicies[0].authorization.rules[0].allow.when: 1:1: undeclared reference to 'clams'"},
		"a condition of another type":       {"claims.level > 3", "request.path", "allow.when: it is of type string, not bool"},
		"a line that means something":       {"sub: X-User", "sub: Authorization", "gateway.yaml:22: accessPolicies[0].forward.claimsToHeaders.sub: \"Authorization\" cannot be a header line of the gateway's own"},
		"a line that says who it is from":   {"sub: X-User", "sub: X-Forwarded-For", "forward.claimsToHeaders.sub"},
		"a line for two claims":             {"sub: X-User", "sub: X-User, tenant: x-user", "forward.claimsToHeaders.tenant: sub is told in x-user already"},
		"a word that is none":               {"forward: {", "forward: {credentials: Maybe, ", `forward.credentials: "Maybe" is none of Strip, Keep`},
		"a service that is no backend":      {"backend: b, p", "backend: c, p", `gateway.yaml:23: accessPolicies[0].externalAuth.http.backend: there is no backend "c"`},
		"a service that is asked twice":     {"path: /verify", "path: /verify, pathPrefix: /x", "path and pathPrefix exclude each other"},
		"a service that is not asked":       {"{http: {backend: b, path: /verify}}", "{timeout: 1s}", "accessPolicies[0].externalAuth: it has neither or both of http and grpc"},
		"a service that is asked by HTTP/1": {"{http: {backend: b, path: /verify}}", "{grpc: {backend: b}}", `accessPolicies[0].externalAuth.grpc.backend: the protocol of "b" is neither h2c nor h2`},
		"a service that tells the host":     {"path: /verify", "path: /verify, responseHeaders: [Host]", "externalAuth.http.responseHeaders[0]"},
		"keys from nowhere":                 {`{name: idp, url: "https://idp/keys"}`, "{name: idp}", "gateway.yaml:8: keySets[0]: it has 0 of url, issuer and file"},
		"keys from two places":              {`url: "https://idp/keys"`, `url: "https://idp/keys", file: x`, "keySets[0]: it has 2 of url, issuer and file"},
		"keys that anybody can change":      {"https://idp/keys", "http://idp/keys", "gateway.yaml:8: keySets[0]: the URL is not https://"},
	} {
		changed := strings.Replace(guarded, tc.old, tc.new, 1)
		if changed == guarded {
			t.Fatalf("%s: %q is not in the configuration", name, tc.old)
		}
		if _, err := Decode("gateway.yaml", []byte(changed)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s:\n got %v\nwant %s", name, err, tc.want)
		}
	}
}

func TestCredentialsAreNotWrittenDown(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"apiKey: {from: {header: X-Partner}, keysFile: k}", "jwt: {issuer: i, anyAudience: true, keySet: idp, from: {header: X-Partner}}"} {
		changed := strings.NewReplacer("apiKey: {from: {header: X-API-Key}, keysFile: keys.txt}", from, "keySets:\n", "telemetry: {decisions: {headers: [User-Agent, x-partner]}}\nkeySets:\n").Replace(guarded)
		_, err := Decode("gateway.yaml", []byte(changed))
		if want := `gateway.yaml:7: telemetry.decisions.headers[1]: "x-partner" holds what lets somebody in (keys)`; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", from, err, want)
		}
	}
}

func TestFilesOfAccessPoliciesAreReadAndChecked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "gateway.yaml")
	write("gateway.yaml", guarded)
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "gateway.yaml:16: accessPolicies[0].authentication.anyOf[1].apiKey.keysFile: open ") {
		t.Errorf("a file that there is not: got %v", err)
	}
	write("keys.txt", "ci:secret\n")
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "gateway.yaml:16: accessPolicies[0].authentication.anyOf[1].apiKey.keysFile: keys.txt: line 1: the part after the last colon") || strings.Contains(err.Error(), "secret") {
		t.Errorf("a file that is none: got %v", err)
	}
	write("keys.txt", fmt.Sprintf("ci:%x\n", sha256.Sum256([]byte("a"))))
	first, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := first.Snapshot.AccessPolicies[0].Authentication.AnyOf[1].APIKey.Keys; !strings.HasPrefix(string(got), "ci:") {
		t.Errorf("got %q", string(got))
	}
	write("keys.txt", fmt.Sprintf("ci:%x\n", sha256.Sum256([]byte("b"))))
	second, err := Load(file)
	if err != nil || second.Sum == first.Sum {
		t.Errorf("a file that changed is not noticed: %v", err)
	}
	asYAML, err := yaml.Marshal(second.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(second.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(asYAML) + string(asJSON) + fmt.Sprintf("%+v", second.Snapshot.AccessPolicies[0].Authentication.AnyOf[1].APIKey); strings.Contains(text, fmt.Sprintf("%x", sha256.Sum256([]byte("b")))) {
		t.Error("a key is printed")
	}
}
