// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const granting = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: gatehouse}
spec: {controllerName: gatehouse.sh/gateway}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  gatewayClassName: gatehouse
  allowedListeners: {namespaces: {from: Same}}
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: tls, port: 443, protocol: TLS, tls: {mode: Passthrough}}
  - {name: tcp, port: 53, protocol: TCP}
  - {name: udp, port: 53, protocol: UDP}
---
apiVersion: v1
kind: Secret
metadata: {name: there, namespace: team}
type: kubernetes.io/tls
stringData: {made: a.example.com}
data:
  keys: Y2k6YTY2NWE0NTkyMDQyMmY5ZDQxN2U0ODY3ZWZkYzRmYjhhMDRhMWYzZmZmMWZhMDdlOTk4ZTg2ZjdmN2EyN2FlMw==
  password: MTIz
  auth: YW5uOiQyYSQxMCROOXFvOHVMT2lja2d4MlpNUlpvTXllSWpaQWdjZmw3cDkybGRHeGFkNjhMSlpkTDE3bGhXeQo=
  jwks: eyJrZXlzIjpbeyJrdHkiOiJvY3QiLCJraWQiOiJhIiwiYWxnIjoiSFMyNTYiLCJrIjoiTURFeU16UTFOamM0T1RBeE1qTTBOVFkzT0Rrd01USXpORFUyTnpnNU1ERXlNelExTmpjNE9RIn1dfQ==
---
apiVersion: v1
kind: ConfigMap
metadata: {name: there, namespace: team}
data: {made: a}
---
apiVersion: v1
kind: Service
metadata: {name: there, namespace: team}
spec: {ports: [{name: tcp, port: 80}, {name: udp, port: 80, protocol: UDP}]}
---
apiVersion: v1
kind: Service
metadata: {name: here, namespace: shop}
spec: {ports: [{name: tcp, port: 80}]}
---
`

// TestReferencesNeedAGrant: every kind of reference to another namespace, without a
// grant, with one, and with those that are for something else.
func TestReferencesNeedAGrant(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: gateway.networking.k8s.io/v1\nkind: %s\nmetadata: {name: own, namespace: shop}\nspec:\n  parentRefs: [{name: edge}]\n  rules:\n"
	const there, here = "{name: there, namespace: team, port: 80}", "{name: here, port: 80}"
	const elsewhere = "{name: there, namespace: team}"
	const policyHead = "apiVersion: gatehouse.sh/v1alpha1\nkind: %s\nmetadata: {name: own, namespace: shop}\nspec: {targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}], "
	mirror := "  - {filters: [{type: RequestMirror, requestMirror: {backendRef: " + there + "}}], backendRefs: [" + here + "]}\n"
	asksBy := func(protocol, more string) string {
		return "  - {filters: [{type: ExternalAuth, externalAuth: {protocol: " + protocol + ", backendRef: " + there + ", " + more + "}}], backendRefs: [" + here + "]}\n"
	}
	backend := "  - {backendRefs: [" + there + "]}\n"
	const store = `apiVersion: gatehouse.sh/v1alpha1
kind: GatewayParameters
metadata: {name: counting}
spec: {store: {redis: {address: "redis:6379", %s}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: counting}
spec: {controllerName: gatehouse.sh/gateway, parametersRef: {group: gatehouse.sh, kind: GatewayParameters, name: counting}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: own, namespace: shop}
spec: {gatewayClassName: counting, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gatehouse.sh/v1alpha1
kind: TrafficPolicy
metadata: {name: own, namespace: shop}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: own}]
  onStoreFailure: Deny
  rateLimits: [{name: all, scope: Gateway, limit: {requests: 10, per: 1s}}]
`
	counted := 0
	for name, tc := range map[string]struct{ from, to, object string }{
		"a password of a store":    {"Gateway", "Secret", fmt.Sprintf(store, "secretRef: "+elsewhere)},
		"a CA of a store":          {"Gateway", "ConfigMap", fmt.Sprintf(store, "tls: {caRef: "+elsewhere+"}")},
		"a certificate of a store": {"Gateway", "Secret", fmt.Sprintf(store, "tls: {clientCertificateRef: "+elsewhere+"}")},
		"a certificate of a listener": {"Gateway", "Secret", `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: own, namespace: shop}
spec:
  gatewayClassName: gatehouse
  listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: there, namespace: team}]}}]
`},
		"a certificate of a ListenerSet": {"ListenerSet", "Secret", `
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: own, namespace: shop}
spec:
  parentRef: {name: edge}
  listeners: [{name: https, port: 444, protocol: HTTPS, tls: {certificateRefs: [{name: there, namespace: team}]}}]
`},
		"a certificate for backends of a Gateway": {"Gateway", "Secret", `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: own, namespace: shop}
spec:
  gatewayClassName: gatehouse
  tls: {backend: {clientCertificateRef: {name: there, namespace: team}}}
  listeners: [{name: http, port: 80, protocol: HTTP}]
