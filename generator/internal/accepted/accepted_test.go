// SPDX-License-Identifier: Apache-2.0

// Package accepted shows that the real API server takes what is rendered.
package accepted

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/enforcer"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// TestNetworkPoliciesAreAccepted for every enforcer: and come back as they were sent,
// so that whoever applies them does not see a difference that nobody made.
func TestNetworkPoliciesAreAccepted(t *testing.T) {
	c := newClient(t)
	count := tally{}
	for n, w := range everything(t, 150) {
		for i, name := range enforcer.Names() {
			profile, err := enforcer.Find(name)
			if err != nil {
				t.Fatal(err)
			}
			if w.of == "random" && n%len(enforcer.Names()) != i {
				continue // of these one enforcer each is enough
			}
			plan, _ := compact.Compact(w.model, compact.Options{Selectors: profile.Selectors()})
			plan, _ = profile.Adapt(w.model, plan)
			list, _ := netpol.Render(plan.Policies(), netpol.RenderOptions{})
			for _, p := range list {
				c.accept(t, w.about+", "+name, p)
				count[w.of]++
			}
		}
	}
	count.check(t, 1500)
}

// TestWhatPeopleGetIsAccepted: the policies of the example applications, as they are
// kept as text.
func TestWhatPeopleGetIsAccepted(t *testing.T) {
	c := newClient(t)
	list, err := filepath.Glob("../applications/testdata/*/policies.yaml")
	if err != nil || len(list) < 6 {
		t.Fatalf("%d applications: %v", len(list), err)
	}
	for _, path := range list {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		objects := 0
		for part := range bytes.SplitSeq(text, []byte("---\n")) {
			if len(part) == 0 {
				continue
			}
			var o map[string]any
			if err := yaml.UnmarshalStrict(part, &o); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			c.accept(t, path, o)
			objects++
		}
		if objects < 5 {
			t.Errorf("%s has %d objects", path, objects)
		}
	}
}
