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

// TestNodesAmongTheAddressesOfPods: in many clouds nodes and pods share a subnet,
// and no pod has the address of a node. A block that is wider holds pods.
func TestNodesAmongTheAddressesOfPods(t *testing.T) {
	t.Parallel()
	id := generator.WorkloadID{Namespace: "a", Kind: "Deployment", Name: "w"}
	u, err := generator.NewUniverse([]*generator.Workload{{ID: id}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	list := func(texts ...string) []netip.Prefix {
		var out []netip.Prefix
		for _, text := range texts {
			out = append(out, netip.MustParsePrefix(text))
		}
		return out
	}
	for name, tc := range map[string]struct {
		ranges, nodes []netip.Prefix
		block         string
		exact         bool
	}{
		"the address of a node":                {list("10.0.0.0/16"), list("10.0.1.5/32"), "10.0.1.5/32", true},
		"one beside it":                        {list("10.0.0.0/16"), list("10.0.1.5/32"), "10.0.1.4/31", false},
		"a block of nodes may hold pods":       {list("10.0.0.0/16"), list("10.0.1.4/31"), "10.0.1.4/31", false},
		"where nodes have all, pods have some": {list("10.0.1.5/32"), list("10.0.1.5/32"), "10.0.1.5/32", false},
	} {
		m := &generator.Model{
			Universe: u, Environment: generator.Environment{PodRanges: tc.ranges, Nodes: generator.Group{Addresses: tc.nodes}},
			Guards: map[string]generator.Guard{"a": {Egress: true}},
			Edges:  []generator.Edge{{From: generator.NamespacePeerOf("a"), To: generator.Peer{Kind: generator.NodePeer}, Port: generator.NumberedPort(generator.TCP, 80)}},
		}
		report, err := Compare([]Policy{{
			Name: "p", Tier: Normal, Subject: Pods{Namespaces: labels.SelectorFromSet(labels.Set{"kubernetes.io/metadata.name": "a"}), Pods: labels.Everything()}, Isolates: generator.Guard{Egress: true},
			Egress: []Rule{{Name: "r", Action: Accept, Peers: []Peer{{Block: generator.Block{Prefix: netip.MustParsePrefix(tc.block)}}}, Ports: []generator.Port{generator.NumberedPort(generator.TCP, 80)}}},
		}}, m, Options{Blocks: BlocksMatchPods})
		if err != nil || report.Exact() != tc.exact {
			t.Errorf("%s: %v %+v", name, err, report)
		}
	}
}
