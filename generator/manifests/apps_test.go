// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/internal/applications"
	"github.com/gatehouse-sh/gatehouse/internal/source/files"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const apps = "../../test/fixtures/apps"

// app is one application and what is found in it.
type app struct {
	name     string
	universe *generator.Universe
	found    Found
	model    *generator.Model
	problems []generator.Problem // of Build
}

func readApp(t *testing.T, name string) app {
	t.Helper()
	read, err := files.Load(t.Context(), files.Options{}, filepath.Join(apps, name))
	if err != nil {
		t.Fatal(err)
	}
	if len(read.Warnings) > 0 || len(read.Skipped) > 0 {
		t.Errorf("%s: %v %v: manifests that an API server would not take as they are", name, read.Warnings, read.Skipped)
	}
	at := map[inventory.Key]files.Item{}
	for _, item := range read.Items {
		at[inventory.KeyOf(item.Object)] = item
	}
	inv := inventory.New(read.Objects()...)
	u, err := generator.Observe(inv)
	if err != nil {
		t.Fatal(err)
	}
	env := applications.Environment()
	a := app{name: name, universe: u, found: Edges(inv, u, &env, Options{})}
	a.found.Placed(func(o inventory.Key, field string) string {
		item, ok := at[o]
		if !ok {
			return ""
		}
		file, line := item.Positions.Locate(field)
		return fmt.Sprintf("%s:%d", filepath.Base(file), line)
	})
	a.model, a.problems = generator.Build(generator.Input{Inventory: inv, Universe: u, Environment: env, Edges: a.found.Edges})
	return a
}

func appNames(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(apps, "*", "edges.txt"))
	if err != nil || len(list) < 6 {
		t.Fatalf("%d applications with edges: %v", len(list), err)
	}
	for i, path := range list {
		list[i] = filepath.Base(filepath.Dir(path))
	}
	return list
}

// TestApplications compares the edges of every application with the golden
// files: what connects to what, why, and what could not be told.
func TestApplications(t *testing.T) {
	t.Parallel()
	for _, name := range appNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := readApp(t, name)
			var b strings.Builder
			for _, e := range a.model.Edges {
				fmt.Fprintf(&b, "%s (%s)\n", e, e.Confidence())
				for _, why := range e.Because {
					fmt.Fprintf(&b, "    %s: %s\n", why.Where, why.What)
				}
			}
			for _, p := range slices.Concat(a.found.Problems, a.problems) {
				fmt.Fprintf(&b, "problem: %s (%s)\n", p, p.Edge.Because[0].What)
			}
			for _, p := range a.found.Unreached {
				fmt.Fprintf(&b, "nothing found leads to %s\n", p)
			}
			golden := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("-golden +found (-update rewrites it):\n%s", diff)
			}
		})
	}
}

// trueEdges reads the connections that a person wrote down.
func trueEdges(t *testing.T, a app) map[string]bool {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(apps, a.name, "edges.txt"))
	if err != nil {
		t.Fatal(err)
	}
	edges, err := applications.Truth(a.universe, string(data))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, e := range edges {
		out[e.String()] = true
	}
	return out
}

// TestPrecisionAndRecall measures the found edges against those that a person
// wrote down. Socks is the application whose addresses are in its code: that
// little is found there, and that this is said, is the point of it.
func TestPrecisionAndRecall(t *testing.T) {
	t.Parallel()
	least := map[string][2]float64{ // precision, recall
		"boutique": {1, 1}, "socks": {1, 0.12}, "monitoring": {0.9, 0.95}, "records": {0.9, 0.8}, "stream": {0.85, 0.9}, "platform": {0.9, 0.8},
	}
	t.Logf("%-11s %5s %5s %6s %6s  %9s %6s", "application", "true", "found", "extra", "missed", "precision", "recall")
	for _, name := range appNames(t) {
		a := readApp(t, name)
		want, got := trueEdges(t, a), map[string]bool{}
		for _, e := range a.model.Edges {
			if e.To.Kind != generator.DNSPeer {
				got[e.String()] = true
			}
		}
		var extra, missed []string
		for e := range got {
			if !want[e] {
				extra = append(extra, e)
			}
		}
		for e := range want {
			if !got[e] {
				missed = append(missed, e)
			}
		}
		slices.Sort(extra)
		slices.Sort(missed)
		hit := float64(len(got) - len(extra))
		precision, recall := hit/float64(max(len(got), 1)), hit/float64(len(want))
		t.Logf("%-11s %5d %5d %6d %6d  %9.2f %6.2f", name, len(want), len(got), len(extra), len(missed), precision, recall)
		for _, e := range extra {
			t.Logf("    extra:  %s", e)
		}
		for _, e := range missed {
			t.Logf("    missed: %s", e)
		}
		if limit, ok := least[name]; !ok || precision < limit[0] || recall < limit[1] {
			t.Errorf("%s: precision %.2f and recall %.2f, at least %.2f and %.2f are wanted", name, precision, recall, limit[0], limit[1])
		}
	}
}
