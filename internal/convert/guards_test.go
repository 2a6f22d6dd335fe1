// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"fmt"
	"strings"
	"testing"
)

// guardCase is an input, which of its Ingresses are closed, and what is in what is written
// and in the report, and what is not.
type guardCase struct {
	in      string
	closed  string // names of Ingresses, with a space between
	has     []string
	without []string
}

func tryGuards(t *testing.T, cases map[string]guardCase) {
	t.Helper()
	if len(cases) == 0 {
		t.Fatal("there is no case")
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := decode(t, []byte(tc.in))
			if len(objects.Ingresses) == 0 {
				t.Fatal("there is no Ingress")
			}
			for range 3 {
				r := Convert(objects, Options{})
				var closed []string
				for _, n := range r.Closed {
					closed = append(closed, n.Name)
				}
				got := string(written(t, r)) + string(told(r))
				if strings.Join(closed, " ") != tc.closed {
					t.Errorf("closed are %q, want %q", closed, tc.closed)
				}
				for _, want := range tc.has {
					if !strings.Contains(got, want) {
						t.Errorf("there is no %q", want)
					}
				}
				for _, bad := range tc.without {
					if strings.Contains(got, bad) {
						t.Errorf("there is %q", bad)
					}
				}
				if t.Failed() {
					t.Fatal(got)
				}
				shuffle(objects)
			}
		})
	}
}

// anIngress is one of a class, with annotations, for a host.
func anIngress(name, class, host, path, annotations string) string {
	return fmt.Sprintf(`---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: %s, namespace: shop, annotations: {%s}}
spec:
  ingressClassName: %s
  tls: [{hosts: [%[4]s], secretName: web}]
  rules:
  - host: %[4]s
    http: {paths: [{path: %[5]s, pathType: Prefix, backend: {service: {name: orders, port: {number: 80}}}}]}
`, name, annotations, class, host, path)
}

// aService is orders, with annotations.
func aService(annotations string) string {
	return fmt.Sprintf(`---
apiVersion: v1
kind: Service
metadata: {name: orders, namespace: shop, annotations: {%s}}
spec: {ports: [{name: http, port: 80}]}
`, annotations)
}

func aMiddleware(name, spec string) string {
	return fmt.Sprintf("---\napiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {name: %s, namespace: shop}\nspec: {%s}\n", name, spec)
}

func aKongPlugin(name, plugin, config string) string {
	return fmt.Sprintf("---\napiVersion: configuration.konghq.com/v1\nkind: KongPlugin\nmetadata: {name: %s, namespace: shop}\nplugin: %s\nconfig: {%s}\n", name, plugin, config)
}

func TestOfTwoGuardsNoneIsLost(t *testing.T) {
	t.Parallel()
	middlewares := func(names ...string) string {
		for i := range names {
			names[i] = "shop-" + names[i] + "@kubernetescrd"
		}
		return anIngress("a", "traefik", "a.example.com", "/", `traefik.ingress.kubernetes.io/router.middlewares: "`+strings.Join(names, ",")+`"`)
	}
	office, vpn := aMiddleware("office", "ipAllowList: {sourceRange: [10.0.0.0/8, 192.0.2.7]}"), aMiddleware("vpn", "ipAllowList: {sourceRange: [198.51.100.0/24]}")
	who, may := aMiddleware("who", `forwardAuth: {address: "http://authn:80/ask"}`), aMiddleware("may", `forwardAuth: {address: "http://authz:80/ask"}`)
	plugins := func(v string) string { return "konghq.com/plugins: \"" + v + "\"" }
	inside, outside := aKongPlugin("inside", "ip-restriction", "allow: [10.0.0.0/8]"), aKongPlugin("outside", "ip-restriction", "allow: [198.51.100.0/24]")
	tryGuards(t, map[string]guardCase{
		"two lists of addresses that differ": {in: middlewares("office", "vpn") + office + vpn, closed: "a", has: []string{"had to be in both"}},
		"two lists of addresses in a chain":  {in: middlewares("both") + office + vpn + aMiddleware("both", "chain: {middlewares: [{name: office}, {name: vpn}]}"), closed: "a"},
		"two lists that are the same":        {in: middlewares("office", "again") + office + aMiddleware("again", "ipAllowList: {sourceRange: [192.0.2.7, 10.0.0.0/8]}"), has: []string{"- 10.0.0.0/8", "- 192.0.2.7/32"}},
		"two services that are asked":        {in: middlewares("who", "may") + who + may, closed: "a", has: []string{"a service is asked twice"}},
		"a service that is asked twice":      {in: middlewares("who", "who") + who, has: []string{"externalAuth"}},
		"two Secrets of passwords": {
			in:     middlewares("one", "two") + aMiddleware("one", "basicAuth: {secret: one}") + aMiddleware("two", "basicAuth: {secret: two}"),
			closed: "a", has: []string{"a password is asked for twice"},
		},
		"a list of addresses and a service": {in: middlewares("office", "who") + office + who, has: []string{"externalAuth", "- 10.0.0.0/8"}},
		"two bounds of requests under way": {
			in:  middlewares("few", "many") + aMiddleware("few", "inFlightReq: {amount: 3}") + aMiddleware("many", "inFlightReq: {amount: 300}"),
			has: []string{"requests: 3\n"}, without: []string{"requests: 300"},
		},
		"two rates": {
			in:  middlewares("few", "many") + aMiddleware("few", "rateLimit: {average: 3}") + aMiddleware("many", "rateLimit: {average: 300}"),
			has: []string{"requests: 3\n", "requests: 300\n", "name: requests\n", "name: requests-2\n"},
		},
		"the plugin of an Ingress is taken, and not that of its Service": {
			in:  anIngress("a", "kong", "a.example.com", "/", plugins("inside")) + aService(plugins("outside")) + inside + outside,
			has: []string{"- 10.0.0.0/8", "ip-restriction of the Ingress is taken"}, without: []string{"- 198.51.100.0/24"},
		},
		"the plugin of a Service is taken if the Ingress has none": {
			in:  anIngress("a", "kong", "a.example.com", "/", "") + aService(plugins("outside")) + outside,
			has: []string{"- 198.51.100.0/24"},
		},
		"a plugin of an Ingress that is off leaves that of its Service": {
			in:  anIngress("a", "kong", "a.example.com", "/", plugins("inside")) + aService(plugins("outside")) + inside + "disabled: true\n" + outside,
			has: []string{"- 198.51.100.0/24"}, without: []string{"- 10.0.0.0/8"},
		},
		"two plugins of one kind of an Ingress": {
			in:     anIngress("a", "kong", "a.example.com", "/", plugins("inside,outside")) + inside + outside,
			closed: "a", has: []string{"Kong takes one of a kind"},
		},
		"a Service that says otherwise whose addresses are let in": {
			in:     anIngress("a", "alb", "a.example.com", "/", `alb.ingress.kubernetes.io/inbound-cidrs: 10.0.0.0/8`) + aService(`alb.ingress.kubernetes.io/inbound-cidrs: 0.0.0.0/0`),
			closed: "a",
		},
	})
}
