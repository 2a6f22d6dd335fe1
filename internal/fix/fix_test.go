// SPDX-License-Identifier: Apache-2.0

package fix

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/source/files"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

var update = flag.Bool("update", false, "rewrite the want sections")

// repairAll applies the Fix of every check that finds something and returns the
// repairs of a text.
func repairAll(t testing.TB, set *checks.Set, items []files.Item) []Repair {
	t.Helper()
	var out []Repair
	for i := range items {
		after, ok := items[i].Object.DeepCopyObject().(inventory.Object)
		if !ok {
			t.Fatalf("%T is no object", items[i].Object)
		}
		changed := false
		for _, c := range set.Checks() {
			if c.Fix != nil && len(findings(c, after)) > 0 {
				c.Fix(after)
				changed = true
			}
		}
		if changed {
			out = append(out, Repair{Index: i, After: after})
		}
	}
	return out
}

// findings runs one check over an object alone.
func findings(c checks.Check, o inventory.Object) []checks.Finding {
	for _, k := range c.Kinds {
		if k == inventory.GroupKindOf(o) && !c.OnStatus {
			return c.Run(checks.Input{Object: o, Inventory: inventory.New(o), Parameters: checks.DefaultParameters()})
		}
	}
	return nil
}

func catalogue(t testing.TB) *checks.Set {
	t.Helper()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestText runs the cases of testdata: input, and what comes out or why not.
func TestText(t *testing.T) {
	t.Parallel()
	set := catalogue(t)
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if len(ar.Files) != 2 || ar.Files[0].Name != "in" || ar.Files[1].Name != "want" {
				t.Fatal("a case has the sections in and want")
			}
			got := repaired(t, set, ar.Files[0].Data)
			if diff := cmp.Diff(string(ar.Files[1].Data), got); diff != "" {
				if *update {
					ar.Files[1].Data = []byte(got)
					if err := os.WriteFile(path, txtar.Format(ar), 0o600); err != nil {
						t.Fatal(err)
					}
					return
				}
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// repaired returns the repaired text, or "refused: why"; a repaired text is
// repaired again and must not change.
func repaired(t testing.TB, set *checks.Set, text []byte) string {
	t.Helper()
	items, err := load(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Text(t.Context(), text, repairAll(t, set, items))
	var refusal *RefusalError
	switch {
	case errors.As(err, &refusal):
		return "refused: " + refusal.Error() + "\n"
	case err != nil:
		t.Fatal(err)
	}
	again, err := load(t.Context(), out)
	if err != nil {
		t.Fatalf("the result cannot be read: %v", err)
	}
	if more := repairAll(t, set, again); len(more) > 0 {
		t.Errorf("%d objects of the result can be repaired again", len(more))
	}
	return string(out)
}

func TestTextWithoutRepairsChangesNothing(t *testing.T) {
	t.Parallel()
	text := []byte("# only a comment\r\nkind: Service\r\napiVersion: v1\r\nmetadata: {name: a}\r\n")
	out, err := Text(t.Context(), text, nil)
	if err != nil || string(out) != string(text) {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestTextRefusesAnObjectThatIsNotThere(t *testing.T) {
	t.Parallel()
	if _, err := Text(t.Context(), []byte("kind: Service\napiVersion: v1\nmetadata: {name: a}\n"), []Repair{{Index: 1}}); err == nil {
		t.Error("no error")
	}
}

// FuzzText changes texts at random. Whatever comes out without a refusal can be
// read, has nothing left to repair, and keeps every comment that stands on a
// line of its own, unless the removed value held it.
func FuzzText(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		ar, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(ar.Files[0].Data)
	}
	set := catalogue(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		items, err := load(t.Context(), text)
		if err != nil {
			return
		}
		repairs := repairAll(t, set, items)
		out, err := Text(t.Context(), text, repairs)
		if err != nil {
			return
		}
		again, err := load(t.Context(), out)
		if err != nil {
			t.Fatalf("the result cannot be read: %v\n%s", err, out)
		}
		for _, r := range repairs {
			for _, c := range set.Checks() {
				if c.Fix == nil || len(findings(c, r.After)) > 0 {
					continue
				}
				if left := findings(c, again[r.Index].Object); len(left) > 0 {
					t.Fatalf("%s still finds %q in\n%s", c.ID, left[0].Message, out)
				}
			}
			if removesMuch(t, items[r.Index].Object, r.After) {
				return
			}
		}
		for line := range strings.Lines(string(text)) {
			if c := strings.TrimSpace(line); strings.HasPrefix(c, "#") && strings.Count(string(text), c) > strings.Count(string(out), c) {
				t.Fatalf("lost the comment %q:\n%s\nbecame\n%s", c, text, out)
			}
		}
	})
}

// removesMuch reports whether a removed value is more than a plain scalar.
func removesMuch(t testing.TB, before, after inventory.Object) bool {
	b, a, err := values(before, after)
	if err != nil {
		t.Fatal(err)
	}
	return removed(b, a)
}

func removed(b, a any) bool {
	switch v := b.(type) {
	case map[string]any:
		w, ok := a.(map[string]any)
		if !ok {
			return true
		}
		for k := range v {
			next, kept := w[k]
			if !kept {
				if s, isString := v[k].(string); isString && !strings.ContainsAny(s, "#\n") {
					continue
				}
				switch v[k].(type) {
				case map[string]any, []any, string:
					return true
				}
				continue
			}
			if removed(v[k], next) {
				return true
			}
		}
	case []any:
		w, ok := a.([]any)
		if !ok || len(w) != len(v) {
			return true
		}
		for i := range v {
			if removed(v[i], w[i]) {
				return true
			}
		}
	}
	return false
}
