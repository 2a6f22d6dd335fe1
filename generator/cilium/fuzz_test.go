// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"encoding/json"
	"net/netip"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/internal/proof"
)

// FuzzRead reads anything that has the form of a policy. What is read compiles,
// and means the same once it was written down and read again.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		`{endpointSelector: {}, ingress: [{}]}`,
		`{endpointSelector: {matchLabels: {app: web}}, egress: [{toEndpoints: [{}], toPorts: [{ports: [{port: "53", protocol: ANY}], rules: {dns: [{matchPattern: "*"}]}}]}, {toFQDNs: [{matchPattern: "**.example.com"}]}]}`,
		`{endpointSelector: {}, egress: [{toCIDRSet: [{cidr: "10.0.0.0/30", except: ["10.0.0.3/32"]}], toPorts: [{ports: [{port: "80", endPort: 90, protocol: TCP}, {port: sql}]}]}]}`,
		`{endpointSelector: {}, ingress: [{fromEntities: [world, ingress, kube-apiserver, host, cluster, all, none]}], enableDefaultDeny: {ingress: false}}`,
		`{endpointSelector: {matchLabels: {"k8s:io.kubernetes.pod.namespace": shop}}, egress: [{toCIDR: ["::ffff:10.0.0.1/128", "0.0.0.0/0"]}]}`,
	} {
		raw, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, false, false)
		f.Add(raw, true, true)
	}
	m := cluster(f)
	m.Environment.PodRanges = []netip.Prefix{prefix("10.64.0.0/10")}
	m.Guards = map[string]generator.Guard{"shop": {Ingress: true, Egress: true}}
	f.Fuzz(func(t *testing.T, raw []byte, clusterwide, own bool) {
		p := &Policy{}
		if p.Name = "fuzzed"; !clusterwide {
			p.Namespace = "shop"
		}
		g := PodGateway
		if own {
			g = OwnGateway
		}
		if json.Unmarshal(raw, &p.Spec) != nil || len(raw) > 4096 {
			return
		}
		first, err := Read([]*Policy{p}, &m.Environment, g)
		if err != nil {
			return
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again := &Policy{}
		if err := json.Unmarshal(text, again); err != nil {
			t.Fatal(err)
		}
		second, err := Read([]*Policy{again}, &m.Environment, g)
		if err != nil {
			t.Fatalf("written down it is refused: %v: %s", err, text)
		}
		proof.Same(t, m, first, second)
	})
}
