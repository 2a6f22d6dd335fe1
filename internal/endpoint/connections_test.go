// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/generator"
)

// door is a Gateway, a Service with a workload, and the gateway itself.
const door = `
kind: Gateway
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: edge, namespace: infra}
spec:
  gatewayClassName: gatehouse
  listeners:
  - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - {name: tcp, port: 5432, protocol: TCP, allowedRoutes: {namespaces: {from: All}}}
  - {name: udp, port: 53, protocol: UDP, allowedRoutes: {namespaces: {from: All}}}
  - {name: tls, port: 8443, protocol: TLS, tls: {mode: Passthrough}, allowedRoutes: {namespaces: {from: All}}}
---
kind: Service
apiVersion: v1
metadata: {name: web, namespace: shop, annotations: {own: "yes"}}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}, {name: dns, port: 53, protocol: UDP}, {name: db, port: 5432}, {name: other, port: 9090}]}
---
kind: Deployment
apiVersion: apps/v1
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "web:1"}]}}
---
kind: Deployment
apiVersion: apps/v1
metadata: {name: gatehouse-gateway, namespace: gatehouse-system}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: gatehouse-gateway}}
  template:
    metadata: {labels: {app.kubernetes.io/name: gatehouse-gateway}}
    spec: {containers: [{name: gateway, image: "gateway:1", args: [--kubernetes, --port-offset, "8000"]}]}
`

// onNode are pods of the Gateway's own, on the network of their node.
const onNode = `
kind: Deployment
apiVersion: apps/v1
metadata: {name: pods, namespace: infra}
spec:
  selector: {matchLabels: {gateway.networking.k8s.io/gateway-name: edge}}
  template: {metadata: {labels: {gateway.networking.k8s.io/gateway-name: edge}}, spec: {hostNetwork: true, containers: [{name: a, image: a}]}}
`

const plain = `
kind: HTTPRoute
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: web, namespace: shop}
spec: {parentRefs: [{name: edge, namespace: infra, sectionName: http}], hostnames: [a.example.com], rules: [{backendRefs: [{name: web, port: 80}]}]}
`

// route is the head of a route of a kind, at a listener of the Gateway.
func routeOf(kind, listener, rest string) string {
	return "\nkind: " + kind + "\napiVersion: gateway.networking.k8s.io/v1\nmetadata: {name: web, namespace: shop}\nspec: {parentRefs: [{name: edge, namespace: infra, sectionName: " + listener + "}], " + rest + "}\n"
}

const policied = `
kind: AccessPolicy
apiVersion: gatehouse.sh/v1alpha1
metadata: {name: who, namespace: shop}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: web}]
  authorization: {rules: [{name: all, allow: {}}]}
`

// connections are those of documents, as lines, without what comes from outside.
func connections(t *testing.T, s Servers, documents ...string) (edges, problems []string) {
	t.Helper()
	c := connected(t, s, documents...)
	for _, e := range c.Edges {
		if line := e.String(); e.From.Kind != generator.ExternalPeer && !slices.Contains(edges, line) {
			edges = append(edges, line)
		}
	}
	for _, p := range c.Problems {
		problems = append(problems, p.What)
	}
	slices.Sort(edges)
	return edges, problems
}

func connected(t *testing.T, s Servers, documents ...string) Connections {
	t.Helper()
	w := world(t, strings.Join(documents, "\n---\n"))
	u, err := generator.Observe(w.Inventory)
	if err != nil {
		t.Fatal(err)
	}
	if s.Universe = u; s.Environment == nil {
		env := generator.NewEnvironment()
		s.Environment = &env
	}
	return w.Connections(s)
}

