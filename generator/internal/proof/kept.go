// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"embed"
	"fmt"
	"path"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/internal/randommodel"
)

// KeptModel is a model that once showed a fault, as small as it may be. It is kept
// as a file and not as a seed, of which another model comes as soon as models are
// drawn in another way.
type KeptModel struct {
	Name  string // of the file, without what follows the dot
	Why   string // what it showed
	Model *generator.Model
}

// files are the models, one in each, by names that sort in the order of the answer.
//
//go:embed kept/*.yaml
var files embed.FS

const folder = "kept"

// Kept returns the models that once showed a fault, ordered by name.
func Kept(t testing.TB) []KeptModel {
	t.Helper()
	entries, err := files.ReadDir(folder)
	if err != nil || len(entries) == 0 {
		t.Fatalf("%d models are kept: %v", len(entries), err)
	}
	out := make([]KeptModel, len(entries))
	for i, e := range entries {
		text, err := files.ReadFile(path.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		why, rest, _ := strings.Cut(string(text), "\n")
		out[i].Name, out[i].Why = strings.TrimSuffix(e.Name(), ".yaml"), strings.TrimPrefix(why, "# ")
		if why == out[i].Why || len(out[i].Why) < 20 {
			t.Fatalf("%s: the first line does not say what the model showed", e.Name())
		}
		if out[i].Model, err = read([]byte(rest)); err != nil {
			t.Fatalf("%s: %v", e.Name(), err)
		}
	}
	return out
}

// Fails says what is wrong with the policies of a model, and gives the policies;
// nothing where nothing is wrong.
type Fails func(*generator.Model) (wrong string, policies any)

// Smallest says of a model that fails which smaller one fails as well, what is
// wrong with it, and what to keep, so that it is proved first from then on.
func Smallest(m *generator.Model, fails Fails) string {
	small := randommodel.Shrink(m, func(m *generator.Model) bool { wrong, _ := fails(m); return wrong != "" })
	wrong, policies := fails(small)
	text, err := yaml.Marshal(policies)
	if err != nil {
		text = []byte(err.Error())
	}
	kept, err := Write(small)
	if err != nil {
		kept = []byte(err.Error())
	}
	return fmt.Sprintf("%s%s\n%s\nkeep it as generator/internal/proof/kept/NAME.yaml:\n# WHAT IT SHOWS\n%s", randommodel.Text(small), wrong, text, kept)
}

// variants is after how many seeds what the tests choose by a seed, besides the
// model, comes again: every second, third and fifth differ in something.
const variants = 2 * 3 * 5

// Check proves a model, with what the tests choose by a seed besides it.
type Check func(t *testing.T, m *generator.Model, seed uint64)

// Again proves the models that once showed a fault, each with everything that the
// tests choose by a seed.
func Again(t *testing.T, check Check) {
	t.Helper()
	for _, k := range Kept(t) {
		t.Run(k.Name, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("%s was kept because it showed: %s", k.Name, k.Why)
				}
			}()
			for seed := range uint64(variants) {
				check(t, k.Model, seed)
			}
		})
	}
}

// Fuzz looks for seeds that nobody thought of, beginning with the kept models and
// a few others.
func Fuzz(f *testing.F, check Check) {
	f.Helper()
	kept := Kept(f)
	for seed := range uint64(8) {
		f.Add(seed, 0)
	}
	for i := range kept {
		f.Add(uint64(i), i+1)
	}
	f.Fuzz(func(t *testing.T, seed uint64, which int) {
		if which > 0 && which <= len(kept) {
			check(t, kept[which-1].Model, seed)
			return
		}
		check(t, Model(seed), seed)
	})
}
