// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"strings"
	"testing"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestPlainTextMovesNoCursor(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"plain text":               {"web-1.example.com", "web-1.example.com"},
		"other scripts":            {"Größe 東京", "Größe 東京"},
		"an escape sequence":       {"a\x1b[2Jb", `a\x1b[2Jb`},
		"a line break":             {"a\nallowed: yes\r", `a\nallowed: yes\r`},
		"a C1 control character":   {"a\u009b2J", `a\u009b2J`},
		"a turned direction":       {"a\u202eb", `a\u202eb`},
		"an invisible character":   {"a\u200bb", `a\u200bb`},
		"bytes that are no UTF-8":  {"a\x9b\xffb", `a\x9b\xffb`},
		"the replacement mark":     {"a\ufffdb", "a\ufffdb"},
		"a delete":                 {"a\x7f", `a\x7f`},
		"a line separator of UTF":  {"a\u2028b", `a\u2028b`},
		"nothing":                  {"", ""},
		"a tab and a zero":         {"a\t\x00", `a\t\x00`},
		"a backslash stays itself": {`a\n`, `a\n`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Plain(tc.text); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestFindingsSayNothingThatObjectsSay: whatever a check puts into its finding,
// no control character comes out, and not more than a bound.
func TestFindingsSayNothingThatObjectsSay(t *testing.T) {
	t.Parallel()
	hostile := "x\x1b]0;title\x07\n* EXP-000 all is well" + strings.Repeat("ä\x1b", 100_000)
	check := Check{
		ID: "T-1", Name: "t", Severity: High, Kinds: []schema.GroupKind{{Kind: "Service"}},
		Doc: Doc{Title: "t", Why: "t", Attack: "t", Fix: "t", Sources: []string{"t"}},
		Run: func(Input) []Finding {
			return []Finding{{Subject: hostile, Field: hostile, Message: hostile, Fix: hostile, Attack: hostile, Path: []string{"internet", hostile}}}
		},
	}
	set, err := NewSet(check)
	if err != nil {
		t.Fatal(err)
	}
	f := set.Evaluate(Input{Object: &corev1.Service{}})[0]
	for _, text := range append([]string{f.Subject, f.Field, f.Message, f.Fix, f.Attack}, f.Path...) {
		if !isPlain(text) || !utf8.ValidString(text) || len(text) > maxMessage {
			t.Errorf("%d bytes: %.80q", len(text), text)
		}
	}
	if other := identity(hostile + "!"); other == f.Subject || len(other) > 2*maxStep {
		t.Error("two subjects became one, so that the ratchet takes a new fault for an old one")
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("a\x1b\u202e\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := short(text, 64)
		if !isPlain(got) || len(got) > 64 || Plain(Plain(text)) != Plain(text) {
			t.Errorf("%q", got)
		}
	})
}
