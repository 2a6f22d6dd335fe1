// SPDX-License-Identifier: Apache-2.0

package intents_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/intents"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

var update = flag.Bool("update", false, "rewrite the examples of the page")

// TestThePageOfIntents reads the objects of docs/intents.md: behind each example stands what
// is asked for there, and the others are read over the workloads of the first.
func TestThePageOfIntents(t *testing.T) {
	t.Parallel()
	const page = "../../docs/intents.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(text), "```")
	var first []inventory.Object
	described := map[inventory.Key]bool{}
	var lines []string
	examples, wishes := 0, 0
	for i, part := range parts {
		kind, body, _ := strings.Cut(part, "\n")
		switch {
		case i%2 == 0:
		case kind == "yaml":
			objects := decode(t, body)
			if first == nil {
				first = objects
			} else {
				objects = append(objects, first...)
			}
			inv := inventory.New(objects...)
			u, err := generator.Observe(inv)
			if err != nil {
				t.Fatal(err)
			}
			env := environment()
			found := intents.Read(inv, u, &env, intents.Options{})
			for _, p := range found.Problems {
				t.Errorf("example %d: %s", examples, p)
			}
			lines = nil
			for _, w := range found.Wishes {
				if !described[w.Edge.Because[0].Object] {
					lines = append(lines, w.Namespace+": "+w.Edge.String())
				}
			}
			for _, o := range first {
				described[inventory.KeyOf(o)] = true
			}
			wishes += len(lines)
		case kind == "text":
			examples++
			parts[i] = "text\n" + strings.Join(lines, "\n") + "\n"
			if diff := cmp.Diff(parts[i], part); diff != "" && !*update {
				t.Errorf("example %d, -read +page (-update rewrites it):\n%s", examples, diff)
			}
		default:
			t.Errorf("a block of %q is checked by nobody", kind)
		}
	}
	if examples != 4 || wishes < 10 {
		t.Fatalf("%d examples, %d wishes", examples, wishes)
	}
	if *update {
		if err := os.WriteFile(page, []byte(strings.Join(parts, "```")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
