// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestThePageOfNetworks runs the commands on the console of docs/network.md over
// the files that it shows, in their folder: names of files stand in the policies, and
// longer ones move their lines. Both outputs are shown, as on a console. -update
// writes what they print into the page.
func TestThePageOfNetworks(t *testing.T) { //nolint:paralleltest // it changes the working directory
	page, err := filepath.Abs("../../docs/network.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	names := []string{"app.yaml", "by-hand.yaml"}
	parts := strings.Split(string(text), "```")
	commands, files := 0, 0
	for i, part := range parts {
		kind, body, _ := strings.Cut(part, "\n")
		switch {
		case i%2 == 0:
		case kind == "yaml" && files < len(names):
			if err := os.WriteFile(names[files], []byte(body), 0o600); err != nil {
				t.Fatal(err)
			}
			files++
		case kind == "console":
			got := "console\n"
			for _, block := range strings.Split(body, "$ ")[1:] {
				line, _, _ := strings.Cut(block, "\n")
				got += "$ " + line + "\n" + onConsole(t, line)
				commands++
			}
			if *update {
				parts[i] = got
			} else if diff := cmp.Diff(part, got); diff != "" {
				t.Errorf("(want -, got +):\n%s", diff)
			}
		default:
			t.Errorf("a block of kind %q is not tested", kind)
		}
	}
	if files != len(names) || commands < 6 {
		t.Fatalf("%d files, %d commands", files, commands)
	}
	if *update {
		if err := os.WriteFile(page, []byte(strings.Join(parts, "```")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// onConsole runs a command.
func onConsole(t *testing.T, line string) string {
	t.Helper()
	var out bytes.Buffer
	code := Run(t.Context(), Environment{Out: &out, Err: &out, Program: "gatehouse", Getenv: os.Getenv, Now: time.Now}, strings.Fields(line)[1:])
	if code == ExitFault {
		t.Errorf("%s: exit %d: %s", line, code, out.String())
	}
	return out.String()
}
