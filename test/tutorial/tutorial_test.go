// SPDX-License-Identifier: Apache-2.0

// Package tutorial runs the pages that people follow step by step: it writes the
// files that they show, runs the commands, and compares what is printed.
//
// A block "yaml file=NAME" is a file. In a block "console", a line that begins
// with "$ " is a command; the lines below it are what it prints, and "..." stands
// for any number of lines. Blocks of other kinds are not run.
package tutorial

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/internal/command"
)

// block is a fenced part of a page.
type block struct {
	info  string
	line  int
	lines []string
}

func blocks(t *testing.T, page string) []block {
	t.Helper()
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var out []block
	open := false
	for i, line := range strings.Split(string(raw), "\n") {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && !open:
			out = append(out, block{info: info, line: i + 1})
			open = true
		case fence:
			open = false
		case open:
			out[len(out)-1].lines = append(out[len(out)-1].lines, line)
		}
	}
	if open {
		t.Fatalf("%s: a block has no end", page)
	}
	return out
}

// step is a command and what it prints.
type step struct {
	command string
	want    []string
}

func steps(lines []string) []step {
	var out []step
	for _, line := range lines {
		if c, is := strings.CutPrefix(line, "$ "); is {
			out = append(out, step{command: c})
		} else if len(out) > 0 {
			out[len(out)-1].want = append(out[len(out)-1].want, line)
		}
	}
	return out
}

// shell runs commands as the pages have them.
type shell struct{ code int }

func (s *shell) run(t *testing.T, line string) string {
	t.Helper()
	if line == "echo $?" {
		return fmt.Sprintln(s.code)
	}
	line, file, redirected := strings.Cut(line, " > ")
	words := strings.Fields(line)
	if words[0] != "gatehouse" || strings.ContainsAny(line, `'"|;&`) {
		t.Fatalf("%q is none of the commands that can be run here", line)
	}
	var out, problems bytes.Buffer
	env := command.Environment{
		In: strings.NewReader(""), Out: &out, Err: &problems, Program: "gatehouse", Getenv: func(string) string { return "" },
		Now: func() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) },
	}
	s.code = command.Run(t.Context(), env, words[1:])
	if redirected {
		if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		out.Reset()
	}
	return out.String() + problems.String()
}

// same compares what is printed with what the page says.
func same(want, got []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0] == "..." {
		for skip := range len(got) + 1 {
			if same(want[1:], got[skip:]) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && strings.TrimRight(want[0], " ") == strings.TrimRight(got[0], " ") && same(want[1:], got[1:])
}

// printed are the lines of an output, without empty ones at its ends.
func printed(text string) []string {
	text = strings.Trim(text, "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// TestPagesDoWhatTheySay: the process changes its folder, so that pages run one
// after the other.
func TestPagesDoWhatTheySay(t *testing.T) {
	for _, page := range []string{"tutorial.md", "migration.md"} {
		t.Run(page, func(t *testing.T) {
			all := blocks(t, filepath.Join("..", "..", "docs", page))
			t.Chdir(t.TempDir())
			sh, ran := &shell{}, 0
			for _, b := range all {
				if _, name, is := strings.Cut(b.info, "yaml file="); is {
					if err := os.WriteFile(name, []byte(strings.Join(b.lines, "\n")+"\n"), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if b.info != "console" {
					continue
				}
				for _, s := range steps(b.lines) {
					got := printed(sh.run(t, s.command))
					if want := printed(strings.Join(s.want, "\n")); !same(want, got) {
						t.Errorf("%s:%d: %s: the page says\n%s\nand it prints\n%s", page, b.line, s.command, strings.Join(want, "\n"), strings.Join(got, "\n"))
					}
					ran++
				}
			}
			if ran < 3 {
				t.Errorf("only %d commands were run", ran)
			}
		})
	}
}

func TestDotsStandForLines(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		want, got string
		same      bool
	}{
		"the same lines":               {"a\nb", "a\nb", true},
		"one more":                     {"a", "a\nb", false},
		"one less":                     {"a\nb", "a", false},
		"dots for two":                 {"a\n...\nd", "a\nb\nc\nd", true},
		"dots for none":                {"...\na", "a", true},
		"dots do not stand for a word": {"...\na", "b", false},
		"nothing":                      {"", "", true},
		"something, and nothing said":  {"", "a", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := same(printed(tc.want), printed(tc.got)); got != tc.same {
				t.Errorf("got %v, want %v", got, tc.same)
			}
		})
	}
	if got := steps([]string{"$ gatehouse version", "v1", "$ echo $?", "0"}); len(got) != 2 || !slices.Equal(got[1].want, []string{"0"}) {
		t.Errorf("the steps are %v", got)
	}
}
