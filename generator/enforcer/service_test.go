// SPDX-License-Identifier: Apache-2.0

package enforcer_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestServicesAreFoundByTheirSelectors: B1.6. AWS VPC CNI allows the address of a
// Service where its selector matches that of a rule, so that pods that are
// selected by a label which the Service does not select by need both.
func TestServicesAreFoundByTheirSelectors(t *testing.T) {
	t.Parallel()
	app := func(name string, labels map[string]string) *generator.Workload {
		return &generator.Workload{ID: generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: name}, Labels: labels}
	}
	u, err := generator.NewUniverse([]*generator.Workload{
		app("web", map[string]string{"app": "web"}), app("other", map[string]string{"app": "other", "team": "z"}),
		app("db", map[string]string{"app": "db", "set": "x", "team": "z"}), app("cache", map[string]string{"k8s-app": "cache", "set": "x"}),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	env := generator.NewEnvironment()
	env.PodRanges = prefixes("10.244.0.0/16")
	var edges []generator.Edge
	for _, name := range []string{"db", "cache"} {
		edges = append(edges, generator.Edge{From: workload("web"), To: workload(name), Port: tcp(80), Because: []generator.Evidence{{Source: generator.Intent, Where: name}}})
	}
	m, problems := generator.Build(generator.Input{Inventory: inventory.New(), Universe: u, Environment: env, Guards: map[string]generator.Guard{"shop": {Egress: true}}, Edges: edges})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for name, labels := range map[string]map[string]string{
		"db": {"app": "db"}, "cache": {"k8s-app": "cache"}, "both": {"set": "x"}, "wide": {"team": "z"}, "elsewhere": {"app": "other"},
	} {
		m.Services = append(m.Services, generator.Through{Service: generator.ServicePeerOf("shop", name), Selector: labels})
	}
	for enforcer, want := range map[string]string{
		"generic":     "{podSelector:{{set:x}}}",
		"aws-vpc-cni": "{podSelector:{{app:db}}} {podSelector:{{k8s-app:cache}}} {podSelector:{{set:x}}}",
	} {
		got, refused := rules(t, enforcer, m)
		_, got, _ = strings.Cut(got, "to:[")
		parts := strings.Split(strings.TrimSuffix(got, "]}"), ",{")
		for i := range parts {
			if parts[i][0] != '{' {
				parts[i] = "{" + parts[i]
			}
		}
		slices.Sort(parts)
		if diff := cmp.Diff(want, strings.Join(parts, " ")); diff != "" || refused != "" {
			t.Errorf("%s: %s %s", enforcer, diff, refused)
		}
	}
	if plan, _ := compact.Compact(m, compact.Options{}); len(plan.Allows) != 1 || len(plan.Allows[0].Rules[0].Peers) != 1 {
		t.Errorf("%+v: the pods are not selected by the label that they share", plan.Allows)
	}
}
