// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

const page = "../../docs/convert.md"

// TestThePageHasEveryAnnotation compares docs/convert.md with the tables.
func TestThePageHasEveryAnnotation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- annotations -->\n", "<!-- end -->\n"
	before, rest, found := bytes.Cut(text, []byte(begin))
	_, after, ends := bytes.Cut(rest, []byte(end))
	if !found || !ends {
		t.Fatal("the page has no place for the annotations")
	}
	want := slices.Concat(before, []byte(begin), annotations(), []byte(end), after)
	if *update {
		if err := os.WriteFile(page, want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(text, want) {
		t.Errorf("%s is not what the tables say: go test ./internal/convert -run Page -update", page)
	}
}

// annotations is a table for each controller.
func annotations() []byte {
	var b bytes.Buffer
	for _, c := range Controllers() {
		fmt.Fprintf(&b, "\n### %s (%d)\n\n| annotation | | becomes | remark |\n|---|---|---|---|\n", c.Title, len(c.Annotations))
		for i := range c.Annotations {
			a := &c.Annotations[i]
			becomes, mark := a.Outcome.String(), ""
			switch {
			case a.Of != "":
				becomes = fmt.Sprintf("goes with `%s`", a.Of)
			case a.Outcome == Converted:
				becomes = cmp.Or(a.To, "Gateway")
			}
			if a.Closes {
				mark = "!"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", a.Name, mark, becomes, strings.ReplaceAll(a.Say, "|", `\|`))
		}
	}
	b.WriteByte('\n')
	return b.Bytes()
}
