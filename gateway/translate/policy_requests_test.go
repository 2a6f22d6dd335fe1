// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

const policyObjects = `
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
  - {name: web, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - {name: admin, port: 80, protocol: HTTP, hostname: admin.example.com, allowedRoutes: {namespaces: {from: All}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: one, namespace: one}
spec:
  parentRefs: [{name: edge, namespace: infra}]
  hostnames: [one.example.com, admin.example.com]
  rules:
  - {name: secret, matches: [{path: {value: /secret}}], backendRefs: [{name: a, port: 80}]}
  - {matches: [{path: {value: /open}}], backendRefs: [{name: b, port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: two, namespace: two}
spec:
  parentRefs: [{name: edge, namespace: infra}]
  hostnames: [two.example.com]
  rules: [{matches: [{path: {value: /open}}], backendRefs: [{name: a, port: 80}]}]
`

// policyFor is a policy of a kind for a target.
func policyFor(kind, namespace, name, target, spec string) string {
	return "---\napiVersion: gatehouse.sh/v1alpha1\nkind: " + kind + "\nmetadata: {namespace: " + namespace + ", name: " + name + "}\nspec: {targetRefs: [" + target + "], " + spec + "}\n"
}

// TestWherePoliciesHold asks for what policies are for, and the nearest thing that they
// are not for.
func TestWherePoliciesHold(t *testing.T) {
	t.Parallel()
	const (
		edge   = "{group: gateway.networking.k8s.io, kind: Gateway, name: edge}"
		admin  = "{group: gateway.networking.k8s.io, kind: Gateway, name: edge, sectionName: admin}"
		route  = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: one}"
		secret = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: one, sectionName: secret}"
		a      = `{group: "", kind: Service, name: a}`
		faulty = nobodyIs + `authorization: {rules: [{name: all, allow: {when: "nothing("}}]}`
	)
	known := tokens("issuer: i, audiences: [shop], algorithms: [HS256]")
	keys := ""
	for _, namespace := range []string{"infra", "one"} {
		keys += "---\napiVersion: v1\nkind: Secret\nmetadata: {name: signing, namespace: " + namespace + "}\ndata: {jwks: " + keyOf(signing) + "}\n"
	}
	services := ""
	for _, at := range []string{"one/a", "one/b", "two/a"} {
		namespace, name, _ := strings.Cut(at, "/")
		services += answering(t, namespace, name, func(http.ResponseWriter, *http.Request) {})
	}
	for name, tc := range map[string]struct{ policies, asks string }{
		"nothing":                              {"", "one/secret 200 one/open 200 two/open 200 admin/open 200 two/none 404 other/ 404"},
		"a Gateway, also without a route":      {policyFor("AccessPolicy", "infra", "p", edge, known), "one/secret 401 two/open 401 admin/open 401 two/none 401 other/ 401"},
		"a default of a Gateway":               {policyFor("AccessPolicy", "infra", "p", edge, "mode: Default, "+known) + policyFor("AccessPolicy", "one", "q", secret, anybody), "one/secret 200 one/open 401 two/open 401 two/none 404"},
		"a listener":                           {policyFor("AccessPolicy", "infra", "p", admin, known), "admin/open 401 admin/none 401 one/open 200 two/open 200 two/none 404"},
		"a route":                              {policyFor("AccessPolicy", "one", "p", route, known), "one/secret 401 one/open 401 admin/open 401 two/open 200 one/none 404"},
		"a rule":                               {policyFor("AccessPolicy", "one", "p", secret, known), "one/secret 401 one/open 200 two/open 200"},
		"a Service":                            {policyFor("AccessPolicy", "one", "p", a, known), "one/secret 401 one/open 200 two/open 200"},
		"a rule, at fault":                     {policyFor("AccessPolicy", "one", "p", secret, faulty), "one/secret 503 one/open 200 two/open 200 two/none 404"},
		"a Service, at fault":                  {policyFor("AccessPolicy", "one", "p", a, faulty), "one/secret 503 one/open 200 two/open 200"},
		"a default that is at fault":           {policyFor("AccessPolicy", "one", "p", route, "mode: Default, "+faulty), "one/secret 503 one/open 503 two/open 200"},
		"a Gateway, at fault":                  {policyFor("AccessPolicy", "infra", "p", edge, faulty), "one/open 503 two/open 503 two/none 503"},
		"limits that are at fault":             {policyFor("TrafficPolicy", "one", "p", secret, one("key: [nothing], "+few)), "one/secret 503 one/open 200 two/open 200"},
		"a default of limits that is at fault": {policyFor("TrafficPolicy", "infra", "p", edge, "mode: Default, "+one("key: [nothing], "+few)) + policyFor("AccessPolicy", "two", "q", "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: two}", anybody), "one/open 503 two/open 503 two/none 404"},
		"limits of a rule":                     {policyFor("TrafficPolicy", "one", "p", secret, one(few)), "one/secret 200 one/secret 429 one/open 200 two/open 200 two/open 200"},
		"limits of a Gateway":                  {policyFor("TrafficPolicy", "infra", "p", edge, one(few)), "two/none 404 two/open 429 one/open 429"},
		"clients, at fault":                    {policyFor("ClientPolicy", "infra", "p", admin, "forwardedBy: Forwarded"), "admin/open 503 one/open 503"},
		"of a key that nobody has":             {policyFor("AccessPolicy", "two", "p", `{group: "", kind: Service, name: a}`, known), "two/open 503 one/secret 200"},
		"somebody else's Gateway":              {policyFor("AccessPolicy", "two", "p", edge, known), "two/open 200 one/open 200"},
		"somebody else's Service":              {policyFor("AccessPolicy", "two", "p", `{group: "", kind: Service, name: b}`, known), "one/open 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ask, _ := served(t, Name{Namespace: "infra", Name: "edge"}, policyObjects+services+keys+tc.policies)
			words := strings.Fields(tc.asks)
			for i := 0; i+1 < len(words); i += 2 {
				host, path, _ := strings.Cut(words[i], "/")
				if status, text := ask("http-80", host+".example.com", "/"+path); strconv.Itoa(status) != words[i+1] {
					t.Errorf("%s: %d, want %s: %s", words[i], status, words[i+1], text)
				}
			}
		})
	}
}

