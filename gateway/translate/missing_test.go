// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const lacking = `
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
  listeners: [{name: web, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}, {name: web2, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: SECRET}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: other, namespace: infra}
spec:
  gatewayClassName: gatehouse
  listeners: [{name: web, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
---
apiVersion: v1
kind: Secret
metadata: {name: there, namespace: infra}
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: shop}
spec: {parentRefs: [{name: PARENT, namespace: infra}], rules: [{backendRefs: [{name: a, port: 80}]}]}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: own}
spec: {controller: gatehouse.sh/gateway, parameters: {scope: Namespace, namespace: infra, apiGroup: gateway.networking.k8s.io, kind: Gateway, name: edge}}
`

// TestWhatAGatewayLacksIsItsOwn: a Secret or a ConfigMap that is looked for and not found is
// told of the Gateways that are served without it, and of no others.
func TestWhatAGatewayLacksIsItsOwn(t *testing.T) {
	t.Parallel()
	name := func(namespace, name string) []Name { return []Name{{Namespace: namespace, Name: name}} }
	edge, other := Name{Namespace: "infra", Name: "edge"}, Name{Namespace: "infra", Name: "other"}
	const (
		keys      = "authentication: {anyOf: [{name: key, apiKey: {from: {header: X-Key}, secretRefs: [{name: keys}]}}]}"
		route     = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop}"
		authority = "---\napiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata: {name: a, namespace: shop}\nspec: {targetRefs: [{group: \"\", kind: Service, name: a}], validation: {hostname: a.example.com, caCertificateRefs: [{group: \"\", kind: ConfigMap, name: ca}]}}\n"
		ingress   = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: shop, annotations: {ANNOTATION: \"1\"}}\nspec: {ingressClassName: own, rules: [{host: i.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: a, port: {number: 80}}}}]}}]}\n"
		basic     = "nginx.ingress.kubernetes.io/auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: users, x"
		exposed   = "---\napiVersion: v1\nkind: Service\nmetadata: {name: b, namespace: shop, annotations: {gatehouse.sh/expose: b.example.com, gatehouse.sh/class: own, gatehouse.sh/auth: \"apikey:keys\"}}\nspec: {ports: [{port: 80}]}\n"
	)
	for what, tc := range map[string]struct {
		secret, parent, more string
		want                 map[Name]Missing
	}{
		"nothing":                              {"there", "other", "", map[Name]Missing{}},
		"a certificate of its listener":        {"own", "other", "", map[Name]Missing{edge: {Secrets: name("infra", "own")}}},
		"keys of a policy of its route":        {"there", "edge", policyFor("AccessPolicy", "shop", "p", route, keys), map[Name]Missing{edge: {Secrets: name("shop", "keys")}}},
		"keys of a policy of the other's":      {"there", "other", policyFor("AccessPolicy", "shop", "p", route, keys), map[Name]Missing{other: {Secrets: name("shop", "keys")}}},
		"keys of a policy of nothing":          {"there", "none", policyFor("AccessPolicy", "shop", "p", route, keys), map[Name]Missing{}},
		"the authority of its backend":         {"there", "edge", authority, map[Name]Missing{edge: {ConfigMaps: name("shop", "ca")}}},
		"the authority of the other's backend": {"there", "other", authority, map[Name]Missing{other: {ConfigMaps: name("shop", "ca")}}},
		"passwords of its Ingress":             {"there", "none", strings.ReplaceAll(ingress, "ANNOTATION: \"1\"", basic+": \"1\""), map[Name]Missing{edge: {Secrets: name("shop", "users")}}},
		"keys of a Service that is exposed":    {"there", "none", exposed, map[Name]Missing{edge: {Secrets: name("shop", "keys")}}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			objects := read(t, []byte(strings.ReplaceAll(strings.ReplaceAll(lacking, "SECRET", tc.secret), "PARENT", tc.parent)+tc.more))
			if diff := cmp.Diff(tc.want, Translate(objects, options).Missing); diff != "" {
				t.Error(diff)
			}
		})
	}
}
