// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
)

// TestDocumentedPoliciesAreAccepted compiles every CheckPolicy that a user may
// copy, over the real catalogue.
func TestDocumentedPoliciesAreAccepted(t *testing.T) {
	t.Parallel()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := os.ReadFile("../../manifests/overlays/audit/check-policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	examples := []string{string(overlay)}
	for i, block := range strings.Split(string(text), "```yaml\n") {
		if i > 0 {
			example, _, _ := strings.Cut(block, "```")
			examples = append(examples, example)
		}
	}
	if len(examples) < 4 {
		t.Fatalf("found %d examples", len(examples))
	}
	for _, example := range examples {
		obj, err := policy.Parse([]byte(example))
		if err != nil {
			t.Errorf("%v in\n%s", err, example)
			continue
		}
		if _, err := policy.CompileObject(set, obj); err != nil {
			t.Errorf("%v in\n%s", err, example)
		}
	}
}
