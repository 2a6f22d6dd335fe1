// SPDX-License-Identifier: Apache-2.0

package arch

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the folder of the repository, seen from this package.
const root = "../.."

var tagsOfMakefile = regexp.MustCompile(`(?m)^BUILD_FLAGS := .*-tags (\S+)`)

// buildTags are those with which the Makefile builds the programs.
func buildTags(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	found := tagsOfMakefile.FindSubmatch(raw)
	if found == nil {
		t.Fatal("the Makefile names no build tags")
	}
	return string(found[1])
}

// unusedTemplates import text/template for what nothing here calls, so the linker
// drops it: prompts of language models, and the help of a command line that
// k8s.io/apiserver/pkg/cel/environment reaches through its feature gates.
var unusedTemplates = []string{"github.com/google/cel-go/cel", "github.com/spf13/cobra"}

// TestTheWebhookReachesNoTemplates names the import that would bring in what
// TestUnusedMethodsAreDropped finds. The command line imports text/template
// through go-sarif too, without calling it.
func TestTheWebhookReachesNoTemplates(t *testing.T) {
	t.Parallel()
	importers := `{{$p := .ImportPath}}{{range .Imports}}{{if or (eq . "text/template") (eq . "html/template")}}{{$p}} {{end}}{{end}}`
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", buildTags(t), "-f", importers, module+"cmd/gatehouse-webhook")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	found := strings.Fields(string(out))
	for _, path := range found {
		if !slices.Contains(unusedTemplates, path) {
			t.Errorf("the webhook reaches templates by %s", path)
		}
	}
	for _, path := range unusedTemplates {
		if !slices.Contains(found, path) {
			t.Errorf("%s imports no templates: the exception is not needed, or this tests nothing", path)
		}
	}
}

// TestUnusedMethodsAreDropped links every program and fails when something in it
// looks up methods by a name that is not constant (as templates do), or may load
// plugins: the linker then keeps every exported method of every type, which
// makes a program with client-go a third larger.
// https://github.com/golang/go/blob/go1.26.0/src/cmd/link/internal/ld/deadcode.go (deadcode)
func TestUnusedMethodsAreDropped(t *testing.T) {
	if testing.Short() {
		t.Skip("links every program, which takes half a minute")
	}
	t.Parallel()
	programs, err := filepath.Glob(filepath.Join(root, "cmd", "*"))
	if err != nil || len(programs) == 0 {
		t.Fatalf("no programs: %v", err)
	}
	for _, program := range programs {
		name := filepath.Base(program)
		cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", buildTags(t), "-ldflags=-dumpdep", "-o", filepath.Join(t.TempDir(), name), module+"cmd/"+name)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out[max(0, len(out)-2000):])
		}
		if !bytes.Contains(out, []byte("main.main")) {
			t.Fatalf("%s: the linker tells no dependencies: this tests nothing", name)
		}
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "<ReflectMethod>") {
				t.Errorf("%s keeps the methods of every type: %s", name, strings.TrimSpace(line))
				break
			}
		}
	}
}
