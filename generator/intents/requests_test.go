// SPDX-License-Identifier: Apache-2.0

package intents_test

import (
	"testing"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/intents"
)

// TestRequestsThatBothAgreeOn: who asks for every request of another namespace, or for
// others, gets those that this one allows.
func TestRequestsThatBothAgreeOn(t *testing.T) {
	t.Parallel()
	plan := func(namespace, allow string) string {
		return "apiVersion: gatehouse.sh/v1alpha1\nkind: NetworkPlan\nmetadata: {name: default, namespace: " + namespace + "}\nspec:\n  allow: " + allow + "\n"
	}
	both := generator.Guard{Ingress: true, Egress: true}
	const theirs = `[{from: {workload: {namespace: shop, name: web}}, to: {workload: {name: api}}, ports: ["9090"], http: [{methods: [GET], paths: ["/api/*"]}], reason: r}]`
	for name, tc := range map[string]struct {
		annotation, ours, want string
	}{
		"all of them": {"pay/api:9090", "[]", "GET /api/*"},
		"some others": {"", `[{from: {workload: {name: web}}, to: {workload: {namespace: pay, name: api}}, ports: ["9090"], http: [{paths: [/api/v1, /admin]}], reason: r}]`, "GET /api/v1"},
		"none":        {"", `[{from: {workload: {name: web}}, to: {workload: {namespace: pay, name: api}}, ports: ["9090"], http: [{methods: [POST]}], reason: r}]`, "nothing"},
	} {
		annotations := map[string]string{}
		if tc.annotation != "" {
			annotations[webTo] = tc.annotation
		}
		found, in := read(t, annotations, plan("pay", theirs)+"---\n"+plan("shop", tc.ours), intents.Options{})
		in.Guards = map[string]generator.Guard{"shop": both, "pay": both}
		in.Edges, _ = found.Agreed(in, nil)
		m, _ := generator.Build(in)
		got := "nothing"
		for i := range m.Edges {
			got = m.Edges[i].Requests().String()
		}
		if len(m.Edges) > 1 || got != tc.want {
			t.Errorf("%s: %q in %v, want %q", name, got, m.Edges, tc.want)
		}
	}
}
