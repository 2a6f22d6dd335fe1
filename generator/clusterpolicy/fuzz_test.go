// SPDX-License-Identifier: Apache-2.0

package clusterpolicy

import (
	"encoding/json"
	"net/netip"
	"testing"

	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/internal/proof"
)

// FuzzRead reads anything that has the form of a policy. What is read compiles,
// and means the same once it was written down and read again.
func FuzzRead(f *testing.F) {
	const head = `priority: 1, subject: {namespaces: {}}, tier: `
	for _, text := range []string{
		`{` + head + `Admin, ingress: [{action: Pass, from: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}}], protocols: [{destinationNamedPort: http}]}]}`,
		`{` + head + `Baseline, egress: [{action: Deny, to: [{networks: ["0.0.0.0/0", "::/0"]}]}]}`,
		`{` + head + `Admin, egress: [{action: Accept, to: [{domainNames: ["*.example.com"]}], protocols: [{tcp: {destinationPort: {range: {start: 8, end: 9}}}}, {udp: {destinationPort: {number: 53}}}]}]}`,
		`{` + head + `Admin, egress: [{action: Deny, to: [{networks: ["::ffff:10.0.0.1/8"]}], protocols: [{sctp: {destinationPort: {number: 1}}}]}, {action: Accept, to: [{namespaces: {matchExpressions: [{key: a, operator: DoesNotExist}]}}]}]}`,
	} {
		raw, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	m := cluster(f)
	m.Environment.PodRanges = []netip.Prefix{netip.MustParsePrefix("10.64.0.0/10")}
	m.Guards = map[string]generator.Guard{"shop": {Ingress: true, Egress: true}}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := &policyv1alpha2.ClusterNetworkPolicy{}
		p.Name = "fuzzed"
		if json.Unmarshal(raw, &p.Spec) != nil || len(raw) > 4096 {
			return
		}
		first, err := Read([]*policyv1alpha2.ClusterNetworkPolicy{p})
		if err != nil {
			return
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again := &policyv1alpha2.ClusterNetworkPolicy{}
		if err := json.Unmarshal(text, again); err != nil {
			t.Fatal(err)
		}
		second, err := Read([]*policyv1alpha2.ClusterNetworkPolicy{again})
		if err != nil {
			t.Fatalf("written down it is refused: %v: %s", err, text)
		}
		proof.Same(t, m, first, second)
	})
}
