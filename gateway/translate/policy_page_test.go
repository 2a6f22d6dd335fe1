// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// aroundThePage is what the examples of the page are for.
const aroundThePage = `---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: gatehouse}
spec: {controllerName: gatehouse.sh/gateway, parametersRef: {group: gatehouse.sh, kind: GatewayParameters, name: counting}}
---
apiVersion: gatehouse.sh/v1alpha1
kind: GatewayParameters
metadata: {name: counting}
spec: {store: {redis: {address: "redis.infra.svc:6379"}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec:
  gatewayClassName: gatehouse
  listeners: [{name: web, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
---
apiVersion: v1
kind: Service
metadata: {name: orders, namespace: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: authz, namespace: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: other, namespace: shop}
spec:
  parentRefs: [{name: edge, namespace: infra}]
  hostnames: [other.example.com]
  rules: [{backendRefs: [{name: orders, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: reports, namespace: shop}
spec:
  parentRefs: [{name: edge, namespace: infra}]
  hostnames: [reports.example.com]
  rules: [{backendRefs: [{name: orders, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: orders, namespace: shop}
spec:
  parentRefs: [{name: edge, namespace: infra}]
  hostnames: [shop.example.com]
  rules:
  - {name: export, matches: [{path: {value: /export}}], backendRefs: [{name: orders, port: 80}]}
  - {backendRefs: [{name: orders, port: 80}]}
`

var examples = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestThePoliciesOfThePageAreInForce: docs/gateway-policies.md has policies that say what
// can be kept, and are in force together.
func TestThePoliciesOfThePageAreInForce(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "gateway-policies.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := aroundThePage
	for _, m := range examples.FindAllStringSubmatch(string(page), -1) {
		text += "---\n" + m[1]
	}
	objects := read(t, []byte(text))
	for _, s := range objects.Secrets { // as the API server does
		s.Data = map[string][]byte{}
		for name, value := range s.StringData {
			s.Data[name] = []byte(value)
		}
	}
	r := Translate(objects, options)
	counted := 0
	for kind, statuses := range map[string]map[Name]gatewayv1.PolicyStatus{"AccessPolicy": r.AccessPolicies, "TrafficPolicy": r.TrafficPolicies, "ClientPolicy": r.ClientPolicies} {
		for name, status := range statuses {
			counted++
			if len(status.Ancestors) != 1 {
				t.Errorf("%s %s is at %d Gateways", kind, name, len(status.Ancestors))
			}
			for _, a := range status.Ancestors {
				for _, c := range a.Conditions {
					if c.Type != v1alpha1.ConditionOverridden && c.Status != metav1.ConditionTrue {
						t.Errorf("%s %s: %s is %s: %s", kind, name, c.Type, c.Reason, c.Message)
					}
				}
			}
		}
	}
	if want := strings.Count(string(page), "apiVersion: gatehouse.sh/v1alpha1"); counted != want || want < 6 {
		t.Errorf("%d policies have a status, and the page has %d", counted, want)
	}
}

// aroundTheRoute is what the first route of docs/gateway-kubernetes.md leads to.
const aroundTheRoute = `---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: gatehouse}
spec: {controllerName: gatehouse.sh/gateway}
---
apiVersion: v1
kind: Service
metadata: {name: orders, namespace: shop}
spec: {ports: [{port: 80}]}
---
`

// TestTheFirstRouteOfThePageIsAccepted: its certificate is the reader's.
func TestTheFirstRouteOfThePageIsAccepted(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "gateway-kubernetes.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "## A first route\n")
	example := examples.FindStringSubmatch(section)
	if example == nil {
		t.Fatal("the page has no first route")
	}
	r := Translate(read(t, []byte(aroundTheRoute+example[1])), options)
	said := 0
	for route, parents := range r.Routes {
		for _, parent := range parents {
			for _, c := range parent.Conditions {
				said++
				if c.Status != metav1.ConditionTrue {
					t.Errorf("%v: %s is %s: %s", route, c.Type, c.Reason, c.Message)
				}
			}
		}
	}
	if said < 2 {
		t.Errorf("%d conditions are said of the route", said)
	}
}
