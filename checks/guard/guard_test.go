// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/checks/catalog"
)

func TestGuardsAreNamedAndDocumented(t *testing.T) {
	t.Parallel()
	id, name := regexp.MustCompile(`^SELF-00[1-9]$`), regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	all := All()
	if len(all) == 0 || !slices.IsSortedFunc(all, func(a, b Guard) int { return strings.Compare(a.ID, b.ID) }) {
		t.Fatalf("%d guards, or not in order", len(all))
	}
	for _, g := range all {
		if !id.MatchString(g.ID) || !name.MatchString(g.Name) {
			t.Errorf("guard %q is named %q", g.ID, g.Name)
		}
		for _, used := range []string{g.ID, g.Name} {
			if c, taken := set.Lookup(used); taken {
				t.Errorf("%s is check %s, too", used, c.ID)
			}
			if found, _ := Lookup(strings.ToUpper(used)); found.ID != g.ID {
				t.Errorf("%s is found as %q", used, found.ID)
			}
		}
		d := g.Doc
		if d.Title == "" || d.Why == "" || d.Attack == "" || d.Fix == "" || g.Answer == "" || len(d.Sources) == 0 {
			t.Errorf("%s lacks a part of its description", g.ID)
		}
		// What explains more must speak of it.
		text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(g.See)))
		if err != nil || !strings.Contains(string(text), g.ID) {
			t.Errorf("%s: %s does not speak of it (%v)", g.ID, g.See, err)
		}
	}
	if _, found := Lookup("EXP-001"); found {
		t.Error("a check is found")
	}
}
