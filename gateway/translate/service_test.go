// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// exposedService is the Service a with annotations of ours.
func exposedService(t *testing.T, annotations map[string]string) string {
	t.Helper()
	text := "metadata: {name: a, namespace: shop, annotations: {a: b"
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		text += fmt.Sprintf(", %s%s: %q", ownPrefix, key, annotations[key])
	}
	sum := sha256.Sum256([]byte("open sesame"))
	return ofShop() + strings.Replace(service(t, "a"), "metadata: {name: a, namespace: shop", text+"}", 1) + fmt.Sprintf(`---
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: shop}
data: {keys: %q}
`, encoded("ann:"+hex.EncodeToString(sum[:])+" scope=read\n"))
}

// TestServicesAreExposedByAnnotations, by requests, and not without the word of who may
// come.
func TestServicesAreExposedByAnnotations(t *testing.T) {
	t.Parallel()
	const key, password = "X-API-Key: open sesame", "Authorization: Basic YW5uOm9wZW4gc2VzYW1l"
	type asked struct {
		path, line string
		status     int
	}
	for name, tc := range map[string]struct {
		annotations map[string]string
		asked       []asked
		told        string // "": nothing
	}{
		"everybody, if that is said":          {map[string]string{"auth": "none"}, []asked{{"/orders/1", "", 200}, {"/other", "", 404}}, ""},
		"nobody, if nothing is said":          {nil, []asked{{"/orders/1", "", 503}}, "gatehouse.sh/auth: it is missing"},
		"nobody, if something else is said":   {map[string]string{"auth": "none", "limit": "10/s"}, []asked{{"/orders", "", 503}}, "gatehouse.sh/limit: there is no such annotation"},
		"who is let in, whatever says others": {map[string]string{"auth": "none", "keep-node-ports": "true"}, []asked{{"/orders", "", 200}}, ""},
		"nobody, if what is said is unknown":  {map[string]string{"auth": "password"}, []asked{{"/orders", "", 503}}, "none of jwt:ISSUER"},
		"who has a key":                       {map[string]string{"auth": "apikey:keys"}, []asked{{"/orders", "", 401}, {"/orders", key, 200}, {"/orders", key + "x", 401}}, ""},
		"who has a key in a line":             {map[string]string{"auth": "apikey:keys;header=X-Own"}, []asked{{"/orders", key, 401}, {"/orders", "X-Own: open sesame", 200}}, ""},
		"who has a key with a scope":          {map[string]string{"auth": "apikey:keys", "require-scopes": "read"}, []asked{{"/orders", key, 200}}, ""},
		"who has a key without a scope":       {map[string]string{"auth": "apikey:keys", "require-scopes": "read,write"}, []asked{{"/orders", key, 403}}, ""},
		"scopes of passwords":                 {map[string]string{"auth": "basic:users", "require-scopes": "read"}, []asked{{"/orders", password, 503}}, "scopes are of tokens and keys"},
		"who has a password":                  {map[string]string{"auth": "basic:users"}, []asked{{"/orders", "", 401}, {"/orders", password, 200}}, ""},
		"a Secret that is not there":          {map[string]string{"auth": "basic:gone"}, []asked{{"/orders", password, 503}}, "there is no Secret shop/gone"},
		"a Secret of another namespace":       {map[string]string{"auth": "basic:other/users"}, []asked{{"/orders", password, 503}}, "there is no Secret shop/other/users"},
		"a Secret without keys":               {map[string]string{"auth": "apikey:users"}, []asked{{"/orders", password, 503}}, "has no key keys"},
		"a Secret that is weak":               {map[string]string{"auth": "basic:weak"}, []asked{{"/orders", password, 503}}, "Secret shop/weak"},
		"an issuer in clear":                  {map[string]string{"auth": "jwt:http://idp.example.com"}, []asked{{"/orders", "", 503}}, "by https"},
		"tokens":                              {map[string]string{"auth": "jwt:https://127.0.0.1:1", "require-scopes": "read"}, []asked{{"/orders", "", 401}}, ""},
		"what follows the issuer":             {map[string]string{"auth": "jwt:https://127.0.0.1:1;audiences=a"}, []asked{{"/orders", "", 503}}, "audience=NAME"},
		"so many":                             {map[string]string{"auth": "none", "rate-limit": "1/m"}, []asked{{"/orders", "", 200}, {"/orders", "", 429}}, ""},
		"so many of who is known":             {map[string]string{"auth": "basic:users", "rate-limit": "2/h;key=sub;burst=2"}, []asked{{"/orders", password, 200}, {"/orders", password, 200}, {"/orders", password, 429}}, ""},
		"so many of who is not":               {map[string]string{"auth": "none", "rate-limit": "1/m;key=sub"}, []asked{{"/orders", "", 503}}, "nobody is known"},
		"a limit that is none":                {map[string]string{"auth": "none", "rate-limit": "many"}, []asked{{"/orders", "", 503}}, "no limit such as"},
		"a limit with what is unknown":        {map[string]string{"auth": "none", "rate-limit": "1/m;keys=ip"}, []asked{{"/orders", "", 503}}, "is none of key=ip"},
		"an annotation that is misspelled":    {map[string]string{"auth": "none", "rate-limits": "1/m"}, []asked{{"/orders", "", 503}}, "gatehouse.sh/rate-limit may be meant"},
		"an annotation of others":             {map[string]string{"auth": "none", "keep-node-ports": "yes"}, []asked{{"/orders", "", 200}}, ""},
		"a port by name":                      {map[string]string{"auth": "none", "port": "http"}, []asked{{"/orders", "", 200}}, ""},
		"a port that is not there":            {map[string]string{"auth": "none", "port": "81"}, []asked{{"/orders", "", 503}}, "is no port of the Service"},
		"a class":                             {map[string]string{"auth": "none", "class": "gatehouse"}, []asked{{"/orders", "", 200}}, ""},
		"a class that is not there":           {map[string]string{"auth": "none", "class": "gone"}, []asked{{"/orders", "", 404}}, `no IngressClass "gone"`},
		"clients are sent to HTTPS":           {map[string]string{"auth": "basic:users", "tls": "redirect"}, []asked{{"/orders", password, 308}}, "there is no certificate"},
		"clients are sent there without that": {map[string]string{"auth": "basic:users", "tls": ""}, []asked{{"/orders", password, 308}}, "there is no certificate"},
		"a certificate that is not there":     {map[string]string{"auth": "basic:users", "tls": "gone"}, []asked{{"/orders", password, 308}}, "Secret shop/gone is not there"},
		"no host":                             {map[string]string{"auth": "none", "expose": "/orders"}, []asked{{"/orders", "", 404}}, "is no host"},
		"no name":                             {map[string]string{"auth": "none", "expose": "https://a.example.com/"}, []asked{{"/orders", "", 404}}, "is no host"},
		"a path that never arrives":           {map[string]string{"auth": "none", "expose": "a.example.com/a/../orders"}, []asked{{"/orders", "", 404}}, "never arrives"},
		"the rest without the first":          {map[string]string{"auth": "none", "expose": "-"}, []asked{{"/orders", "", 404}}, "nothing is exposed without"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := map[string]string{"expose": "a.example.com/orders", "tls": "none"}
			maps.Copy(all, tc.annotations)
			if all["expose"] == "-" {
				delete(all, "expose")
			}
			ask, r := served(t, Builtin("gatehouse"), exposedService(t, all))
			for n, a := range tc.asked {
				var lines []string
				if a.line != "" {
					lines = []string{a.line}
				}
				status, got := ask("http-80", "a.example.com", a.path, lines...)
				if status != a.status || status == http.StatusOK && !strings.Contains(got, "a GET a.example.com "+a.path) {
					t.Errorf("%d: %d %s, want %d", n, status, got, a.status)
				}
			}
			said := ""
			for _, e := range r.Events {
				said += e.Kind + " " + e.String() + ": " + e.Message + "\n"
			}
			if tc.told == "" && said != "" || !strings.Contains(said, tc.told) || said != "" && !strings.HasPrefix(said, "Service shop/a: ") {
				t.Errorf("told: %q, want %q", said, tc.told)
			}
		})
	}
}

