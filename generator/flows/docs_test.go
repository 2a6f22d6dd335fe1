// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// example returns the block of a language in the page.
func example(t *testing.T, page, language string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, "```"+language+"\n")
	text, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatalf("the page has no example of %s", language)
	}
	return text
}

func TestTheExamplesOfThePageAreRead(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/flows.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for language, want := range map[string]string{
		"json": "Deployment shop/web -> Deployment shop/carts TCP/8081 certain; Deployment shop/web -> Service shop/carts TCP/80 likely; Deployment shop/web -> api.example.com TCP/443 guessed",
		"csv":  "Deployment shop/web -> Deployment shop/carts TCP/8081 certain; replies",
	} {
		r, stats := collect(t, world(t), example(t, page, language))
		if d := cmp.Diff(want, describe(&r)); d != "" || stats.Broken > 0 {
			t.Errorf("%s: %+v (want -, got +):\n%s", language, stats, d)
		}
	}
	for column := range columns {
		part := strings.TrimPrefix(strings.TrimPrefix(column, "source_"), "destination_")
		if !strings.Contains(page, "`"+column+"`") && !strings.Contains(page, "`"+part+"`") {
			t.Errorf("the page does not name the column %s", column)
		}
	}
}
