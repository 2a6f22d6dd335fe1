// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

const doorOf = `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: front}
spec: {controllerName: gatehouse.sh/gateway}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: back}
spec: {controllerName: example.com/gateway}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: behind}
spec:
  gatewayClassName: %s
  listeners: [{name: web, port: 443, protocol: HTTPS, hostname: shop.example.com, tls: {certificateRefs: [{name: shop}]}}]
`

const guardedRoute = `apiVersion: v1
kind: Service
metadata: {name: orders, namespace: behind}
spec: {selector: {app: orders}, ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: orders, namespace: behind}
spec:
  parentRefs: [{name: edge}]
  hostnames: [shop.example.com]
  rules: [{backendRefs: [{name: orders, port: 80}]}]
`

const guardedPolicy = `apiVersion: gatehouse.sh/v1alpha1
kind: AccessPolicy
metadata: {name: floor, namespace: behind}
spec:
  mode: %s
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]
  authentication: {anyOf: [{name: idp, jwt: {issuer: "https://idp.example.com/", audiences: [shop]}}]}
  authorization: {rules: [{name: read, allow: {methods: [%s]}}]}
`

// TestTheGatewayIsTheWayOut: Gateways of our controller are accepted whatever their class
// is called; what is published without a policy is refused in the strict profile; and a
// floor is not lowered.
func TestTheGatewayIsTheWayOut(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.startWebhook(t)
	c.optIn(t, "behind", "gatehouse.sh/admission: enforce, gatehouse.sh/profile: strict", "denied")
	defer c.try(t, "", "delete", "exemptions", "-n", own, "--all")
	becomes := func(what, doc, says string, args ...string) {
		t.Helper()
		controlplane.Eventually(t, 10*time.Second, what, func() error {
			out, err := c.try(t, doc, args...)
			if (err != nil) != (says != "") || !strings.Contains(out, says) {
				return fmt.Errorf("want %q, got %w: %s", says, err, out)
			}
			return nil
		})
	}
	apply, try := []string{"apply", "-f", "-"}, []string{"apply", "--dry-run=server", "-f", "-"}

	c.kubectl(t, strings.Join(strings.SplitN(doorOf, "---\n", 3)[:2], "---\n"), apply...)
	becomes("a Gateway of another controller", fmt.Sprintf(doorOf, "back"), "EXP-031", try...)
	becomes("a Gateway of ours by another name", fmt.Sprintf(doorOf, "front"), "", apply...)
	becomes("a route without a policy", guardedRoute, "EXP-050", try...)
	becomes("a policy", fmt.Sprintf(guardedPolicy, "Enforced", "GET, POST"), "", apply...)
	becomes("a route with a policy", guardedRoute, "", apply...)

	becomes("a floor that allows less", fmt.Sprintf(guardedPolicy, "Enforced", "GET"), "", apply...)
	becomes("a floor that allows more", fmt.Sprintf(guardedPolicy, "Enforced", "GET, POST"), "EXP-051", apply...)
	becomes("a floor that gives way", fmt.Sprintf(guardedPolicy, "Default", "GET"), "EXP-051", apply...)
	becomes("a floor that is deleted", "", "EXP-051", "delete", "accesspolicy", "-n", "behind", "floor")
	all := []string{"delete", "--raw", "/apis/gatehouse.sh/v1alpha1/namespaces/behind/accesspolicies"}
	becomes("all policies, and a floor among them", "", "EXP-051", all...)
	c.kubectl(t, fmt.Sprintf("apiVersion: gatehouse.sh/v1alpha1\nkind: Exemption\nmetadata: {namespace: %s, name: rollout}\nspec:\n  checks: [weakened-policy]\n"+
		"  objects: [{kinds: [AccessPolicy], namespaces: [behind]}]\n  reason: another policy takes its place\n  owner: edge@example.com\n  expiresAt: %s\n", own, time.Now().Add(time.Hour).UTC().Format(time.RFC3339)), apply...)
	becomes("one with an exemption", "", "", "delete", "accesspolicy", "-n", "behind", "floor")
	becomes("a policy that is no floor", fmt.Sprintf(guardedPolicy, "Default", "GET"), "", apply...)
	becomes("all policies, and no floor among them", "", "", all...)
}
