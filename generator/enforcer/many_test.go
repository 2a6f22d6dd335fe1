// SPDX-License-Identifier: Apache-2.0

package enforcer_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/enforcer"
)

// manyShared is a model in which every pod may reach n addresses, half of which
// cannot be said, in a rule that the namespaces share.
func manyShared(t testing.TB, n int) *generator.Model {
	t.Helper()
	u, err := generator.NewUniverse([]*generator.Workload{
		{ID: generator.WorkloadID{Namespace: "a", Kind: "Deployment", Name: "web"}, Labels: map[string]string{"app": "web"}},
		{ID: generator.WorkloadID{Namespace: "b", Kind: "Deployment", Name: "web"}, Labels: map[string]string{"app": "web"}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	env := generator.NewEnvironment()
	env.PodRanges = prefixes("10.244.0.0/16")
	in := generator.Input{Universe: u, Environment: env, Guards: map[string]generator.Guard{"a": {Egress: true}, "b": {Egress: true}}}
	outside, inside := netip.MustParseAddr("203.0.0.0"), netip.MustParseAddr("10.244.0.0")
	for i := range n {
		at := outside
		if i%2 == 0 {
			at, inside = inside, inside.Next()
		} else {
			outside = outside.Next()
		}
		in.Edges = append(in.Edges, generator.Edge{
			From: generator.Peer{Kind: generator.ClusterPeer}, To: generator.CIDRPeerOf(netip.PrefixFrom(at, 32)), Port: tcp(443),
			Because: []generator.Evidence{{Source: generator.Flow}},
		})
	}
	m, problems := generator.Build(in)
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	return m
}

// TestManyThatCannotBeSaid: work grows with the addresses of a rule, and not with
// their square.
func TestManyThatCannotBeSaid(t *testing.T) {
	t.Parallel()
	p, err := enforcer.Find("calico")
	if err != nil {
		t.Fatal(err)
	}
	const n = 80_000
	m := manyShared(t, n)
	plan, _ := compact.Compact(m, compact.Options{})
	begin := time.Now()
	adapted, refused := p.Adapt(m, plan)
	if len(refused) != n/2 {
		t.Errorf("%d of %d are refused", len(refused), n)
	}
	peers := 0
	for i := range adapted.Allows {
		for j := range adapted.Allows[i].Rules {
			peers += len(adapted.Allows[i].Rules[j].Peers)
		}
	}
	if peers != n { // half of them, in two namespaces
		t.Errorf("%d peers are left", peers)
	}
	took := time.Since(begin)
	if took > time.Minute {
		t.Errorf("%d addresses took %s", n, took)
	}
	t.Logf("%d addresses took %s", n, took)
}
