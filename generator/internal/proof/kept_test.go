// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/internal/randommodel"
)

// TestWhatIsWrittenIsTheModel: nothing that a random model has is lost on the way.
func TestWhatIsWrittenIsTheModel(t *testing.T) {
	t.Parallel()
	edges := 0
	for seed := range uint64(400) {
		m := Model(seed)
		text, err := Write(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := read(text)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if diff := cmp.Diff(randommodel.Text(m), randommodel.Text(again)); diff != "" {
			t.Fatalf("seed %d:\n%s", seed, diff)
		}
		env := m.Environment
		for _, g := range groups(&env) {
			if g.Empty() {
				*g = generator.Group{} // nobody asks for its ports
			}
		}
		if diff := cmp.Diff(fmt.Sprintf("%+v", env), fmt.Sprintf("%+v", again.Environment)); diff != "" {
			t.Fatalf("seed %d:\n%s", seed, diff)
		}
		for _, namespace := range m.Universe.Namespaces() {
			if diff := cmp.Diff(m.Universe.NamespaceLabels(namespace), again.Universe.NamespaceLabels(namespace)); diff != "" {
				t.Fatalf("seed %d: %s: %s", seed, namespace, diff)
			}
		}
		edges += len(m.Edges)
	}
	if edges < 1000 {
		t.Errorf("%d edges show little", edges)
	}
}

// TestAPlantedFaultIsKept: a fault that one edge, one guard and one label show is made
// small, and what is printed can be kept as it is and shows it again.
func TestAPlantedFaultIsKept(t *testing.T) {
	t.Parallel()
	planted := func(m *generator.Model) (string, any) {
		for _, e := range m.Edges {
			w := m.Universe.Workload(e.From.ID())
			if w != nil && w.Labels["tier"] == "x" && e.To.Kind >= generator.DNSPeer && m.Guards[w.ID.Namespace].Egress {
				return "the planted fault", []string{"its policy"}
			}
		}
		return "", nil
	}
	shown := 0
	for seed := range uint64(400) {
		m := Model(seed)
		if wrong, _ := planted(m); wrong == "" {
			continue
		}
		shown++
		text := Smallest(m, planted)
		said, kept, found := strings.Cut(text, "keep it as generator/internal/proof/kept/NAME.yaml:\n# WHAT IT SHOWS\n")
		if !found || !strings.Contains(said, "the planted fault") || !strings.Contains(said, "its policy") {
			t.Fatalf("seed %d:\n%s", seed, text)
		}
		again, err := read([]byte(kept))
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, kept)
		}
		if wrong, _ := planted(again); wrong == "" {
			t.Errorf("seed %d: what is kept does not show it:\n%s", seed, kept)
		}
		if w := again.Universe.Workloads(); len(again.Edges) != 1 || len(again.Guards) != 1 || len(w) != 1 || len(w[0].Labels) != 1 || len(w[0].Ports) > 0 {
			t.Errorf("seed %d: what is kept is not small:\n%s", seed, kept)
		}
	}
	if shown < 5 {
		t.Errorf("%d models show it", shown)
	}
}

// TestKeptModels: each is there once and has edges; one that is broken is refused.
func TestKeptModels(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, k := range Kept(t) {
		text := randommodel.Text(k.Model)
		if other := seen[text]; other != "" {
			t.Errorf("%s is %s", k.Name, other)
		}
		seen[text] = k.Name
		if len(k.Model.Edges) == 0 || len(k.Model.Guards) == 0 {
			t.Errorf("%s wants nothing, or guards nothing", k.Name)
		}
		again, err := Write(k.Model)
		if err != nil {
			t.Error(err)
		}
		if m, err := read(again); err != nil || randommodel.Text(m) != text {
			t.Errorf("%s: %v", k.Name, err)
		}
	}
	for _, text := range []string{
		"edges: [Deployment a/w0 -> nobody at all TCP/80]", "edges: [dns -> dns]", "edges: [dns -> dns TCP+UDP/53]", "edge: []", "groups: {dms: {}}",
		"workloads: [{id: w0}]", "workloads: [{id: Deployment a/w0, ports: [http]}, {id: Deployment a/w0}]",
	} {
		if _, err := read([]byte(text)); err == nil {
			t.Errorf("%s is read", text)
		}
	}
}