`},
		"a backend of an HTTPRoute":      {"HTTPRoute", "Service", head + backend},
		"a mirror of an HTTPRoute":       {"HTTPRoute", "Service", head + mirror},
		"a service that a filter asks":   {"HTTPRoute", "Service", head + asksBy("HTTP", "http: {allowedResponseHeaders: [X-User]}")},
		"one that a filter asks by gRPC": {"HTTPRoute", "Service", head + asksBy("GRPC", "grpc: {}")},
		"a backend of a GRPCRoute":       {"GRPCRoute", "Service", head + backend},
		"a mirror of a GRPCRoute":        {"GRPCRoute", "Service", head + mirror},
		"a backend of a TLSRoute":        {"TLSRoute", "Service", head + backend},
		"a backend of a TCPRoute":        {"TCPRoute", "Service", head + backend},
		"a backend of a UDPRoute":        {"UDPRoute", "Service", head + backend},
		"keys of an AccessPolicy":        {"AccessPolicy", "Secret", policyHead + "authentication: {anyOf: [{name: a, apiKey: {from: {header: X-Key}, secretRefs: [" + elsewhere + "]}}]}, " + allMay + "}\n"},
		"users of an AccessPolicy":       {"AccessPolicy", "Secret", policyHead + "authentication: {anyOf: [{name: a, basic: {secretRefs: [" + elsewhere + "]}}]}, " + allMay + "}\n"},
		"a JWKS of an AccessPolicy":      {"AccessPolicy", "Secret", policyHead + signed("issuer: a, audiences: [a], jwks: {secretRef: "+elsewhere+"}") + "}\n"},
		"a CA of an AccessPolicy":        {"AccessPolicy", "ConfigMap", policyHead + signed(`issuer: a, audiences: [a], jwks: {uri: "https://a/", caRef: `+elsewhere+`}`) + "}\n"},
		"a service that is asked":        {"AccessPolicy", "Service", policyHead + asks("http: {backendRef: "+there+"}") + "}\n"},
		"one that is asked by gRPC":      {"AccessPolicy", "Service", policyHead + asks("grpc: {backendRef: "+there+"}") + "}\n"},
	} {
		object := tc.object
		if strings.HasPrefix(object, "apiVersion") {
			object = strings.ReplaceAll(object, "kind: %s", "kind: "+tc.from)
		}
		grant := func(namespace, from, in, to, name string) string {
			return fmt.Sprintf("---\napiVersion: gateway.networking.k8s.io/v1\nkind: ReferenceGrant\nmetadata: {name: g, namespace: %s}\nspec:\n  from: [{group: %s, kind: %s, namespace: %s}]\n  to: [{group: \"\", kind: %s%s}]\n",
				namespace, map[bool]string{false: "gateway.networking.k8s.io", true: "gatehouse.sh"}[from == "AccessPolicy"], from, in, to, name)
		}
		other := map[string]string{"Gateway": "HTTPRoute", "HTTPRoute": "Gateway"}[tc.from]
		if other == "" {
			other = "HTTPRoute"
		}
		for given, grants := range map[string]struct {
			text string
			want bool
		}{
			"nothing":                      {"", false},
			"all":                          {grant("team", tc.from, "shop", tc.to, ""), true},
			"this one":                     {grant("team", tc.from, "shop", tc.to, ", name: there"), true},
			"another one":                  {grant("team", tc.from, "shop", tc.to, ", name: other"), false},
			"another kind":                 {grant("team", tc.from, "shop", cmp.Or(map[string]string{"ConfigMap": "Secret"}[tc.to], "ConfigMap"), ""), false},
			"to another kind":              {grant("team", other, "shop", tc.to, ""), false},
			"to another namespace":         {grant("team", tc.from, "other", tc.to, ""), false},
			"in the referring namespace":   {grant("shop", tc.from, "shop", tc.to, ""), false},
			"another one, and then all":    {grant("team", tc.from, "shop", tc.to, ", name: other") + strings.Replace(grant("team", tc.from, "shop", tc.to, ""), "name: g,", "name: h,", 1), true},
			"half by one, half by another": {grant("team", tc.from, "other", tc.to, "") + strings.Replace(grant("team", other, "shop", tc.to, ""), "name: g,", "name: h,", 1), false},
		} {
			counted++
			r := Translate(read(t, []byte(granting+object+grants.text)), options)
			var said []metav1.Condition
			if list := r.TrafficPolicies[Name{Namespace: "shop", Name: "own"}].Ancestors; len(list) == 1 {
				said = list[0].Conditions
			} else if own := r.Gateways[Name{Namespace: "shop", Name: "own"}]; tc.from == "Gateway" {
				said = own.Conditions
				if !strings.Contains(object, "backend:") {
					said = own.Listeners[0].Conditions
				}
			} else if list := r.AccessPolicies[Name{Namespace: "shop", Name: "own"}].Ancestors; len(list) == 1 {
				said = list[0].Conditions
			} else if set := r.ListenerSets[Name{Namespace: "shop", Name: "own"}]; tc.from == "ListenerSet" {
				said = set.Status.Listeners[0].Conditions
			} else if list := r.Routes[Route{tc.from, Name{Namespace: "shop", Name: "own"}}]; len(list) == 1 {
				said = list[0].Conditions
			}
			got := ""
			for _, c := range said {
				if c.Type == resolvedRefs {
					got = c.Reason
				}
			}
			if want := map[bool]string{true: "ResolvedRefs", false: "RefNotPermitted"}[grants.want]; got != want {
				t.Errorf("%s, granted %s: %q, want %q", name, given, got, want)
			}
			if wanted := r.Secrets[Name{Namespace: "team", Name: "there"}]; wanted != (grants.want && tc.to == "Secret") {
				t.Errorf("%s, granted %s: that the Secret is wanted is said to be %t", name, given, wanted)
			}
			for _, s := range r.Snapshots {
				for _, b := range s.Backends {
					if !grants.want && strings.HasPrefix(b.Name, "team/") {
						t.Errorf("%s, granted %s: the snapshot has %s", name, given, b.Name)
					}
				}
				if !grants.want && len(s.Stores) > 0 {
					t.Errorf("%s, granted %s: the snapshot has its store", name, given)
				}
				if !grants.want && len(s.Certificates) > 0 {
					t.Errorf("%s, granted %s: the snapshot has its certificate", name, given)
				}
			}
		}
	}
	t.Logf("%d references", counted)
}
