// SPDX-License-Identifier: Apache-2.0

package networkplan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestThePageOfNetworkPlans: the API server takes the plan of the page, every field
// that the page lists is one, and every phase is listed.
func TestThePageOfNetworkPlans(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "network-plans.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	_, rest, found := strings.Cut(page, "```yaml\n")
	example, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("the page has no example")
	}
	e := newEnvironment(t)
	e.kubectl(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}`, "apply", "-f", "-")
	e.kubectl(example, "create", "--validate=strict", "--dry-run=server", "-f", "-")
	_, table, _ := strings.Cut(page, "| field | meaning | default |\n|---|---|---|\n")
	fields := 0
	for line := range strings.Lines(table) {
		name, row := strings.CutPrefix(line, "| `")
		if !row {
			break
		}
		name, _, _ = strings.Cut(name, "`")
		if !strings.Contains(e.kubectl("", "explain", "networkplan.spec."+name), name) {
			t.Errorf("there is no field spec.%s", name)
		}
		fields++
	}
	if fields < 8 {
		t.Errorf("only %d fields are described", fields)
	}
	for _, phase := range phases {
		if !strings.Contains(page, "| `"+string(phase)+"` |") {
			t.Errorf("phase %s is not described", phase)
		}
	}
}
