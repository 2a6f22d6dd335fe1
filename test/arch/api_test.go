// SPDX-License-Identifier: Apache-2.0

package arch

import (
	"os/exec"
	"strings"
	"testing"
)

// TestOneGeneratorPackageKnowsTheAPI: generator/intents reads NetworkPlans; what is made of
// them knows no objects of ours.
func TestOneGeneratorPackageKnowsTheAPI(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}}: {{join .Imports " "}}`, module+"generator/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	knows := ""
	for line := range strings.Lines(string(out)) {
		name, imports, _ := strings.Cut(line, ":")
		for path := range strings.FieldsSeq(imports) {
			if below(path, module+"api") {
				knows += " " + strings.TrimPrefix(name, module)
			}
		}
	}
	if knows != " generator/intents" {
		t.Errorf("%s import our API, and only generator/intents may", knows)
	}
}
