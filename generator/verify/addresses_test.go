// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"net/netip"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// TestBlocksAroundMappedAddresses: the last address of this block is one of IPv4
// as IPv6 writes it, and the block is none of IPv4.
func TestBlocksAroundMappedAddresses(t *testing.T) {
	t.Parallel()
	u, err := generator.NewUniverse([]*generator.Workload{{ID: generator.WorkloadID{Namespace: "a", Kind: "Pod", Name: "w"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	block, from := netip.MustParsePrefix("::8000:0:0/81"), generator.WorkloadPeerOf(u.Workloads()[0].ID)
	m := &generator.Model{
		Universe: u, Environment: generator.NewEnvironment(), Guards: map[string]generator.Guard{"a": {Egress: true}},
		Edges: []generator.Edge{{From: from, To: generator.CIDRPeerOf(block), Port: generator.NumberedPort(generator.TCP, 80)}},
	}
	for name, tc := range map[string]struct {
		block string
		exact bool
	}{
		"the block":                         {"::8000:0:0/81", true},
		"half of it, without those of IPv4": {"::8000:0:0/82", false},
		"those of IPv4":                     {"0.0.0.0/0", false},
	} {
		report, err := Compare([]Policy{{
			Name: "p", Tier: Normal, Subject: Pods{Namespaces: labels.SelectorFromSet(labels.Set{"kubernetes.io/metadata.name": "a"}), Pods: labels.Everything()}, Isolates: generator.Guard{Egress: true},
			Egress: []Rule{{Name: "r", Action: Accept, Peers: []Peer{{Block: generator.Block{Prefix: netip.MustParsePrefix(tc.block)}}}, Ports: []generator.Port{generator.NumberedPort(generator.TCP, 80)}}},
		}}, m, Options{})
		// Other pods of the namespace may do the same: that is extra.
		if err != nil || (len(report.Missing) == 0) != tc.exact {
			t.Errorf("%s: %v %+v", name, err, report)
		}
	}
}
