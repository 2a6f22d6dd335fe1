// SPDX-License-Identifier: Apache-2.0

package files

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestScalarsAreThoseOfKubectl compares with the library that kubectl reads YAML
// with.
func TestScalarsAreThoseOfKubectl(t *testing.T) {
	t.Parallel()
	n := 0
	for s := range strings.FieldsSeq(`yes no on off y n Y N true True TRUE tRue null ~ Null 0 00 0777 0o17 0x1F 0b101 -0b101 -1 +1 1_000 _1
		1.5 .5 5. 1e3 1E-3 +.5 -.5 ._5 .e 1e400 .inf -.Inf .nan 2001-01-01 2001-01-01T00:00:00Z 12:30:45 1:20 9223372036854775807
		9223372036854775808 18446744073709551615 18446744073709551616 0x10000000000000000 a-b <<x = !!str
		'5' "5" !!str\ 5 !!int\ 5 !!float\ 5 !!int\ a !!bool\ "yes" !!null\ x !!binary\ aGk= !foo\ 5 "\x41\u00e9" 0. 08 1__0 - + -x 0x 3d`) {
		s = strings.ReplaceAll(s, `\ `, " ")
		text := "k: " + s + "\n" + s + ": v\n"
		for _, text := range []string{"k: " + s + "\n", s + ": v\n", text} {
			compareWithKubectl(t, text)
			n++
		}
	}
	for _, text := range []string{
		"a: &a {x: 1}\nb: {<<: *a, x: 2}\n", "a: &a {x: 1}\nb: {x: 2, <<: *a}\n", "a: &a {x: 1}\nc: &c {x: 3, y: 4}\nb: {<<: [*a, *c]}\n",
		"a: |\n  text\n  more\nb: >-\n  folded\n  text\n", "a: \"\\\n  x\"\n", "a: !!set {x, y}\n", "? a\n: b\n", "a:\n- - b\n  - c\n", "{a: b, c}\n",
	} {
		compareWithKubectl(t, text)
		n++
	}
	if n < 100 {
		t.Fatal("too few cases ran")
	}
}

// compareWithKubectl fails when both read a text and differ, or when only
// kubectl reads it. What only we read does no harm: kubectl refuses it.
func compareWithKubectl(t *testing.T, text string) {
	t.Helper()
	want, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		if want, err = yaml.YAMLToJSON([]byte(text)); err != nil || bytes.Count(want, []byte(":")) < 2 {
			return
		}
	}
	nodes, err := parse([]byte(text))
	if err != nil || len(nodes) != 1 {
		t.Errorf("%q: kubectl reads %s, we get %v", text, want, err)
		return
	}
	budget := maxExpanded
	got, err := emit(nodes[0], &budget)
	if err != nil {
		t.Errorf("%q: kubectl reads %s, we get %v", text, want, err)
		return
	}
	if normal(t, got) != normal(t, want) {
		t.Errorf("%q: got %s, kubectl reads %s", text, got, want)
	}
}

func normal(t *testing.T, json []byte) string {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(json, &v); err != nil {
		t.Fatalf("%s: %v", json, err)
	}
	return fmt.Sprintf("%#v", v)
}
