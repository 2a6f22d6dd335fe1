// SPDX-License-Identifier: Apache-2.0

package intents_test

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gatehouse-sh/gatehouse/generator/intents"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func clientIntents(version, spec string) string {
	return fmt.Sprintf("apiVersion: k8s.otterize.com/%s\nkind: ClientIntents\nmetadata: {name: web, namespace: shop}\nspec: %s\n", version, spec)
}

func TestClientIntents(t *testing.T) {
	t.Parallel()
	const carts = "shop: Deployment shop/web -> Deployment shop/carts "
	for name, c := range map[string]struct {
		version, spec string
		want          []string
		problems      []string
	}{
		"calls of workloads, with and without a namespace": {
			"v1alpha2", `{service: {name: web}, calls: [{name: carts}, {name: api.pay, type: http, resources: [{path: /, methods: [GET]}]}, {name: db.pay, type: kafka, topics: [{name: t, operations: [consume]}]}]}`,
			[]string{carts + "TCP/80", carts + "UDP/7946", "shop: Deployment shop/web -> Deployment pay/api TCP/9090 [GET /]", "shop: Deployment shop/web -> StatefulSet pay/db TCP/5432"},
			nil,
		},
		"calls of Services and of the API server": {
			"v1alpha3", `{service: {name: web}, calls: [{name: "svc:carts", type: http, HTTPResources: [{path: /x, methods: [GET]}]}, {name: "svc:outside.pay"}, {name: "svc:kubernetes.default"}]}`,
			[]string{"shop: Deployment shop/web -> Service shop/carts any port [GET /x]", "shop: Deployment shop/web -> Service pay/outside any port", "shop: Deployment shop/web -> api-server any port"},
			nil,
		},
		"requests are made over TCP, and those that cannot be read do not count": {
			"v2beta1", `{workload: {name: web}, targets: [{kubernetes: {name: carts, http: [{path: /a, methods: [GET]}, {path: "/b*"}]}}, {service: {name: carts, http: [{path: b}]}}, {service: {name: carts, http: [{methods: [GET]}]}}]}`,
			[]string{carts + "TCP/80 [GET /a, any method /b*]", "shop: Deployment shop/web -> Service shop/carts any port [GET *]"},
			[]string{`spec.targets[1].service.http[0].paths[0]: "b": a path begins with /`},
		},
		"kinds": {
			"v1beta1", `{service: {name: web, kind: Deployment}, calls: [{name: db.pay, kind: StatefulSet}, {name: carts, kind: Service}, {name: carts, kind: StatefulSet}]}`,
			[]string{"shop: Deployment shop/web -> StatefulSet pay/db TCP/5432", "shop: Deployment shop/web -> Service shop/carts any port"},
			[]string{"spec.calls[2]: no workload statefulset/carts in namespace shop"},
		},
		"the internet": {
			"v1alpha3", `{service: {name: web}, calls: [{type: internet, internet: {domains: [api.example.com, "*.example.org"], ips: [203.0.113.7, 198.51.100.0/24], ports: [443, 8443]}}, {type: internet, internet: {ips: ["2001:db8::/32"]}}]}`,
			[]string{
				"shop: Deployment shop/web -> api.example.com TCP/443", "shop: Deployment shop/web -> api.example.com TCP/8443", "shop: Deployment shop/web -> *.example.org TCP/443", "shop: Deployment shop/web -> *.example.org TCP/8443",
				"shop: Deployment shop/web -> 203.0.113.7/32 TCP/443", "shop: Deployment shop/web -> 203.0.113.7/32 TCP/8443", "shop: Deployment shop/web -> 198.51.100.0/24 TCP/443", "shop: Deployment shop/web -> 198.51.100.0/24 TCP/8443",
				"shop: Deployment shop/web -> 2001:db8::/32 TCP", "shop: Deployment shop/web -> 2001:db8::/32 UDP",
			},
			nil,
		},
		"what cannot be read of the internet is left out": {
			"v2beta1", `{workload: {name: web}, targets: [{internet: {domains: ["https://x", carts], ips: [300.1.1.1, dns, 0.0.0.0/0], ports: [443]}}, {internet: {ips: [203.0.113.7], ports: [0, 70000]}}, {internet: {ports: [443]}}, {internet: {ips: [203.0.113.8], ports: [0, 443]}}]}`,
			[]string{"shop: Deployment shop/web -> 203.0.113.8/32 TCP/443"},
			[]string{
				"connects to 0.0.0.0/0: 0.0.0.0/0 holds the metadata service", "connects to 300.1.1.1: neither a domain name nor addresses", "connects to carts: neither", "connects to dns: neither", "connects to https://x: neither",
				"spec.targets[1]: port 0: ", "spec.targets[1]: port 70000: ", "internet without domains and ips", "spec.targets[3]: port 0: ",
			},
		},
		"targets": {
			"v2beta1", `{workload: {name: web, kind: Deployment}, targets: [{kubernetes: {name: carts}}, {kubernetes: {name: carts, kind: Service}}, {service: {name: outside.pay, http: [{path: /, methods: [GET]}]}}, {kubernetes: {name: kubernetes.default, kind: Service}}, {kafka: {name: db.pay, topics: [{name: t, operations: [all]}]}}]}`,
			[]string{
				carts + "TCP/80", carts + "UDP/7946", "shop: Deployment shop/web -> Service shop/carts any port", "shop: Deployment shop/web -> Service pay/outside any port [GET /]",
				"shop: Deployment shop/web -> api-server any port", "shop: Deployment shop/web -> StatefulSet pay/db TCP/5432",
			},
			nil,
		},
		"permissions are no connections": {
			"v2alpha1", `{workload: {name: web}, targets: [{sql: {name: main, privileges: [{databaseName: d, operations: [ALL]}]}}, {aws: {arn: "arn:aws:s3:::b", actions: [x]}}, {gcp: {resource: r, permissions: [p]}}, {azure: {scope: s, roles: [r]}}]}`,
			nil,
			[]string{"sql says what", "aws says what", "gcp says what", "azure says what"},
		},
		"permissions of the older shape": {
			"v1beta1", `{service: {name: web}, calls: [{name: main, type: database, databaseResources: [{databaseName: d}]}, {name: "arn:aws:s3:::b", type: aws, awsActions: [x]}]}`,
			nil,
			[]string{"database says what", "aws says what"},
		},
		"a target is one thing": {
			"v2beta1", `{workload: {name: web}, targets: [{}, {service: {name: carts}, kubernetes: {name: carts}}]}`,
			nil,
			[]string{"here are 0", "here are 2"},
		},
		"an unknown field of a call leaves the others": {
			"v1alpha3", `{service: {name: web}, calls: [{name: carts, onlyOnSundays: true}, {name: db.pay}]}`,
			[]string{"shop: Deployment shop/web -> StatefulSet pay/db TCP/5432"},
			[]string{`spec.calls[0]: unknown field "onlyOnSundays"`},
		},
		"an unknown field of the client refuses it":    {"v2beta1", `{workload: {name: web, tier: gold}, targets: [{service: {name: carts}}]}`, nil, []string{`unknown field "workload.tier"`}},
		"an unknown field of a server refuses it":      {"v2beta1", `{workload: {name: web}, targets: [{service: {name: carts, port: 80}}]}`, nil, []string{`unknown field "service.port"`}},
		"an unknown field of the spec refuses it":      {"v1alpha3", `{service: {name: web}, calls: [{name: carts}], unless: x}`, nil, []string{`unknown field "unless"`}},
		"an unknown type":                              {"v1alpha3", `{service: {name: web}, calls: [{name: carts, type: carrier-pigeon}]}`, nil, []string{`spec.calls[0]: type "carrier-pigeon" is not known`}},
		"an unknown version":                           {"v3", `{service: {name: web}, calls: [{name: carts}]}`, nil, []string{`version "v3" is not known: v1alpha2, v1alpha3, v1beta1, v2alpha1, v2beta1 are`}},
		"the shape of another version":                 {"v2beta1", `{service: {name: web}, calls: [{name: carts}]}`, nil, []string{"version v2beta1 says service and calls, or workload and targets"}},
		"both shapes":                                  {"v1alpha3", `{service: {name: web}, calls: [{name: carts}], targets: []}`, nil, []string{"here it is otherwise"}},
		"no client":                                    {"v2beta1", `{targets: [{service: {name: carts}}]}`, nil, []string{"here it is otherwise"}},
		"a client that is not there":                   {"v1alpha3", `{service: {name: gone}, calls: [{name: carts}]}`, nil, []string{"no workload gone in namespace shop"}},
		"a server that is not there leaves the others": {"v1alpha3", `{service: {name: web}, calls: [{name: gone}, {name: api.pay}, {name: api.pay.svc}, {name: ""}, {name: "."}, {name: "pay/api"}]}`, []string{"shop: Deployment shop/web -> Deployment pay/api TCP/9090"}, []string{"spec.calls[0]: no workload gone", "spec.calls[2]: no workload api in namespace pay.svc", "spec.calls[3]: names no server", "spec.calls[4]: names no server", "spec.calls[5]: no workload pay/api in namespace shop"}},
		"a server without any port":                    {"v1alpha3", `{service: {name: web}, calls: [{name: mute}]}`, nil, []string{"Deployment shop/mute declares none and is behind no Service"}},
		"no spec":                                      {"v1alpha3", `[]`, nil, []string{"there is no spec"}},
		"values of other types":                        {"v1alpha3", `{service: web, calls: {name: carts}}`, nil, []string{"ClientIntents: "}},
		"values of other types in a call":              {"v1alpha3", `{service: {name: web}, calls: [{name: [carts]}, {name: carts, type: internet, internet: {ports: ["443"]}}]}`, nil, []string{"spec.calls[0]: ", "spec.calls[1]: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, _ := read(t, nil, clientIntents(c.version, c.spec), intents.Options{})
			compare(t, &found, c.want, c.problems)
			for _, p := range found.Problems {
				if !strings.HasPrefix(p.String(), "ClientIntents shop/web: ") {
					t.Errorf("%s: not at its place", p)
				}
			}
		})
	}
}

// TestWhatNobodyApprovedDoesNotCount: status.reviewStatus of Otterize's approvals.
func TestWhatNobodyApprovedDoesNotCount(t *testing.T) {
	t.Parallel()
	for review, want := range map[string]int{"APPROVED": 1, "PENDING": 0, "DENIED": 0, "": 1} {
		object := decode(t, clientIntents("v2beta1", "{workload: {name: web}, targets: [{service: {name: carts}}]}"))[0].(*unstructured.Unstructured)
		object.Object["status"] = map[string]any{"reviewStatus": review, "upToDate": true}
		inventory.Trim(object) // as those of a cluster are
		if len(object.Object["status"].(map[string]any)) != 1 {
			t.Errorf("%v is kept", object.Object["status"])
		}
		found, _ := read(t, nil, "", intents.Options{ClientIntents: []*unstructured.Unstructured{object}})
		if len(found.Wishes) != want || len(found.Problems) != 1-want {
			t.Errorf("%q: %v %v", review, found.Wishes, found.Problems)
		}
	}
}
