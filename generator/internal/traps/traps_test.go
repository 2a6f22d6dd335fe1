// SPDX-License-Identifier: Apache-2.0

package traps

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../../.."

// suite is the tests of one folder.
type suite struct {
	tests map[string]int    // the number of the file that has it
	texts []map[string]bool // of each file: the strings in it, and the folders beside it
}

func read(t *testing.T, folder string) *suite {
	t.Helper()
	s := &suite{tests: map[string]int{}}
	entries, err := os.ReadDir(filepath.Join(root, folder))
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]bool{}
	for _, e := range entries {
		if e.IsDir() {
			folders[e.Name()] = true
		}
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, folder, e.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		texts := map[string]bool{}
		for name := range folders {
			texts[name] = true
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil {
					s.tests[n.Name.Name] = len(s.texts)
				}
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil {
					texts[text] = true
				}
			}
			return true
		})
		s.texts = append(s.texts, texts)
	}
	return s
}

// has says what is missing of a test, and of a case of it: by its whole name, or
// by the number of a trap in it.
func (s *suite) has(name, row string) string {
	file, known := s.tests[name]
	switch {
	case !known:
		return "no test " + name
	case row == "" || s.texts[file][row]:
		return ""
	}
	for text := range s.texts[file] {
		if slices.Contains(ids.FindAllString(text, -1), row) {
			return ""
		}
	}
	return "no case " + row + " of " + name
}

var (
	ids  = regexp.MustCompile(`\bB[1-4]\.\d+(\.\d+)*`)
	rows = regexp.MustCompile(`(?m)^\| (B[1-4](?:\.\d+)+) \| (.+) \| (.+) \|$`)
	refs = regexp.MustCompile("`([a-z/-]+)\\.((?:Test|Fuzz)\\w+)(?:/([^`]+))?`")
)

// TestEveryTrapIsHeld: each has tests that exist, or a reason why none can be; the
// numbers follow each other, and the page counts right. make traps prints the count.
func TestEveryTrapIsHeld(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "docs/network-traps.md"))
	if err != nil {
		t.Fatal(err)
	}
	suites := map[string]*suite{}
	held, named, before := 0, 0, ""
	var unheld []string
	known := map[string]bool{}
	list := rows.FindAllStringSubmatch(string(page), -1)
	for _, row := range list {
		id, by := row[1], row[3]
		if !follows(before, id) {
			t.Errorf("%s after %s", id, before)
		}
		before, known[id] = id, true
		if reason, none := strings.CutPrefix(by, "not tested: "); none {
			if len(reason) < 20 {
				t.Errorf("%s: why is it not tested?", id)
			}
			unheld = append(unheld, fmt.Sprintf("\n  %s %s: %s", id, row[2], reason))
			continue
		}
		found := refs.FindAllStringSubmatch(by, -1)
		if rest := strings.TrimSpace(refs.ReplaceAllString(by, "")); len(found) == 0 || rest != "" {
			t.Errorf("%s: no tests are named, or something else: %q", id, rest)
		}
		held++
		named += len(found)
		for _, r := range found {
			if suites[r[1]] == nil {
				suites[r[1]] = read(t, r[1])
			}
			if missing := suites[r[1]].has(r[2], r[3]); missing != "" {
				t.Errorf("%s: %s in %s", id, missing, r[1])
			}
		}
	}
	if len(list) < 50 {
		t.Fatalf("%d traps: the table is not read", len(list))
	}
	if count := fmt.Sprintf("**%d of %d** are held by tests; the others say why not.", held, len(list)); !strings.Contains(string(page), count) {
		t.Errorf("the page does not say %q", count)
	}
	t.Logf("%d of %d traps are held, by %d named tests; not expressible: %d%s", held, len(list), named, len(unheld), strings.Join(unheld, ""))
	for id, place := range cited(t) {
		if !known[id] {
			t.Errorf("%s cites %s, which is no trap of the page", place, id)
		}
	}
}

// follows reports whether a number comes directly after another: B1.3 and B1.3.1
// after B1.2 and B1.3, B2.1 after the last of B1.
func follows(before, id string) bool {
	if before == "" {
		return id == "B1.1"
	}
	a, b := parts(before), parts(id)
	for n := range min(len(a), len(b)) {
		if a[n] != b[n] {
			first := n == 0 && len(b) == 2 && b[1] == 1
			return b[n] == a[n]+1 && (n == len(b)-1 || first)
		}
	}
	return len(b) == len(a)+1 && b[len(b)-1] == 1
}

func parts(id string) []int {
	var out []int
	for word := range strings.SplitSeq(strings.TrimPrefix(id, "B"), ".") {
		n, err := strconv.Atoi(word)
		if err != nil {
			return nil
		}
		out = append(out, n)
	}
	return out
}

// cited returns the numbers that tests cite, each with a file that does.
func cited(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, folder := range []string{"generator", "policy-templates"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || e.Name() == "traps_test.go" || !strings.HasSuffix(path, "_test.go") && e.Name() != "want.txt" {
				return err
			}
			text, err := os.ReadFile(path)
			for _, id := range ids.FindAllString(string(text), -1) {
				out[id] = path
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(out) < 40 {
		t.Fatalf("%d numbers are cited: the tests are not read", len(out))
	}
	return out
}

// TestFollows: a number that is left out is seen.
func TestFollows(t *testing.T) {
	t.Parallel()
	for pair, want := range map[[2]string]bool{
		{"", "B1.1"}: true, {"B1.1", "B1.2"}: true, {"B1.3", "B1.3.1"}: true, {"B1.6.3", "B1.7"}: true, {"B1.27", "B2.1"}: true, {"B3.7", "B4.1"}: true, {"B1.9", "B1.10"}: true,
		{"", "B1.2"}: false, {"B1.1", "B1.3"}: false, {"B1.3", "B1.3.2"}: false, {"B1.6.3", "B1.8"}: false, {"B1.27", "B2.2"}: false, {"B1.2", "B1.2"}: false, {"B1.1", "B3.1"}: false,
	} {
		if got := follows(pair[0], pair[1]); got != want {
			t.Errorf("%s after %s: %v", pair[1], pair[0], got)
		}
	}
}