// TestPoliciesOfServicesHoldForIngresses, however their annotations have the Service
// spoken to: a policy of it is asked, and that of another one is not.
func TestPoliciesOfServicesHoldForIngresses(t *testing.T) {
	t.Parallel()
	aim := func(service string) string {
		return policyFor("AccessPolicy", "shop", "p", `{group: "", kind: Service, name: `+service+`}`, tokens("issuer: i, audiences: [shop], algorithms: [HS256]"))
	}
	objects := ofShop() + service(t, "a") + service(t, "a-canary") + service(t, "b") + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: signing, namespace: shop}\ndata: {jwks: " + keyOf(signing) + "}\n"
	all := map[string]string{"canary": "true", "canary-weight": "100"}
	for name, annotations := range map[string]map[string]string{
		"as it is":             nil,
		"with a short time":    {"proxy-connect-timeout": "5"},
		"in turn":              {"load-balance": "round_robin"},
		"gRPC":                 {"backend-protocol": "GRPC"},
		"all of them":          {"backend-protocol": "GRPC", "proxy-connect-timeout": "5", "load-balance": "ewma"},
		"beside a canary, too": {"proxy-connect-timeout": "5", "CANARY": ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own, ingresses, of := maps.Clone(annotations), "", "a"
			if _, divided := own["CANARY"]; divided {
				delete(own, "CANARY")
				of = "a-canary"
				ingresses = strings.Replace(annotated(of, "/", all), "{name: a, port", "{name: a-canary, port", 1)
			}
			ingresses += annotated("a", "/", own)
			ask, _ := served(t, Builtin("gatehouse"), objects+ingresses+aim(of))
			if status, text := ask("http-80", "a.example.com", "/"); status != http.StatusUnauthorized {
				t.Errorf("without a token: %d %s", status, text)
			}
			ask, _ = served(t, Builtin("gatehouse"), objects+ingresses+aim("b"))
			if status, text := ask("http-80", "a.example.com", "/"); status == http.StatusUnauthorized {
				t.Errorf("a policy of another Service is asked: %s", text)
			}
		})
	}
}

// TestPoliciesOfTheMainServiceHoldForItsCanary, whichever line of a client's leads there;
// those of the canary's Service hold for what is sent to it.
func TestPoliciesOfTheMainServiceHoldForItsCanary(t *testing.T) {
	t.Parallel()
	objects := ofShop() + service(t, "a") + service(t, "a-canary") + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: signing, namespace: shop}\ndata: {jwks: " + keyOf(signing) + "}\n"
	guard := func(service, mode string) string {
		return policyFor("AccessPolicy", "shop", "p", `{group: "", kind: Service, name: `+service+`}`, "mode: "+mode+", "+tokens("issuer: i, audiences: [shop], algorithms: [HS256]"))
	}
	lines := map[string]string{"canary": "true", "canary-by-header": "X-Canary", "canary-by-cookie": "canary"}
	for name, tc := range map[string]struct {
		policy string
		line   string
		want   int
	}{
		"the header leads to the canary":                  {guard("a", "Enforced"), "X-Canary: always", 401},
		"the cookie does":                                 {guard("a", "Enforced"), "Cookie: canary=always", 401},
		"the header, and the policy is a default":         {guard("a", "Default"), "X-Canary: always", 401},
		"the header keeps away from it":                   {guard("a", "Enforced"), "X-Canary: never", 401},
		"none of them is there":                           {guard("a", "Enforced"), "X: y", 401},
		"the canary alone has a policy, and is asked for": {guard("a-canary", "Enforced"), "X-Canary: always", 401},
		"the canary alone has a policy, and is not":       {guard("a-canary", "Enforced"), "X-Canary: never", 200},
		"none has a policy":                               {"", "X-Canary: always", 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			canary := strings.Replace(annotated("a-canary", "/", lines), "{name: a, port", "{name: a-canary, port", 1)
			ask, _ := served(t, Builtin("gatehouse"), objects+annotated("a", "/", nil)+canary+tc.policy)
			if status, text := ask("http-80", "a.example.com", "/", tc.line); status != tc.want {
				t.Errorf("%d, want %d: %s", status, tc.want, text)
			}
		})
	}
}
