// SPDX-License-Identifier: Apache-2.0

package fix

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// splice replaces the bytes from start to end.
type splice struct {
	start, end int
	text       string
}

// patch collects splices of a text.
type patch struct {
	layout
	splices []splice
}

func newPatch(text []byte) *patch { return &patch{layout: newLayout(text)} }

func (p *patch) add(start, end int, text string) {
	p.splices = append(p.splices, splice{start, end, text})
}

// apply makes all splices, which must not overlap.
func (p *patch) apply() ([]byte, error) {
	slices.SortStableFunc(p.splices, func(a, b splice) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end))
	})
	var out []byte
	at := 0
	for _, s := range p.splices {
		if s.start < at || s.end < s.start || s.end > len(p.text) {
			return nil, &RefusalError{Why: "two changes meet in one place"}
		}
		out = append(out, p.text[at:s.start]...)
		out = append(out, s.text...)
		at = s.end
	}
	return append(out, p.text[at:]...), nil
}

func refuse(n *yaml.Node, field, why string) error {
	return &RefusalError{Line: n.Line, Field: field, Why: why}
}

// value brings a node from one value to another.
func (p *patch) value(n *object, before, after any, field string) error {
	return p.node(n.Node, before, after, field)
}

func (p *patch) node(n *yaml.Node, before, after any, field string) error {
	if reflect.DeepEqual(before, after) {
		return nil
	}
	if n.Kind == yaml.AliasNode {
		return refuse(n, field, "the value is an alias, which other places share")
	}
	if n.Anchor != "" {
		return refuse(n, field, "the value has an anchor, which other places may share")
	}
	switch a := after.(type) {
	case map[string]any:
		if b, ok := before.(map[string]any); ok && n.Kind == yaml.MappingNode {
			return p.mapping(n, b, a, field)
		}
	case []any:
		if b, ok := before.([]any); ok && n.Kind == yaml.SequenceNode {
			return p.sequence(n, b, a, field)
		}
	default:
		if n.Kind == yaml.ScalarNode {
			return p.scalar(n, after, field)
		}
	}
	return refuse(n, field, "the value changes its shape")
}

func (p *patch) scalar(n *yaml.Node, after any, field string) error {
	start, end, ok := p.scalarSpan(n)
	if !ok {
		return refuse(n, field, "the value spans several lines or has a tag")
	}
	p.add(start, end, scalarText(after, n.Style))
	return nil
}

// scalarText renders a scalar in the style of the one that it replaces.
func scalarText(v any, style yaml.Style) string {
	s, isString := v.(string)
	if !isString {
		return jsonText(v)
	}
	switch {
	case style&yaml.DoubleQuotedStyle != 0:
		return jsonText(s)
	case style&yaml.SingleQuotedStyle != 0 && !strings.ContainsAny(s, "\n\r\t"):
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	return plainText(s)
}

// plainText writes a string without quotes where that is the same in every
// context.
func plainText(s string) string {
	out, err := yaml.Marshal(s)
	text := strings.TrimSuffix(string(out), "\n")
	if err != nil || strings.ContainsAny(text, ",[]{}#:&*!|>%@`\n") {
		return jsonText(s)
	}
	return text
}

// jsonText is valid YAML as well: every JSON value is.
func jsonText(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "null" // decoded JSON can always be encoded; verify would notice
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (p *patch) mapping(n *yaml.Node, before, after map[string]any, field string) error {
	var removed []int
	var added []string
	for _, k := range slices.Sorted(maps.Keys(before)) {
		if _, kept := after[k]; kept {
			continue
		}
		i := pairOf(n, k)
		if i < 0 {
			return refuse(n, join(field, k), "the field is merged in from elsewhere")
		}
		removed = append(removed, i)
	}
	for _, k := range slices.Sorted(maps.Keys(after)) {
		i := pairOf(n, k)
		old, had := before[k]
		switch {
		case had && reflect.DeepEqual(old, after[k]):
		case had && i < 0:
			return refuse(n, join(field, k), "the field is merged in from elsewhere")
		case had:
			if err := p.node(n.Content[i+1], old, after[k], join(field, k)); err != nil {
				return err
			}
		case i >= 0:
			return refuse(n, join(field, k), "the field is there without a value")
		default:
			added = append(added, k)
		}
	}
	slices.Sort(removed)
	if err := p.removePairs(n, removed, field); err != nil {
		return err
	}
	return p.addPairs(n, removed, added, after, field)
}

func (p *patch) sequence(n *yaml.Node, before, after []any, field string) error {
	if len(n.Content) != len(before) {
		return refuse(n, field, "the list is not the one that was read")
	}
	if len(before) == len(after) {
		for i := range before {
			if err := p.node(n.Content[i], before[i], after[i], fmt.Sprintf("%s[%d]", field, i)); err != nil {
				return err
			}
		}
		return nil
	}
	if keep, ok := subsequence(before, after); ok {
		return p.removeItems(n, keep, field)
	}
	if extends(before, after) {
		return p.addItems(n, after[len(before):], field)
	}
	return refuse(n, field, "elements of the list change while others come or go")
}

func join(field, key string) string {
	switch {
	case strings.ContainsAny(key, "./"):
		return field + "[" + key + "]"
	case field == "":
		return key
	}
	return field + "." + key
}
