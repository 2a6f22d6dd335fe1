// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"net/netip"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// TestOneWorkloadWithManyEnds: a recording gives one workload as many addresses
// and names as it likes. Each compared with each, these would take minutes.
func TestOneWorkloadWithManyEnds(t *testing.T) {
	t.Parallel()
	const n = 20_000
	id := generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "web"}
	u, err := generator.NewUniverse([]*generator.Workload{{ID: id, Labels: map[string]string{"app": "web"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := &generator.Model{Universe: u, Environment: generator.NewEnvironment(), Guards: map[string]generator.Guard{"shop": {Egress: true}}}
	https := generator.NumberedPort(generator.TCP, 443)
	rule := Rule{Name: "egress[0]", Action: Accept, Ports: []generator.Port{https}}
	for i := range n {
		block := netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(i >> 8), byte(i), 1}), 32)
		name := fmt.Sprintf("n%d.example.com", i)
		for _, to := range []generator.Peer{generator.CIDRPeerOf(block), generator.FQDNPeerOf(name)} {
			m.Edges = append(m.Edges, generator.Edge{From: generator.WorkloadPeerOf(id), To: to, Port: https})
		}
		rule.Peers = append(rule.Peers, Peer{Block: generator.Block{Prefix: block}}, Peer{Domain: name})
	}
	policies := []Policy{{
		Name: "p", Tier: Normal, Isolates: generator.Guard{Egress: true}, Egress: []Rule{rule},
		Subject: Pods{labels.SelectorFromSet(labels.Set{"kubernetes.io/metadata.name": "shop"}), labels.Everything()},
	}}
	m.Edges = append(m.Edges, generator.Edge{From: generator.NamespacePeerOf("shop"), To: m.Edges[1].To, Port: https})
	report, err := Compare(policies, m, Options{})
	if err != nil || len(report.Missing) > 0 || len(report.Extra) != 1 || report.Extra[0].To.Len() != 2*n-1 {
		t.Fatal(len(report.Missing), report.Extra, err) // the other pods of shop may do what only web should
	}
	policies[0].Subject.Pods = labels.SelectorFromSet(labels.Set{"app": "web"})
	policies[0].Egress[0].Peers = rule.Peers[2:]
	report, err = Compare(policies, m, Options{})
	if err != nil || len(report.Missing) != 1 || report.Missing[0].To.Len() != 2 {
		t.Error(report.Missing, err)
	}
}
