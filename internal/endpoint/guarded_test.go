// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

const twoListeners = `
kind: Gateway
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: edge, namespace: shop}
spec:
  gatewayClassName: gatehouse
  listeners:
  - {name: web, port: 80, protocol: HTTP, hostname: "*.example.com"}
  - {name: admin, port: 8080, protocol: HTTP, hostname: "*.example.com"}
  - {name: raw, port: 5432, protocol: TCP}
---
kind: IngressClass
apiVersion: networking.k8s.io/v1
metadata: {name: gatehouse}
spec:
  controller: gatehouse.sh/gateway
  parameters: {apiGroup: gateway.networking.k8s.io, kind: Gateway, scope: Namespace, namespace: shop, name: edge}
---
kind: Service
apiVersion: v1
metadata: {name: orders, namespace: shop}
spec: {selector: {app: orders}, ports: [{port: 80}]}
---
kind: Service
apiVersion: v1
metadata: {name: export, namespace: shop}
spec: {selector: {app: export}, ports: [{port: 80}]}
---
`

const twoRules = `  hostnames: [orders.example.com]
  rules:
  - name: read
    matches: [{path: {type: PathPrefix, value: /orders}}]
    backendRefs: [{name: orders, port: 80}]
  - name: export
    matches: [{path: {type: PathPrefix, value: /export}}]
    backendRefs: [{name: export, port: 80}, {name: orders, port: 80}]
`

// published are objects that publish the Services in every way that there is.
var published = map[string]string{
	"an HTTPRoute at every listener": "kind: HTTPRoute\napiVersion: gateway.networking.k8s.io/v1\nmetadata: {name: orders, namespace: shop}\nspec:\n  parentRefs: [{name: edge}]\n" + twoRules,
	"an HTTPRoute at one listener":   "kind: HTTPRoute\napiVersion: gateway.networking.k8s.io/v1\nmetadata: {name: orders, namespace: shop}\nspec:\n  parentRefs: [{name: edge, sectionName: web}]\n" + twoRules,
	"a TCPRoute":                     "kind: TCPRoute\napiVersion: gateway.networking.k8s.io/v1\nmetadata: {name: orders, namespace: shop}\nspec:\n  parentRefs: [{name: edge, sectionName: raw}]\n  rules: [{backendRefs: [{name: orders, port: 80}, {name: export, port: 80}]}]\n",
	"an Ingress": `kind: Ingress
apiVersion: networking.k8s.io/v1
metadata: {name: orders, namespace: shop}
spec:
  ingressClassName: gatehouse
  rules:
  - host: orders.example.com
    http:
      paths:
      - {path: /orders, pathType: Prefix, backend: {service: {name: orders, port: {number: 80}}}}
      - {path: /export, pathType: Prefix, backend: {service: {name: export, port: {number: 80}}}}
`,
}

var guardTargets = []string{
	"{group: gateway.networking.k8s.io, kind: Gateway, name: edge}",
	"{group: gateway.networking.k8s.io, kind: Gateway, name: edge, sectionName: web}",
	"{group: gateway.networking.k8s.io, kind: Gateway, name: edge, sectionName: admin}",
	"{group: gateway.networking.k8s.io, kind: HTTPRoute, name: orders}",
	"{group: gateway.networking.k8s.io, kind: HTTPRoute, name: orders, sectionName: export}",
	`{group: "", kind: Service, name: orders}`,
	`{group: "", kind: Service, name: export}`,
}

// TestTheCheckFindsWhatTheGatewayDoesNotAsk: EXP-050 works out from the objects which
// routes no AccessPolicy is in force for. For every choice of targets, in both modes, it
// says what follows from the gateway's own configuration.
func TestTheCheckFindsWhatTheGatewayDoesNotAsk(t *testing.T) {
	t.Parallel()
	at := slices.IndexFunc(exposure.All(), func(c checks.Check) bool { return c.ID == "EXP-050" })
	if at < 0 {
		t.Fatal("there is no EXP-050")
	}
	check := exposure.All()[at]
	for name, object := range published {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open := 0
			for chosen := range 1 << len(guardTargets) {
				text := twoListeners + object
				for i, target := range guardTargets {
					if chosen>>i&1 == 1 {
						text += policyFor(i, target)
					}
				}
				asked, found := unasked(t, text, check)
				if asked != found {
					t.Errorf("policies %07b: the gateway leaves something open: %t, the check says %t", chosen, asked, found)
				}
				if found {
					open++
				}
			}
			if open == 0 || open == 1<<len(guardTargets) {
				t.Errorf("%d of %d are open: this tests nothing", open, 1<<len(guardTargets))
			}
		})
	}
}

