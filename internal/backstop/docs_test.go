// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the table of docs/backstop.md")

const begin, end = "<!-- begin checks -->\n", "<!-- end checks -->\n"

// TestTheDocumentListsTheBackstops compares the table of the document with the
// checks.
func TestTheDocumentListsTheBackstops(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "backstop.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(raw), begin)
	got, tail, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatal("the marks of the table are missing")
	}
	var b strings.Builder
	b.WriteString("| check | backstop | what is left to the webhook |\n|---|---|---|\n")
	n := 0
	for _, c := range catalogue(t).Checks() {
		if c.Backstop == nil {
			continue
		}
		n++
		kind, left := "all", ""
		if c.Backstop.Partial != "" {
			kind, left = "part", c.Backstop.Partial
		}
		fmt.Fprintf(&b, "| [%s](checks/%s.md) %s | %s | %s |\n", c.ID, c.ID, c.Name, kind, left)
	}
	if n == 0 {
		t.Fatal("no check has a backstop")
	}
	if *update {
		if err := os.WriteFile(path, []byte(head+begin+b.String()+end+tail), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(b.String(), got); diff != "" {
		t.Errorf("the table is not up to date; run with -update (want -, got +):\n%s", diff)
	}
}
