// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// contextOf ends when it is told to, or with the test. Clean-up still has it.
func contextOf(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithCancel(context.WithoutCancel(t.Context()))
}

const shop = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
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
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{name: edge}]
  hostnames: [shop.example.com]
  rules: [{backendRefs: [{name: web, port: 80}]}]
---
`

// TestARouteThatIsAppliedIsServed goes from apply to the answer of the backend, and
// follows the endpoints of its Service.
func TestARouteThatIsAppliedIsServed(t *testing.T) {
	t.Parallel()
	c := start(t, controlplane.Options{})
	c.install(t, nil)
	g := c.serve(t, "127.0.20.1-127.0.20.9")
	c.apply(t, shop+service(t))
	const url = "http://127.0.20.1:20080/"
	answers(t, http.DefaultClient, url, "shop.example.com", 200, "web")
	answers(t, http.DefaultClient, url, "other.example.com", 404, "")
	host, port := backend(t, "another")
	c.apply(t, slice("web", host, port))
	answers(t, http.DefaultClient, url, "shop.example.com", 200, "another")
	c.says(t, "GatewayClass", "", "gatehouse", `["Accepted=True/Accepted"]`, "conditions")
	c.says(t, "Gateway", "shop", "edge", `["Accepted=True/Accepted","Programmed=True/Programmed"]`, "conditions")
	c.says(t, "Gateway", "shop", "edge", `[{"type":"IPAddress","value":"127.0.20.1"}]`, "addresses")
	c.says(t, "Gateway", "shop", "edge", `["Accepted=True/Accepted","Conflicted=False/NoConflicts","Programmed=True/Programmed","ResolvedRefs=True/ResolvedRefs"]`, "listeners", "0", "conditions")
	c.says(t, "HTTPRoute", "shop", "web", `["Accepted=True/Accepted","ResolvedRefs=True/ResolvedRefs"]`, "parents", "0", "conditions")

	metrics, err := g.controller.Metrics(g.plane)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	metrics.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`gatehouse_gateway_kube_objects{kind="HTTPRoute"} 1`, `gatehouse_gateway_kube_kind_missing{kind="AccessPolicy"} 1`, `gatehouse_gateway_kube_gateways{state="live"} 1`,
		`gatehouse_gateway_requests_total{gateway="shop/edge",listener="http-80"`, "gatehouse_gateway_kube_translations_total ", `gatehouse_gateway_kube_status_writes_total{outcome="written"}`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the metrics have no %s:\n%s", want, w.Body)
		}
	}
}
