// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// hostile is a name that Kubernetes or a file may hold: an escape sequence, a line
// break before a manifest, a mark that turns the writing, a control character of the
// second table, a character beyond four digits.
const hostile = "x\x1b]0;t\x07\r\n---\nkind: Secret\n\u202e\u200b\u009b31m\x7f\U000e0001"

// hiddenIn returns the first character of a text that does not print.
func hiddenIn(text string) string {
	if i := strings.IndexFunc(text, hidden); i >= 0 {
		return text[max(i-20, 0):min(i+20, len(text))]
	}
	return ""
}

func TestMachineFormsSayWhatTheNameIs(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"a plain name": "web", "a hostile one": hostile, "a mark alone": "a\u202eb", "the second table": "\u009b31m"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := map[string]string{"name": value, value: "key"}
			var asJSON, asYAML bytes.Buffer
			if err := EncodeJSON(&asJSON, want); err != nil {
				t.Fatal(err)
			}
			if err := EncodeYAML(&asYAML, want); err != nil {
				t.Fatal(err)
			}
			var fromJSON, fromYAML map[string]string
			if err := json.Unmarshal(asJSON.Bytes(), &fromJSON); err != nil {
				t.Fatal(err)
			}
			if err := yaml.Unmarshal(asYAML.Bytes(), &fromYAML); err != nil {
				t.Fatalf("%s\n%v", asYAML.String(), err)
			}
			if d := cmp.Diff(want, fromJSON) + cmp.Diff(want, fromYAML); d != "" {
				t.Errorf("(want -, got +):\n%s", d)
			}
			if h := hiddenIn(asJSON.String() + asYAML.String()); h != "" {
				t.Errorf("hidden characters in %q", h)
			}
		})
	}
}

// TestYAMLIsThatOfKubernetes compares with the library that Kubernetes writes with.
func TestYAMLIsThatOfKubernetes(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{
		"nothing": nil, "numbers": []any{0, -1, int64(1) << 62, 1.5, 3.0, 1e21, 1e-7, uint16(8080)},
		"words that are no words": []string{"yes", "no", "on", "~", "null", "1", "0x1", "1e3", "08", "2026-11-22", "", " ", "a: b", "# c", "- d", "*", "&e", "%", "@", "`", "<&>"},
		"several lines":           "first\nsecond\n", "a long one": strings.Repeat("word ", 60), "line ends": "a\u2028b\u2029c\u0085", "controls": "a\tb\x07", "other letters": "größe 漢字",
		"empty": map[string]any{"list": []string{}, "map": map[string]int{}, "none": []int(nil)},
		"keys":  map[string]int{"b10": 1, "b9": 2, "B": 3, "yes": 4, "1": 5, "a-b": 6, "a.b": 7, "": 8},
		"an object": &struct {
			Kind string         `json:"kind"`
			Spec map[string]any `json:"spec,omitempty"`
		}{"NetworkPolicy", map[string]any{"ports": []any{map[string]any{"port": 53, "protocol": "UDP"}, map[string]any{"port": "http"}}, "ok": true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := yaml.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := EncodeYAML(&got, value); err != nil {
				t.Fatal(err)
			}
			if hiddenIn(string(want)) == "" && got.String() != string(want) {
				t.Errorf("got\n%swant\n%s", got.String(), want)
			}
		})
	}
}

// TestNoFormLetsAHiddenCharacterThrough writes a report in which everything that
// comes from a file or a cluster is hostile. What a check says is made plain when
// the check is run, which checks.Set does and is tested there.
func TestNoFormLetsAHiddenCharacterThrough(t *testing.T) {
	t.Parallel()
	object := Object{APIVersion: "v1", Kind: hostile, Namespace: hostile, Name: hostile}
	words := checks.Plain(hostile)
	r := &Report{
		Objects:  []Judged{{Object: object, File: hostile, Line: 1}, {Object: Object{Kind: hostile, Name: "other"}, File: hostile}},
		Faults:   []Fault{{File: hostile, Line: 2, Message: hostile}},
		Findings: []Finding{{Check: "RBAC-001", Name: "n", Severity: "high", Action: "deny", Object: object, Subject: words, Message: words, Path: []string{words}, File: hostile, Line: 3, Fails: true}},
	}
	r.Finish()
	formats := Formats()
	if len(formats) == 0 {
		t.Fatal("no formats")
	}
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := Write(&b, format, r, Options{}); err != nil {
				t.Fatal(err)
			}
			text := b.String()
			if h := hiddenIn(text); h != "" {
				t.Errorf("hidden characters in %q", h)
			}
			if strings.Contains(text, "\nkind: Secret") {
				t.Errorf("a name forges a line of\n%s", text)
			}
			if format == "junit" {
				for dec := xml.NewDecoder(&b); ; {
					if _, err := dec.Token(); err != nil {
						if err.Error() != "EOF" {
							t.Error(err)
						}
						break
					}
				}
			}
		})
	}
}

func TestVisibleKeepsLinesAndTabs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, want string }{
		"nothing":                  {"", ""},
		"lines and tabs":           {"a\tb\n\n-\tc\n", "a\tb\n\n-\tc\n"},
		"no line break at the end": {"a\nb", "a\nb"},
		"an escape sequence":       {"a\x1b[2J\nb\u009b31m\u202e", "a\\x1b[2J\nb\\u009b31m\\u202e"},
		"a carriage return":        {"a\rb\n", "a\\rb\n"},
		"bytes that are no UTF-8":  {"a\xff\n", "a\\xff\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := string(Visible([]byte(tc.in))); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	if !slices.ContainsFunc([]rune(hostile), unicode.IsControl) {
		t.Fatal("nothing is hostile")
	}
}