// TestExamplesOfThePageAreServed: what docs/ingress.md has in YAML is read strictly, and
// nothing is told of it.
func TestExamplesOfThePageAreServed(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "ingress.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: gatehouse}
spec: {controllerName: gatehouse.sh/gateway}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec:
  gatewayClassName: gatehouse
  listeners:
  - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: cert}]}, allowedRoutes: {namespaces: {from: All}}}
---
apiVersion: v1
kind: Secret
metadata: {name: cert, namespace: infra}
type: kubernetes.io/tls
stringData: {made: shop.example.com}
`
	examples := strings.Split(string(page), "```yaml\n")[1:]
	if len(examples) != 2 {
		t.Fatalf("there are %d examples", len(examples))
	}
	for _, e := range examples {
		example, _, _ := strings.Cut(e, "```")
		text += "---\n" + strings.Replace(example, "  name: orders\n", "  name: orders\n  namespace: shop\n", 1)
	}
	r := Translate(read(t, []byte(text)), options)
	if len(r.Events) > 0 {
		t.Error(r.Events)
	}
	s := r.Snapshots[Name{Namespace: "infra", Name: "edge"}]
	if s == nil || len(s.Routes) != 2 || len(s.AccessPolicies) != 1 || len(s.TrafficPolicies) != 1 {
		t.Errorf("it is %v", s)
	}
}
