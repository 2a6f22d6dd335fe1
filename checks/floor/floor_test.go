// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

const fullAccess = `
authentication:
  anyOf:
  - name: idp
    jwt: {issuer: "https://idp.example.com/", audiences: [a, b], anyAudience: false, algorithms: [ES256, RS256], typ: JWT, clockSkew: 30s, maxAge: 1h, scopesClaim: scope,
      jwks: {uri: "https://idp.example.com/keys", secretRef: {name: k, namespace: n}, caRef: {name: c, namespace: n}, refresh: 5m, cooldown: 1m, staleIfError: 1h},
      from: {header: Authorization, scheme: Bearer, cookie: session}}
  - {name: keys, apiKey: {from: {header: X-Key}, secretRefs: [{name: keys, namespace: n}]}}
  - {name: users, basic: {secretRef: {name: users, namespace: n}, realm: shop}}
  - {name: machines, clientCertificate: {subject: commonName, trustDomains: [example.com]}}
  - {name: nobody, anonymous: {}}
authorization:
  rules:
  - name: read
    allow: {methods: [GET, HEAD], paths: [/a, /b], scopes: [read], claims: {tenant: [acme, other]}, principals: [idp/ann, idp/bob], sourceRanges: [10.0.0.0/8, 192.0.2.0/24], when: "true"}
  - name: not
    deny: {methods: [GET, HEAD], paths: [/a, /b], scopes: [read], claims: {tenant: [acme, other]}, principals: [idp/ann, idp/bob], sourceRanges: [10.0.0.0/8, 192.0.2.0/24], when: "true"}
forward: {claimsToHeaders: {sub: X-User}, credentials: Strip}
externalAuth:
  timeout: 1s
  concurrency: 10
  http: {backendRef: {name: judge, namespace: n, port: 80}, path: /check, pathPrefix: /p, requestHeaders: [A], responseHeaders: [B], clientHeaders: [C]}
`

const fullTraffic = `
rateLimits:
- name: user
  key: [principal]
  scope: Gateway
  limit: {requests: 100, per: 1m, burst: 20}
  tiers: [{when: "true", requests: 1000, per: 1m, burst: 5}]
  schedules: [{requests: 5, per: 1m, burst: 1, days: [Mon], from: "08:00", to: "18:00", cron: "* * * * *", for: 1h, timeZone: UTC}]
  onExceed: {action: Queue, maxWait: 2s, maxQueued: 10}
onStoreFailure: Deny
concurrency: {requests: 20, key: [client.ip]}
`

func spec(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// leaf is a value in a spec that is no object and no list of objects, and how to put
// another one in its place.
type leaf struct {
	path string
	set  func(any)
	was  any
}

func leaves(path string, v any, set func(any)) []leaf {
	switch w := v.(type) {
	case map[string]any:
		out := []leaf{}
		for k, entry := range w {
			out = append(out, leaves(path+"."+k, entry, func(n any) { w[k] = n })...)
		}
		if len(w) > 0 {
			return out
		}
	case []any:
		if len(w) > 0 {
			if _, objects := w[0].(map[string]any); objects {
				out := []leaf{}
				for i := range w {
					out = append(out, leaves(fmt.Sprintf("%s[%d]", path, i), w[i], func(n any) { w[i] = n })...)
				}
				return out
			}
		}
	}
	return []leaf{{path, set, v}}
}

// stronger are the leaves of which a value more, or a larger one, asks for more: the
// change that the test below makes is none for the worse.
var stronger = map[string]bool{
	".authorization.rules[0].allow.scopes": true,
	".authorization.rules[1].deny.methods": true, ".authorization.rules[1].deny.paths": true, ".authorization.rules[1].deny.principals": true,
	".authorization.rules[1].deny.sourceRanges": true, ".authorization.rules[1].deny.claims.tenant": true,
}

// TestAnyOtherChangeIsAWeakening changes each field alone: a value more of a list, a
// larger number, another text. Unless the change can only ask for more, it is told.
func TestAnyOtherChangeIsAWeakening(t *testing.T) {
	t.Parallel()
	for name, part := range map[string]struct {
		text    string
		typ     reflect.Type
		compare func(before, after map[string]any) []Looser
	}{
		"AccessPolicy":  {fullAccess, reflect.TypeFor[v1alpha1.AccessPolicySpec](), Access},
		"TrafficPolicy": {fullTraffic, reflect.TypeFor[v1alpha1.TrafficPolicySpec](), Traffic},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := leaves("", spec(t, part.text), func(any) {})
			for i := range all {
				before, after := spec(t, part.text), spec(t, part.text)
				if got := part.compare(before, after); len(got) != 0 {
					t.Fatalf("no change at all: %v", got)
				}
				var own leaf
				for _, l := range leaves("", after, func(any) {}) {
					if l.path == all[i].path {
						own = l
					}
				}
				own.set(another(own.was))
				if got := part.compare(before, after); (len(got) == 0) != stronger[own.path] {
					t.Errorf("%s changed from %v to %v: %v", own.path, own.was, another(own.was), got)
				}
			}
			set := strings.Join(pathsOf(all), "\n")
			for _, field := range fieldsOf(part.typ, "", 0) {
				if !strings.Contains(set, field) && field != ".mode" {
					t.Errorf("the example lacks %s, so nobody knows what a change of it does", field)
				}
			}
		})
	}
}

