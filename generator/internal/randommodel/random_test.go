// SPDX-License-Identifier: Apache-2.0

package randommodel

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gatehouse-sh/gatehouse/generator"
)

func TestTheSameSeedGivesTheSameModel(t *testing.T) {
	t.Parallel()
	kinds := map[generator.PeerKind]bool{}
	for seed := range uint64(500) {
		one, two := New(rand.New(rand.NewPCG(seed, 1)), Options{}), New(rand.New(rand.NewPCG(seed, 1)), Options{})
		if Text(one) != Text(two) {
			t.Fatalf("seed %d:\n%s\n%s", seed, Text(one), Text(two))
		}
		for _, e := range one.Edges {
			kinds[e.From.Kind], kinds[e.To.Kind] = true, true
			if err := e.Port.Validate(); err != nil {
				t.Error(err)
			}
			if over := e.Expires(); !over.IsZero() && !over.After(now) {
				t.Errorf("%s is over since %s", e, over)
			}
		}
	}
	for k := generator.WorkloadPeer; k <= generator.MonitoringPeer; k++ {
		if !kinds[k] && k != generator.ServicePeer {
			t.Errorf("no model has %s", k)
		}
	}
}

// TestModelsHaveEveryTrait: what a proof is never about, it does not show.
func TestModelsHaveEveryTrait(t *testing.T) {
	t.Parallel()
	const models = 4000
	counts := make([]int, len(Traits()))
	for seed := range uint64(models) {
		for i, has := range Has(New(rand.New(rand.NewPCG(seed, 4)), Options{})) {
			if has {
				counts[i]++
			}
		}
	}
	for i, name := range Traits() {
		if counts[i]*100 < models {
			t.Errorf("of %d models only %d have %s", models, counts[i], name)
		}
		t.Logf("%d of %d have %s", counts[i], models, name)
	}
}

// TestShrink gives a fault that one edge and one label show.
func TestShrink(t *testing.T) {
	t.Parallel()
	shown := 0
	for seed := range uint64(200) {
		fails := func(m *generator.Model) bool {
			return slices.ContainsFunc(m.Edges, func(e generator.Edge) bool {
				w := m.Universe.Workload(e.From.ID())
				return w != nil && w.Labels["tier"] == "x" && e.To.Kind == generator.CIDRPeer
			})
		}
		m := New(rand.New(rand.NewPCG(seed, 2)), Options{})
		if !fails(m) {
			continue
		}
		shown++
		small := Shrink(m, fails)
		w := small.Universe.Workloads()
		if len(small.Edges) != 1 || len(w) != 1 || len(w[0].Labels) != 1 || len(w[0].Ports) != 0 {
			t.Errorf("seed %d is not small:\n%s", seed, Text(small))
		}
	}
	if shown == 0 {
		t.Error("no model shows the fault")
	}
}