// TestTheGatewayConnectsToWhatItServes: what resolves routes for the data plane decides
// to which port of which Service it connects.
func TestTheGatewayConnectsToWhatItServes(t *testing.T) {
	t.Parallel()
	const from = "Deployment gatehouse-system/gatehouse-gateway -> "
	for name, tc := range map[string]struct {
		documents []string
		want      []string
		problem   string
	}{
		"an HTTPRoute":             {[]string{plain}, []string{from + "Service shop/web TCP/80"}, ""},
		"a GRPCRoute":              {[]string{routeOf("GRPCRoute", "http", "rules: [{backendRefs: [{name: web, port: 80}]}]")}, []string{from + "Service shop/web TCP/80"}, ""},
		"a TCPRoute":               {[]string{routeOf("TCPRoute", "tcp", "rules: [{backendRefs: [{name: web, port: 5432}]}]")}, []string{from + "Service shop/web TCP/5432"}, ""},
		"a TLSRoute":               {[]string{routeOf("TLSRoute", "tls", "hostnames: [a.example.com], rules: [{backendRefs: [{name: web, port: 5432}]}]")}, []string{from + "Service shop/web TCP/5432"}, ""},
		"a UDPRoute":               {[]string{routeOf("UDPRoute", "udp", "rules: [{backendRefs: [{name: web, port: 53}]}]")}, []string{from + "Service shop/web UDP/53"}, ""},
		"a mirror of requests":     {[]string{routeOf("HTTPRoute", "http", "rules: [{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: web, port: 9090}}}], backendRefs: [{name: web, port: 80}]}]")}, []string{from + "Service shop/web TCP/80", from + "Service shop/web TCP/9090"}, ""},
		"one that a filter asks":   {[]string{routeOf("HTTPRoute", "http", "rules: [{filters: [{type: ExternalAuth, externalAuth: {protocol: GRPC, backendRef: {name: web, port: 9090}, grpc: {}}}], backendRefs: [{name: web, port: 80}]}]")}, []string{from + "Service shop/web TCP/80", from + "Service shop/web TCP/9090"}, ""},
		"a redirection":            {[]string{routeOf("HTTPRoute", "http", "rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}]")}, nil, ""},
		"a route to no port of it": {[]string{routeOf("HTTPRoute", "http", "rules: [{backendRefs: [{name: web, port: 81}]}]")}, nil, "no port 81"},
		"a route to no listener":   {[]string{routeOf("HTTPRoute", "other", "rules: [{backendRefs: [{name: web, port: 80}]}]")}, nil, "HTTPRoute shop/web is not served"},
		"an Ingress of the class": {
			[]string{"\nkind: Ingress\napiVersion: networking.k8s.io/v1\nmetadata: {name: web, namespace: shop}\nspec: {ingressClassName: gatehouse, defaultBackend: {service: {name: web, port: {number: 9090}}}}\n"},
			[]string{from + "Service shop/web TCP/9090"},
			"",
		},
		"an Ingress of another class": {[]string{"\nkind: Ingress\napiVersion: networking.k8s.io/v1\nmetadata: {name: web, namespace: shop}\nspec: {ingressClassName: nginx, defaultBackend: {service: {name: web, port: {number: 9090}}}}\n"}, nil, ""},
		"an annotated Service": {[]string{
			"\nkind: IngressClass\napiVersion: networking.k8s.io/v1\nmetadata: {name: gatehouse, annotations: {ingressclass.kubernetes.io/is-default-class: \"true\"}}\nspec: {controller: gatehouse.sh/gateway}\n",
			"\nkind: Service\napiVersion: v1\nmetadata: {name: mine, namespace: shop, annotations: {gatehouse.sh/expose: b.example.com, gatehouse.sh/auth: none, gatehouse.sh/tls: mine}}\nspec: {selector: {app: web}, ports: [{port: 8081}]}\n",
		}, []string{from + "Service shop/mine TCP/8081"}, ""},
		"keys from an issuer":     {[]string{plain, policied + "  authentication: {anyOf: [{name: a, jwt: {issuer: \"https://idp.example.com/\", audiences: [a]}}]}\n"}, []string{from + "Service shop/web TCP/80", from + "idp.example.com TCP/443"}, ""},
		"keys at another port":    {[]string{plain, policied + "  authentication: {anyOf: [{name: a, jwt: {issuer: \"https://idp.example.com/\", audiences: [a], jwks: {uri: \"https://keys.example.com:8443/k\"}}}]}\n"}, []string{from + "Service shop/web TCP/80", from + "keys.example.com TCP/8443"}, ""},
		"keys at an address":      {[]string{plain, policied + "  authentication: {anyOf: [{name: a, jwt: {issuer: \"https://a.example.com/\", audiences: [a], jwks: {uri: \"https://192.0.2.7/k\"}}}]}\n"}, []string{from + "192.0.2.7/32 TCP/443", from + "Service shop/web TCP/80"}, ""},
		"keys of a Service":       {[]string{plain, policied + "  authentication: {anyOf: [{name: a, jwt: {issuer: \"https://a.example.com/\", audiences: [a], jwks: {uri: \"https://idp.auth.svc:8443/k\"}}}]}\n"}, []string{from + "Service auth/idp TCP/8443", from + "Service shop/web TCP/80"}, ""},
		"a service that is asked": {[]string{plain, policied + "  authentication: {anyOf: [{name: a, anonymous: {}}]}\n  externalAuth: {http: {backendRef: {name: web, port: 9090}, path: /check}}\n"}, []string{from + "Service shop/web TCP/80", from + "Service shop/web TCP/9090"}, ""},
		"one that it may not ask": {[]string{plain, policied + "  authentication: {anyOf: [{name: a, anonymous: {}}]}\n  externalAuth: {http: {backendRef: {name: ask, namespace: auth, port: 80}, path: /check}}\n", "\nkind: Service\napiVersion: v1\nmetadata: {name: ask, namespace: auth}\nspec: {ports: [{port: 80}]}\n"}, []string{from + "Service shop/web TCP/80"}, ""},
		"an address, from the node": {
			[]string{plain, policied + "  authentication: {anyOf: [{name: a, jwt: {issuer: \"https://192.0.2.7/\", audiences: [a]}}]}\n", onNode},
			[]string{"Deployment infra/pods -> Service shop/web TCP/80"},
			"",
		},
		"a policy for something else": {[]string{plain, strings.ReplaceAll(policied, "name: web", "name: none") + "  authentication: {anyOf: [{name: a, jwt: {issuer: \"https://idp.example.com/\", audiences: [a]}}]}\n"}, []string{from + "Service shop/web TCP/80"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, problems := connections(t, Servers{}, append([]string{door}, tc.documents...)...)
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("connections (-want +got):\n%s", d)
			}
			if said := strings.Join(problems, "\n"); tc.problem == "" && said != "" || !strings.Contains(said, tc.problem) {
				t.Errorf("problems are %q, want %q", said, tc.problem)
			}
		})
	}
}

