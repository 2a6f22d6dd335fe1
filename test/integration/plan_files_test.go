// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/internal/schema"
	"github.com/gatehouse-sh/gatehouse/manifests/crd"
)

// TestPlansOfFilesAreJudgedAsTheAPIServerDoes: commands ask no cluster, and say of a
// NetworkPlan what the API server says.
func TestPlansOfFilesAreJudgedAsTheAPIServerDoes(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	plans, err := schema.Read(crd.NetworkPlan)
	if err != nil {
		t.Fatal(err)
	}
	const good = `{to: {cidr: 192.0.2.0/24}, ports: ["443"], reason: payments}`
	allow := func(intent string) string { return `{allow: [` + intent + `]}` }
	accepted := map[string]bool{}
	for spec, want := range map[string]bool{
		`{}`: true, allow(good): true, `{mode: apply}`: true, `{mode: foo}`: false, `{mode: 7}`: false, `{moed: apply}`: false, `{paused: "yes"}`: false,
		`{directions: [ingress]}`: true, `{directions: []}`: false, `{directions: [ingress, ingress]}`: false, `{directions: [both]}`: false,
		`{learn: none, domains: external}`: true, `{learn: flows}`: false, `{domains: allow}`: false, `{trustedNamespaces: ["team-*"]}`: true, `{trustedNamespaces: ["*team"]}`: false,
		allow(`{to: {cidr: 192.0.2.0/24}, ports: ["443"]}`): false, allow(`{to: {cidr: 192.0.2.0/24}, reason: " "}`): false, allow(`{reason: x}`): false,
		allow(`{to: {cidr: 192.0.2.0/33}, reason: x}`): false, allow(`{to: {cidr: 192.0.2.7}, reason: x}`): true, allow(`{to: {cidr: somewhere}, reason: x}`): false,
		allow(`{to: {}, reason: x}`): false, allow(`{to: {cidr: 192.0.2.7, group: dns}, reason: x}`): false, allow(`{to: {group: everything}, reason: x}`): false,
		allow(`{to: {group: dns}, reason: x}`): true, allow(`{to: {domain: API.example.com}, reason: x}`): false, allow(`{to: {domain: "*.example.com"}, ports: ["443"], reason: x}`): true,
		allow(`{to: {group: dns}, ports: ["70000000-"], reason: x}`): false, allow(`{to: {group: dns}, ports: [53], reason: x}`): false, allow(`{to: {group: dns}, ports: ["53", "53"], reason: x}`): false,
		allow(`{to: {workload: {name: web}}, http: [{}], reason: x}`): false, allow(`{to: {workload: {name: web}}, http: [{methods: [get]}], reason: x}`): false,
		allow(`{to: {workload: {name: web}}, ports: ["80"], http: [{methods: [GET], paths: [/carts/*]}], reason: x}`): true,
		allow(`{to: {workload: {kind: Deployment}}, reason: x}`):                                                      false, allow(`{to: {service: {name: web, port: 80}}, reason: x}`): false,
		allow(`{to: {group: dns}, reason: x, expiresAt: "2030-01-01T00:00:00Z"}`): true, allow(`{to: {group: dns}, reason: x, expiresAt: tomorrow}`): false,
		`{templates: [{name: dns, parameters: {workloads: web}}]}`: true, `{templates: [{parameters: {}}]}`: false, `{templates: [{name: dns, parameters: {n: 1}}]}`: false,
		`{allow: [` + strings.Repeat(good+",", 256) + `]}`: true, `{allow: [` + strings.Repeat(good+",", 257) + `]}`: false, `[]`: false, `null`: true,
	} {
		accepted[fmt.Sprintf("{apiVersion: gatehouse.sh/v1alpha1, kind: NetworkPlan, metadata: {name: default, namespace: default}, spec: %s}", spec)] = want
	}
	accepted["{apiVersion: gatehouse.sh/v1alpha1, kind: NetworkPlan, metadata: {name: second, namespace: default}}"] = false
	accepted["{apiVersion: gatehouse.sh/v1alpha1, kind: NetworkPlan, metadata: {name: default, namespace: default}, spce: {}}"] = false
	both := [2]int{}
	for text, want := range accepted {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(text), &object); err != nil {
			t.Fatal(err)
		}
		_, faults := plans.Admit(t.Context(), object)
		_, said, err := c.KubectlInput(t.Context(), strings.NewReader(text), "create", "--dry-run=server", "--validate=strict", "-f", "-")
		if err != nil && !strings.Contains(said, "invalid") && !strings.Contains(said, "BadRequest") && !strings.Contains(said, "Forbidden") && !strings.Contains(said, "validat") {
			t.Fatalf("%.200s: the API server did not judge it: %s", text, said)
		}
		if server := err == nil; server != want || (len(faults) == 0) != want {
			t.Errorf("%.200s: the API server takes it: %v (%s), and we: %v (%v); wanted: %v", text, server, said, len(faults) == 0, faults.ToAggregate(), want)
		}
		if want {
			both[1]++
		} else {
			both[0]++
		}
	}
	t.Logf("%d plans are refused, and %d taken", both[0], both[1])
	if both[0] < 20 || both[1] < 10 {
		t.Error("the table is not what it was")
	}
}
