// SPDX-License-Identifier: Apache-2.0

package accepted

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/internal/applications"
	"github.com/gatehouse-sh/gatehouse/generator/internal/proof"
	"github.com/gatehouse-sh/gatehouse/generator/internal/randommodel"
	"github.com/gatehouse-sh/gatehouse/generator/manifests"
	"github.com/gatehouse-sh/gatehouse/generator/templates"
	"github.com/gatehouse-sh/gatehouse/internal/source/files"
	"github.com/gatehouse-sh/gatehouse/internal/templatecase"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

const (
	apps    = "../../../test/fixtures/apps"
	presets = "../../../policy-templates"
)

// wanted is a model whose policies are sent.
type wanted struct {
	of    string // whose models are counted together: an application, a template, "random"
	about string
	model *generator.Model
}

// everything returns the models of the other tests: the example applications, the
// cases of every template, those that once showed a fault, and random ones.
func everything(t *testing.T, random uint64) []wanted {
	t.Helper()
	out := append(ofApplications(t), ofTemplates(t)...)
	for _, k := range proof.Kept(t) {
		out = append(out, wanted{"kept", k.Name, k.Model})
	}
	for seed := range random {
		out = append(out, wanted{"random", fmt.Sprintf("seed %d", seed), randommodel.New(rand.New(rand.NewPCG(seed, 5)), randommodel.Options{})})
	}
	return out
}

// ofApplications are the models of what the manifests declare together with what a
// person wrote down.
func ofApplications(t *testing.T) []wanted {
	t.Helper()
	var out []wanted
	list, err := filepath.Glob(filepath.Join(apps, "*", "edges.txt"))
	if err != nil || len(list) < 6 {
		t.Fatalf("%d applications with edges: %v", len(list), err)
	}
	for _, path := range list {
		name := filepath.Base(filepath.Dir(path))
		read, err := files.Load(t.Context(), files.Options{}, filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		in := generator.Input{Inventory: inventory.New(read.Objects()...), Environment: applications.Environment(), Guards: map[string]generator.Guard{name: {Ingress: true, Egress: true}}}
		if in.Universe, err = generator.Observe(in.Inventory); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		truth, err := applications.Truth(in.Universe, string(text))
		if err != nil {
			t.Fatal(err)
		}
		in.Edges = slices.Concat(manifests.Edges(in.Inventory, in.Universe, &in.Environment, manifests.Options{}).Edges, truth)
		m, _ := generator.Build(in)
		out = append(out, wanted{"application " + name, name, m})
	}
	return out
}

// ofTemplates are the models of every case in which a template is applied to a
// namespace.
func ofTemplates(t *testing.T) []wanted {
	t.Helper()
	var out []wanted
	for _, template := range templatecase.Library(t).Templates() {
		c := templatecase.Read(t, presets, template.Name)
		inv := inventory.New(templatecase.Objects(t, presets, template.Name)...)
		for _, r := range c.Runs {
			if got := c.Apply(t, template, inv, r); got.Err == nil && r.Namespace != "" {
				out = append(out, wanted{"template " + template.Name, template.Name + ": " + r.Because, got.Model})
			}
		}
	}
	return out
}

// tiered is tiers of a template, and the model in which they are written.
type tiered struct {
	about string
	model *generator.Model
	tiers []templates.Tier
}

// ofTiers are the cases in which a template is applied to the cluster.
func ofTiers(t *testing.T) []tiered {
	t.Helper()
	var out []tiered
	for _, template := range templatecase.Library(t).Templates() {
		c := templatecase.Read(t, presets, template.Name)
		inv := inventory.New(templatecase.Objects(t, presets, template.Name)...)
		for _, r := range c.Runs {
			if got := c.Apply(t, template, inv, r); got.Err == nil && len(got.Tiers) > 0 {
				out = append(out, tiered{template.Name + ": " + r.Because, got.Model, got.Tiers})
			}
		}
	}
	if len(out) < 2 {
		t.Fatalf("%d cases of templates have tiers", len(out))
	}
	return out
}

// tally counts what was accepted, by whose models it was.
type tally map[string]int

// check fails where nothing of an application or of a template was sent.
func (c tally) check(t *testing.T, least int) {
	t.Helper()
	all := 0
	for _, n := range c {
		all += n
	}
	if all < least {
		t.Errorf("only %d objects were sent", all)
	}
	expected := []string{"random", "kept"}
	for _, w := range slices.Concat(ofApplications(t), ofTemplates(t)) {
		expected = append(expected, w.of)
	}
	for _, of := range expected {
		if c[of] == 0 {
			t.Errorf("nothing of %s was sent", of)
		}
	}
	var text string
	for _, of := range slices.Sorted(maps.Keys(c)) {
		text += fmt.Sprintf(" %s %d,", of, c[of])
	}
	t.Logf("%d objects accepted:%s", all, strings.TrimSuffix(text, ","))
}