// TestWhoServesAGateway: the pods that were made for it, those of all, or whom somebody
// names; nobody is guessed by labels in a namespace of others.
func TestWhoServesAGateway(t *testing.T) {
	t.Parallel()
	pods := func(namespace, label string) string {
		return "\nkind: Deployment\napiVersion: apps/v1\nmetadata: {name: pods, namespace: " + namespace + "}\nspec:\n  selector: {matchLabels: {" + label + "}}\n  template: {metadata: {labels: {" + label + "}}, spec: {containers: [{name: a, image: a}]}}\n"
	}
	alone, _, _ := strings.Cut(door, "---\nkind: Deployment\napiVersion: apps/v1\nmetadata: {name: gatehouse-gateway")
	named := generator.NewEnvironment()
	named.Gateway = generator.Group{Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28")}}
	for name, tc := range map[string]struct {
		servers   Servers
		documents []string
		want      string
	}{
		"those of its namespace that were made for it":   {Servers{}, []string{door, pods("infra", "gateway.networking.k8s.io/gateway-name: edge")}, "Deployment infra/pods"},
		"not those that were made for another":           {Servers{}, []string{door, pods("infra", "gateway.networking.k8s.io/gateway-name: edge2")}, "Deployment gatehouse-system/gatehouse-gateway"},
		"not those of another namespace":                 {Servers{}, []string{door, pods("shop", "gateway.networking.k8s.io/gateway-name: edge")}, "Deployment gatehouse-system/gatehouse-gateway"},
		"not those that call themselves so elsewhere":    {Servers{}, []string{alone, pods("shop", "app.kubernetes.io/name: gatehouse-gateway")}, "gateway"},
		"whom somebody names for the class":              {Servers{Environment: &named, Classes: []string{"gatehouse"}}, []string{door}, "gateway"},
		"not whom somebody names for another class":      {Servers{Environment: &named, Classes: []string{"nginx"}}, []string{door}, "Deployment gatehouse-system/gatehouse-gateway"},
		"nobody where somebody is named for others":      {Servers{Environment: &named, Classes: []string{"nginx"}}, []string{alone}, ""},
		"those where it is installed when it is missing": {Servers{}, []string{alone}, "gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := connected(t, tc.servers, append(slices.Clone(tc.documents), plain)...)
			got := ""
			for _, e := range c.Edges {
				if e.To == generator.ServicePeerOf("shop", "web") {
					got = e.From.String()
				}
			}
			if got != tc.want {
				t.Errorf("it comes from %q, want %q", got, tc.want)
			}
			if tc.want == "" && (len(c.Problems) != 1 || c.Problems[0].Edge.From != generator.Peer{}) {
				t.Errorf("problems are %v, want one that cuts the Service off", c.Problems)
			}
			if assumed := tc.want == "gateway" && tc.servers.Environment == nil; assumed == c.Gateway.Empty() {
				t.Errorf("assumed is %+v, want %t", c.Gateway, assumed)
			}
		})
	}
}