func another(v any) any {
	switch w := v.(type) {
	case string:
		if w == "Strip" {
			return "Keep"
		}
		if w == "Queue" {
			return "Shadow"
		}
		return w + "0"
	case float64:
		return w + 1
	case int64:
		return w + 1
	case bool:
		return !w
	case []any:
		return append(append([]any{}, w...), "more")
	case map[string]any:
		return map[string]any{"more": "x"}
	}
	return "another"
}

func pathsOf(list []leaf) []string {
	out := make([]string, 0, len(list))
	for _, l := range list {
		out = append(out, l.path)
	}
	return out
}

// fieldsOf lists the last steps of the fields of a type.
func fieldsOf(typ reflect.Type, path string, deep int) []string {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || strings.HasPrefix(typ.PkgPath(), "k8s.io/") || typ.NumField() == 0 || deep > 8 {
		return []string{path}
	}
	var out []string
	for field := range typ.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous:
			out = append(out, fieldsOf(field.Type, path, deep+1)...)
		case name == "targetRefs": // which are not compared here
		case strings.Contains(field.Type.String(), "ExternalGRPC"): // one of two forms of one field
		default:
			out = append(out, fieldsOf(field.Type, "."+name, deep+1)...)
		}
	}
	return out
}

// TestOnlyWhatAsksForLessIsTold has pairs: a change, and the nearest one that asks for
// more.
func TestOnlyWhatAsksForLessIsTold(t *testing.T) {
	t.Parallel()
	const access = "authentication: {anyOf: [{name: idp, jwt: {issuer: i, audiences: [a, b]}}, {name: keys, apiKey: {}}]}\nauthorization: {rules: [{name: read, allow: {methods: [GET, HEAD], scopes: [read]}}, {name: not, deny: {paths: [/admin]}}]}\n"
	const asking = access + "externalAuth: {http: {backendRef: {name: judge, port: 80}}}\n"
	const traffic = "rateLimits: [{name: user, limit: {requests: 100, per: 1m, burst: 20}, onExceed: {action: Queue, maxWait: 2s}}]\nconcurrency: {requests: 20}\n"
	const together = "onStoreFailure: Deny\nrateLimits: [{name: user, scope: Gateway, limit: {requests: 100, per: 1m}}]\n"
	for name, tc := range map[string]struct{ text, from, to, want string }{
		"a way to be let in is added":        {access, "{name: keys,", "{name: nobody, anonymous: {}}, {name: keys,", `spec.authentication.anyOf[nobody]`},
		"a way to be let in is taken away":   {access, ", {name: keys, apiKey: {}}", "", ""},
		"an audience is added":               {access, "audiences: [a, b]", "audiences: [a, b, c]", "spec.authentication.anyOf[idp].jwt.audiences"},
		"an audience is taken away":          {access, "audiences: [a, b]", "audiences: [a]", ""},
		"every audience is taken away":       {access, ", audiences: [a, b]", "", "spec.authentication.anyOf[idp].jwt.audiences"},
		"another method is allowed":          {access, "[GET, HEAD]", "[GET, POST]", "spec.authorization.rules[read].allow"},
		"a method less is allowed":           {access, "[GET, HEAD]", "[GET]", ""},
		"all methods are allowed":            {access, "methods: [GET, HEAD], ", "", "spec.authorization.rules[read].allow"},
		"a scope less is wanted":             {access, ", scopes: [read]", "", "spec.authorization.rules[read].allow"},
		"a scope more is wanted":             {access, "[read]", "[read, write]", ""},
		"a condition is added":               {access, "scopes: [read]", "scopes: [read], when: claims.x", ""},
		"a rule that denies goes":            {access, ", {name: not, deny: {paths: [/admin]}}", "", "spec.authorization.rules[not].deny"},
		"a rule that denies comes":           {access, "{name: not,", "{name: nor, deny: {}}, {name: not,", ""},
		"a rule that allows comes":           {access, "{name: not,", "{name: all, allow: {}}, {name: not,", "spec.authorization.rules[all].allow"},
		"a rule denies less":                 {access, "[/admin]", "[/admin/users]", "spec.authorization.rules[not].deny"},
		"a rule denies more":                 {access, "[/admin]", "[/admin, /users]", ""},
		"a service is asked that was not":    {access, "authorization:", "externalAuth: {http: {backendRef: {name: mine, port: 80}, requestHeaders: [Authorization], responseHeaders: [X-Role]}}\nauthorization:", "spec.externalAuth"},
		"one is asked, and is told nothing":  {access, "authorization:", "externalAuth: {http: {backendRef: {name: mine, port: 80}}}\nauthorization:", "spec.externalAuth"},
		"the service is asked as before":     {asking, "[GET, HEAD]", "[GET]", ""},
		"the service is no longer asked":     {asking, "externalAuth: {http: {backendRef: {name: judge, port: 80}}}\n", "", "spec.externalAuth"},
		"a limit goes":                       {traffic, "[{name: user", "[{name: other", "spec.rateLimits[user]"},
		"a limit comes":                      {traffic, "[{name: user", "[{name: other, limit: {requests: 1, per: 1s}}, {name: user", ""},
		"more requests may come":             {traffic, "requests: 100", "requests: 101", "spec.rateLimits[user].limit"},
		"fewer requests may come":            {traffic, "requests: 100", "requests: 99", ""},
		"as many may come in less time":      {traffic, "per: 1m", "per: 59s", "spec.rateLimits[user].limit"},
		"as many may come, written in other": {traffic, "per: 1m", "per: 60s", ""},
		"more may come at once":              {traffic, ", burst: 20", "", "spec.rateLimits[user].limit"},
		"each replica counts by itself":      {together, "scope: Gateway, ", "scope: Replica, ", "spec.rateLimits[user].scope"},
		"replicas count together":            {"onStoreFailure: Deny\n" + traffic, "{name: user, ", "{name: user, scope: Gateway, ", ""},
		"they do, and begin anew without it": {"onStoreFailure: Local\n" + traffic, "{name: user, ", "{name: user, scope: Gateway, ", "spec.rateLimits[user].scope"},
		"the way to count is written out":    {traffic, "{name: user, ", "{name: user, scope: Replica, ", ""},
		"what is not counted is let in":      {together, "onStoreFailure: Deny", "onStoreFailure: Local", "spec.onStoreFailure"},
		"what is not counted is refused":     {strings.Replace(together, "Deny", "Local", 1), "onStoreFailure: Local", "onStoreFailure: Deny", ""},
		"those too many are only told of":    {traffic, "{action: Queue, maxWait: 2s}", "{action: Shadow}", "spec.rateLimits[user].onExceed"},
		"those too many no longer wait":      {traffic, "{action: Queue, maxWait: 2s}", "{action: Reject}", ""},
		"those too many wait longer":         {traffic, "maxWait: 2s", "maxWait: 3s", "spec.rateLimits[user].onExceed.maxWait"},
		"more are under way":                 {traffic, "concurrency: {requests: 20}", "concurrency: {requests: 21}", "spec.concurrency.requests"},
		"fewer are under way":                {traffic, "concurrency: {requests: 20}", "concurrency: {requests: 19}", ""},
		"no bound is under way":              {traffic, "concurrency: {requests: 20}\n", "", "spec.concurrency"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(tc.text, tc.from) {
				t.Fatalf("there is no %q to change", tc.from)
			}
			compare := Access
			if strings.Contains(tc.text, "rateLimits") {
				compare = Traffic
			}
			got := compare(spec(t, tc.text), spec(t, strings.Replace(tc.text, tc.from, tc.to, 1)))
			switch {
			case tc.want == "" && len(got) > 0:
				t.Errorf("%v, want nothing", got)
			case tc.want != "" && (len(got) != 1 || got[0].Field != tc.want):
				t.Errorf("%v, want %s", got, tc.want)
			}
		})
	}
}
