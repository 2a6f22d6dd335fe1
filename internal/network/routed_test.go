// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// behind is a shop behind a Gateway of another namespace; the policy asks at an address.
const behind = `
kind: GatewayClass
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: house}
spec: {controllerName: gatehouse.sh/gateway}
---
kind: Gateway
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: edge, namespace: infra}
spec:
  gatewayClassName: house
  listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
---
kind: HTTPRoute
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: web, namespace: shop}
spec: {parentRefs: [{name: edge, namespace: infra}], rules: [{backendRefs: [{name: web, port: 80}]}]}
---
kind: AccessPolicy
apiVersion: gatehouse.sh/v1alpha1
metadata: {name: who, namespace: shop}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: web}]
  authentication: {anyOf: [{name: idp, jwt: {issuer: "https://a.example.com/", audiences: [a], jwks: {uri: "https://192.0.2.7/keys"}}}]}
  authorization: {rules: [{name: all, allow: {}}]}
---
kind: Service
apiVersion: v1
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
`

// pods is a Deployment without name servers of the cluster.
func pods(namespace, name, label, more string) string {
	return fmt.Sprintf(`
---
kind: Deployment
apiVersion: apps/v1
metadata: {name: %s, namespace: %s}
spec:
  selector: {matchLabels: {%s}}
  template: {metadata: {labels: {%s}}, spec: {dnsPolicy: Default, automountServiceAccountToken: false, %s containers: [{name: a, image: a}]}}
`, name, namespace, label, label, more)
}

// TestPlansFollowTheGateway: a namespace accepts the gateway where its own route, or its
// grant, says so; the namespace of a Gateway opens what the Gateway lets in.
func TestPlansFollowTheGateway(t *testing.T) {
	t.Parallel()
	shop := behind + pods("shop", "web", "app: web", "")
	shared := pods("gatehouse-system", "gatehouse-gateway", "app.kubernetes.io/name: gatehouse-gateway", "")
	own := pods("infra", "edge", "gateway.networking.k8s.io/gateway-name: edge", "")
	ownOnNode := pods("infra", "edge", "gateway.networking.k8s.io/gateway-name: edge", "hostNetwork: true,")
	elsewhere := strings.Replace(shop, "metadata: {name: web, namespace: shop}\nspec: {parentRefs: [{name: edge, namespace: infra}], rules: [{backendRefs: [{name: web, port: 80}]}]}",
		"metadata: {name: web, namespace: team}\nspec: {parentRefs: [{name: edge, namespace: infra}], rules: [{backendRefs: [{name: web, namespace: shop, port: 80}]}]}", 1)
	grant := "\n---\nkind: ReferenceGrant\napiVersion: gateway.networking.k8s.io/v1\nmetadata: {name: team, namespace: shop}\nspec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: team}], to: [{group: \"\", kind: Service}]}\n"
	for name, tc := range map[string]struct {
		objects, namespace string
		trusted            []v1alpha1.NamePattern
		want, not          string // in the policies
		refused, problem   string
	}{
		"the pods of all Gateways":                 {shop + shared, "shop", nil, "app.kubernetes.io/name: gatehouse-gateway", "gateway-name", "", ""},
		"before there are pods":                    {shop, "shop", nil, "app.kubernetes.io/name: gatehouse-gateway", "gateway-name", "", ""},
		"the pods of the Gateway":                  {shop + shared + own, "shop", nil, "gateway.networking.k8s.io/gateway-name: edge", "gatehouse-gateway", "", ""},
		"the port of the pods":                     {shop + shared, "shop", nil, "port: 8080", "port: 80\n", "", ""},
		"a route of another namespace":             {elsewhere + shared, "shop", nil, "", "gatehouse-gateway", "", ""},
		"which it grants":                          {elsewhere + shared + grant, "shop", nil, "app.kubernetes.io/name: gatehouse-gateway", "gateway-name", "", ""},
		"pods on the network of nodes":             {shop + ownOnNode, "shop", nil, "", "", "the addresses of the nodes are not known", ""},
		"what the Gateway lets in":                 {shop + own, "infra", nil, "kubernetes.io/metadata.name: shop", "192.0.2.7", "", "192.0.2.7/32 TCP/443: only objects of namespace shop say so"},
		"whom policies of a trusted namespace ask": {shop + own, "infra", []v1alpha1.NamePattern{"shop"}, "cidr: 192.0.2.7/32", "0.0.0.0/0", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := &v1alpha1.NetworkPlanSpec{TrustedNamespaces: tc.trusted}
			if tc.namespace == "infra" {
				spec.Directions = []v1alpha1.NetworkDirection{v1alpha1.NetworkEgress}
			}
			p := lookAt(t, "generic", Sources{Inventory: inventory.New(decoded(t, tc.objects)...)}).Propose(tc.namespace, spec)
			if said := strings.Join(p.Refusals, "\n"); tc.refused == "" && said != "" || !strings.Contains(said, tc.refused) {
				t.Fatalf("refused %q, want %q", said, tc.refused)
			}
			raw, err := yaml.Marshal(p.Policies)
			if err != nil {
				t.Fatal(err)
			}
			text := strip(string(raw))
			if !strings.Contains(text, tc.want) || tc.not != "" && strings.Contains(text, tc.not) {
				t.Errorf("want %q and not %q in\n%s", tc.want, tc.not, text)
			}
			var problems []string
			for _, q := range p.Problems {
				problems = append(problems, q.String())
			}
			if said := strings.Join(problems, "\n"); !strings.Contains(said, tc.problem) {
				t.Errorf("problems are %q, want %q", said, tc.problem)
			}
			if len(p.Extra) > 0 && tc.namespace == "shop" {
				t.Errorf("it allows more: %v", p.Extra)
			}
		})
	}
}

// strip leaves out the annotations, which quote reasons.
func strip(text string) string {
	lines := slices.Collect(strings.Lines(text))
	out, inside := "", false
	for _, line := range lines {
		switch strings.TrimSpace(line) {
		case "annotations:":
			inside = true
		case "labels:":
			inside = false
		}
		if !inside {
			out += line
		}
	}
	return out
}

func decoded(t *testing.T, text string) []inventory.Object {
	t.Helper()
	var out []inventory.Object
	for document := range strings.SplitSeq(text, "\n---\n") {
		data, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		o, _, err := inventory.DecodeAny(data)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	return out
}
