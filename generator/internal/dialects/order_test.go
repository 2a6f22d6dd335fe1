// SPDX-License-Identifier: Apache-2.0

package dialects

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/cilium"
	"github.com/gatehouse-sh/gatehouse/generator/clusterpolicy"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/proof"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// written is what each dialect makes of workloads and edges in the order in which they
// come, byte by byte, with its problems in their order.
func written(t *testing.T, m *generator.Model, workloads []*generator.Workload, edges []generator.Edge) []string {
	t.Helper()
	namespaces := map[string]map[string]string{}
	for _, name := range m.Universe.Namespaces() {
		namespaces[name] = m.Universe.NamespaceLabels(name)
	}
	u, err := generator.NewUniverse(workloads, namespaces)
	if err != nil {
		t.Fatal(err)
	}
	built, refused := generator.Build(generator.Input{Inventory: inventory.New(), Universe: u, Environment: m.Environment, Guards: m.Guards, Edges: edges})
	p, problems := compact.Compact(built, compact.Options{})
	np, unsaid := netpol.Render(p.Policies(), netpol.RenderOptions{})
	cnp, unsaidByCilium := cilium.Render(built, p.Policies(), cilium.RenderOptions{SCTP: true})
	admin, unsaidByAdmin := clusterpolicy.Render(built, p.Policies(), clusterpolicy.RenderOptions{Tier: policyv1alpha2.AdminTier, Channel: clusterpolicy.Experimental})
	var out []string
	for _, each := range []any{np, cnp, admin} {
		text, err := yaml.Marshal(each)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	for _, list := range [][]generator.Problem{refused, problems, unsaid, unsaidByCilium, unsaidByAdmin} {
		var text strings.Builder
		for _, p := range list {
			fmt.Fprintln(&text, p)
		}
		out = append(out, text.String())
	}
	return out
}

// TestTheOrderOfWhatIsReadDoesNotMatter: workloads, edges, and what speaks for one edge
// in several places, in whatever order they come, become the same bytes in every
// dialect. Some edges come twice, with other evidence.
func TestTheOrderOfWhatIsReadDoesNotMatter(t *testing.T) {
	t.Parallel()
	policies := 0
	for seed := range uint64(200) {
		m := proof.Model(seed)
		workloads, edges := slices.Clone(m.Universe.Workloads()), slices.Clone(m.Edges)
		for i := range m.Edges {
			again := m.Edges[i]
			again.Because = []generator.Evidence{{Source: generator.Manifest, Where: fmt.Sprintf("app.yaml:%d", i%7)}}
			edges = append(edges, again)
		}
		want := written(t, m, workloads, edges)
		policies += strings.Count(want[0], "podSelector:")
		r := rand.New(rand.NewPCG(seed, 6))
		r.Shuffle(len(workloads), func(i, j int) { workloads[i], workloads[j] = workloads[j], workloads[i] })
		r.Shuffle(len(edges), func(i, j int) { edges[i], edges[j] = edges[j], edges[i] })
		if diff := cmp.Diff(want, written(t, m, workloads, edges)); diff != "" {
			t.Fatalf("seed %d, in another order (want -, got +):\n%s", seed, diff)
		}
	}
	if policies < 1000 {
		t.Errorf("%d selectors of NetworkPolicies show little", policies)
	}
}
