// SPDX-License-Identifier: Apache-2.0

package rendering

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
)

func TestRefuse(t *testing.T) {
	t.Parallel()
	block := func(text string) compact.Peer {
		return compact.Peer{Kind: generator.CIDRPeer, Block: generator.Block{Prefix: netip.MustParsePrefix(text)}}
	}
	cidr := func(text string) generator.Peer { return generator.CIDRPeerOf(netip.MustParsePrefix(text)) }
	web := generator.WorkloadPeerOf(generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "web"})
	var refused Refusals
	for i, q := range []compact.Peer{
		{Kind: generator.FQDNPeer, Name: "a.example.com"}, block("10.1.0.0/16"), block("10.0.0.0/8"), {Kind: generator.GatewayPeer, Namespaces: []string{"x"}}, {Kind: generator.FQDNPeer, Name: "a.example.com"},
	} {
		refused.Add(&q, fmt.Errorf("reason %d", i))
	}
	for name, tc := range map[string]struct {
		direction compact.Direction
		from, to  generator.Peer
		want      string
	}{
		"a name":                      {compact.Egress, web, generator.FQDNPeerOf("a.example.com"), "reason 0"},
		"another name":                {compact.Egress, web, generator.FQDNPeerOf("b.example.com"), ""},
		"a block":                     {compact.Egress, web, cidr("10.0.0.0/8"), "reason 2"},
		"a part of two, by the first": {compact.Egress, web, cidr("10.1.2.0/24"), "reason 1"},
		"a block around":              {compact.Egress, web, cidr("8.0.0.0/6"), "reason 1"},
		"another block":               {compact.Egress, web, cidr("11.0.0.0/8"), ""},
		"a group that opens":          {compact.Ingress, generator.Peer{Kind: generator.GatewayPeer}, web, "reason 3"},
		"another group":               {compact.Ingress, generator.Peer{Kind: generator.MonitoringPeer}, web, ""},
		"the group is the policy's":   {compact.Egress, generator.Peer{Kind: generator.GatewayPeer}, web, ""},
		"the block is the policy's":   {compact.Ingress, web, cidr("10.0.0.0/8"), ""},
	} {
		var problems Problems
		rest := problems.Refuse(tc.direction, []*generator.Edge{{From: tc.from, To: tc.to}}, &refused)
		got := ""
		if list := problems.List(); len(list) > 0 {
			got = list[0].What
		}
		if got != tc.want || len(rest) == 1 != (tc.want == "") {
			t.Errorf("%s: %q, not %q; %d are left", name, got, tc.want, len(rest))
		}
	}
}

// TestManyRefusals: a recording may name as many names as it likes. One by one,
// each against all edges, these would take a quarter of an hour.
func TestManyRefusals(t *testing.T) {
	t.Parallel()
	const n = 300_000
	var refused Refusals
	edges := make([]*generator.Edge, n)
	err := errors.New("no names")
	for i := range edges {
		q := compact.Peer{Kind: generator.FQDNPeer, Name: fmt.Sprintf("n%d.example.com", i)}
		refused.Add(&q, err)
		edges[i] = &generator.Edge{To: generator.FQDNPeerOf(q.Name)}
	}
	var problems Problems
	if rest := problems.Refuse(compact.Egress, edges, &refused); len(rest) > 0 || len(problems.list) != n {
		t.Errorf("%d edges are left, %d are problems", len(rest), len(problems.list))
	}
}