func policyFor(i int, target string) string {
	mode := []string{"Enforced", "Default"}[i%2]
	return fmt.Sprintf(`---
kind: AccessPolicy
apiVersion: gatehouse.sh/v1alpha1
metadata: {name: p%d, namespace: shop}
spec:
  mode: %s
  targetRefs: [%s]
  authentication: {anyOf: [{name: nobody, anonymous: {}}]}
  authorization: {rules: [{name: inside, allow: {sourceRanges: [10.0.0.0/8]}}]}
`, i, mode, target)
}

// unasked reports whether the gateway leaves anything open that leads to a Service, and
// whether the check says so.
func unasked(t *testing.T, text string, check checks.Check) (bool, bool) {
	t.Helper()
	w := world(t, strings.TrimSuffix(text, "\n"))
	open := slices.ContainsFunc(w.Report().Endpoints, func(e Endpoint) bool {
		return e.Answer == AnswerBackends && len(e.Authentication.Policies) == 0
	})
	for e := range w.Inventory.Entries(inventory.IngressKind, "shop") {
		return open, len(check.Run(w.input(e.Object))) > 0
	}
	for _, kind := range []string{"HTTPRoute", "TCPRoute"} {
		for e := range w.Inventory.Entries(gatewayKind(kind), "shop") {
			return open, len(check.Run(w.input(e.Object))) > 0
		}
	}
	t.Fatal("nothing is published")
	return false, false
}

func (w *World) input(o inventory.Object) checks.Input {
	return checks.Input{Object: o, Inventory: w.Inventory, Parameters: checks.DefaultParameters()}
}

// TestTheCheckAndTheGatewayAskForServicesThatAreNotToBeHad: a rule names two Services, one
// of which has a policy. It is asked whatever there is of that Service, as far as the rule
// may name it.
func TestTheCheckAndTheGatewayAskForServicesThatAreNotToBeHad(t *testing.T) {
	t.Parallel()
	at := slices.IndexFunc(exposure.All(), func(c checks.Check) bool { return c.ID == "EXP-050" })
	if at < 0 {
		t.Fatal("there is no EXP-050")
	}
	check := exposure.All()[at]
	vault := func(spec string) string {
		return "kind: Service\napiVersion: v1\nmetadata: {name: vault, namespace: shop}\nspec: " + spec + "\n---\n"
	}
	const there, tls = "{selector: {app: vault}, ports: [{port: 80}]}", "kind: BackendTLSPolicy\napiVersion: gateway.networking.k8s.io/v1\nmetadata: {name: vault, namespace: shop}\nspec: {targetRefs: [{group: \"\", kind: Service, name: vault}], validation: {hostname: vault, caCertificateRefs: [{group: \"\", kind: ConfigMap, name: gone}]}}\n---\n"
	for name, tc := range map[string]struct {
		service string
		ref     string
		at      string // the Service that the policy is for
		open    bool
	}{
		"it is there":                           {vault(there), "{name: vault, port: 80}", "vault", false},
		"without a share":                       {vault(there), "{name: vault, port: 80, weight: 0}", "vault", false},
		"it is not there":                       {"", "{name: vault, port: 80}", "vault", false},
		"it is not there, without a share":      {"", "{name: vault, port: 80, weight: 0}", "vault", false},
		"it has another port":                   {vault(there), "{name: vault, port: 8080}", "vault", false},
		"it is by another name":                 {vault("{type: ExternalName, externalName: example.com, ports: [{port: 80}]}"), "{name: vault, port: 80}", "vault", false},
		"it speaks another protocol":            {vault("{ports: [{port: 80, appProtocol: redis}]}"), "{name: vault, port: 80}", "vault", false},
		"its BackendTLSPolicy is at fault":      {vault(there) + tls, "{name: vault, port: 80, weight: 0}", "vault", false},
		"the policy is of one that is not":      {"", "{name: vault, port: 80}", "elsewhere", true},
		"the policy is of one, named elsewhere": {vault(there), "{name: orders, port: 80}", "vault", true},
		"it is of another namespace":            {vault(there), "{name: vault, namespace: bank, port: 80}", "vault", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := twoListeners + tc.service + "kind: HTTPRoute\napiVersion: gateway.networking.k8s.io/v1\nmetadata: {name: orders, namespace: shop}\nspec:\n  parentRefs: [{name: edge, sectionName: web}]\n  hostnames: [orders.example.com]\n" +
				"  rules: [{backendRefs: [{name: orders, port: 80}, " + tc.ref + "]}]\n" + policyFor(0, `{group: "", kind: Service, name: `+tc.at+`}`)
			if open, found := unasked(t, text, check); open != tc.open || found != tc.open {
				t.Errorf("the gateway leaves it open: %t, the check says %t, want %t", open, found, tc.open)
			}
		})
	}
}
