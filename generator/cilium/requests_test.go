// SPDX-License-Identifier: Apache-2.0

package cilium_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/cilium"
	"github.com/gatehouse-sh/gatehouse/generator/internal/proof"
	"github.com/gatehouse-sh/gatehouse/generator/plan"
)

// TestRequestsChangeNoConnection: with requests for some of the edges of random models,
// as many connections are missing and extra as without, and nothing more is a problem.
func TestRequestsChangeNoConnection(t *testing.T) {
	t.Parallel()
	asked, lost := 0, 0
	for seed := range uint64(150) {
		m := proof.Model(seed)
		dice := rand.New(rand.NewPCG(seed, 7))
		m.Edges = slices.Clone(m.Edges)
		without := *m
		without.Edges = slices.Clone(m.Edges)
		for i := range m.Edges {
			if e := &m.Edges[i]; dice.IntN(2) == 0 && e.Port.Protocol == generator.TCP && e.Port != generator.EveryPort(generator.TCP) {
				e.Because = []generator.Evidence{{Source: generator.Intent, Where: "plan", Requests: generator.RequestsOf(generator.Request{Path: []string{"/a", "/b*"}[dice.IntN(2)]})}}
				asked++
			}
		}
		d := cilium.Dialect(cilium.RenderOptions{SCTP: true})
		before, err := plan.Make(&without, d, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		after, err := plan.Make(m, d, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		lost += len(after.Problems) - len(before.Problems)
		if len(after.Problems) == len(before.Problems) && len(after.Report.Missing)+len(after.Report.Extra) != len(before.Report.Missing)+len(before.Report.Extra) {
			t.Fatalf("seed %d: missing %v, extra %v", seed, after.Report.Missing, after.Report.Extra)
		}
	}
	if asked < 100 || lost != 0 {
		t.Errorf("%d edges are asked for requests, %d could not be said", asked, lost)
	}
	t.Logf("%d edges are asked for requests", asked)
}