// TestWhoComesInByAListener: without a Service before the gateway its listeners say it.
func TestWhoComesInByAListener(t *testing.T) {
	t.Parallel()
	with := "\nkind: Service\napiVersion: v1\nmetadata: {name: gateway, namespace: gatehouse-system}\nspec: {selector: {app.kubernetes.io/name: gatehouse-gateway}, ports: [{port: 80, targetPort: 8080}]}\n"
	for name, tc := range map[string]struct {
		documents []string
		want      string
	}{
		"on the ports of its pods":          {[]string{door}, "TCP/8080 TCP/13432 UDP/8053 TCP/16443"},
		"with an offset that is not known":  {[]string{strings.Replace(door, `"8000"`, "$(OFFSET)", 1)}, ""},
		"on the network of its node":        {[]string{strings.Replace(door, "spec: {containers: [{name: gateway", "spec: {hostNetwork: true, containers: [{name: gateway", 1)}, ""},
		"with a Service, which says it all": {[]string{door, with}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			documents := append(slices.Clone(tc.documents), plain, routeOf("TCPRoute", "tcp", "rules: [{backendRefs: [{name: web, port: 5432}]}]"),
				routeOf("UDPRoute", "udp", "rules: [{backendRefs: [{name: web, port: 53}]}]"), routeOf("TLSRoute", "tls", "hostnames: [a.example.com], rules: [{backendRefs: [{name: web, port: 5432}]}]"))
			var got []string
			for _, e := range connected(t, Servers{}, documents...).Edges {
				if e.From.Kind == generator.ExternalPeer {
					got = append(got, e.Port.String())
				}
			}
			if text := strings.Join(got, " "); text != tc.want {
				t.Errorf("outside comes in on %q, want %q", text, tc.want)
			}
		})
	}
}

// TestAPolicyThatCountsTogetherOpensItsStore: in the cluster, by the parameters of the class,
// and where no policy counts there, nothing is opened.
func TestAPolicyThatCountsTogetherOpensItsStore(t *testing.T) {
	t.Parallel()
	const class = `
kind: GatewayClass
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: gatehouse}
spec: {controllerName: gatehouse.sh/gateway, parametersRef: {group: gatehouse.sh, kind: GatewayParameters, name: counting}}
---
kind: GatewayParameters
apiVersion: gatehouse.sh/v1alpha1
metadata: {name: counting}
spec: {store: {redis: {address: "web.shop.svc:5432", secretRef: {name: redis}}}}
---
kind: TrafficPolicy
apiVersion: gatehouse.sh/v1alpha1
metadata: {name: limits, namespace: shop}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: web}]
  onStoreFailure: Deny
  rateLimits: [{name: all, scope: Gateway, limit: {requests: 100, per: 1m}}]
`
	const from = "Deployment gatehouse-system/gatehouse-gateway -> Service shop/web TCP/"
	for scope, want := range map[string][]string{"Gateway": {from + "5432", from + "80"}, "Replica": {from + "80"}} {
		policy := strings.Replace(class, "scope: Gateway", "scope: "+scope, 1)
		if scope == "Replica" {
			policy = strings.Replace(policy, "  onStoreFailure: Deny\n", "", 1)
		}
		edges, problems := connections(t, Servers{}, door, plain, policy)
		if diff := cmp.Diff(want, edges); diff != "" || len(problems) > 0 {
			t.Errorf("scope %s: %s %v", scope, diff, problems)
		}
	}
}

// TestLimitsAreCountedSomewhere: a store is connected to where a policy counts in it.
func TestLimitsAreCountedSomewhere(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ address, want string }{
		"a domain name":         {"redis.example.com:6379", "redis.example.com TCP/6379"},
		"an address":            {"[2001:db8::1]:6380", "2001:db8::1/128 TCP/6380"},
		"a Service":             {"web.shop.svc:5432", "Service shop/web TCP/5432"},
		"a socket of its own":   {"unix:/run/redis.sock", ""},
		"a name without a port": {"redis.example.com", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := world(t, door)
			env, all := generator.NewEnvironment(), &connecting{World: w}
			u, err := generator.Observe(w.Inventory)
			if err != nil {
				t.Fatal(err)
			}
			all.servers = Servers{Universe: u, Environment: &env}
			d := doorway{
				served: &served{World: w, snapshot: &config.Snapshot{
					Stores:          []config.Store{{Name: "s", Redis: &config.Redis{Address: tc.address}}},
					TrafficPolicies: []config.TrafficPolicy{{Name: "trafficpolicy/shop/few", Store: "s"}},
				}},
				all: all, from: []generator.Peer{{Kind: generator.GatewayPeer}},
			}
			d.asks()
			got := ""
			for _, e := range all.out.Edges {
				got = strings.TrimPrefix(e.String(), "gateway -> ")
			}
			if got != tc.want {
				t.Errorf("it connects to %q, want %q", got, tc.want)
			}
		})
	}
}
