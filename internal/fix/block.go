// SPDX-License-Identifier: Apache-2.0

package fix

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// pairEnd is the last line of a pair of a block mapping, -1 when it cannot be
// told.
func (p *patch) pairEnd(key, value *yaml.Node) int {
	if value.Kind != yaml.AliasNode && value.Kind != yaml.ScalarNode && isFlow(value) {
		end := p.flowEnd(value)
		if end < 0 {
			return -1
		}
		return p.lineOf(end)
	}
	return p.blockEnd(key.Line, key.Column-1, value.Kind == yaml.SequenceNode)
}

// inlineKey says how a key stands on its line.
type inlineKey uint8

const (
	ownLine   inlineKey = iota // only spaces before it
	afterDash                  // first key of a list item
	elsewhere                  // something else before it
)

func (p *patch) standing(key *yaml.Node) inlineKey {
	before := string(p.text[p.lineStart(key.Line):p.offset(key)])
	rest := strings.TrimSpace(before)
	switch {
	case rest == "":
		return ownLine
	case strings.Trim(rest, "- ") == "" && strings.HasSuffix(before, " "):
		return afterDash
	}
	return elsewhere
}

// removePairs removes the pairs whose keys stand at the indexes of n.Content.
func (p *patch) removePairs(n *yaml.Node, removed []int, field string) error {
	if len(removed) == 0 {
		return nil
	}
	if isFlow(n) {
		return p.removeFlow(n, removed, 2, field)
	}
	if 2*len(removed) == len(n.Content) {
		return p.emptyBlock(n, "{}", field)
	}
	lead := 0 // pairs removed from the beginning of a list item
	if p.standing(n.Content[0]) == afterDash {
		for lead < len(removed) && removed[lead] == 2*lead {
			lead++
		}
	}
	if lead > 0 {
		if err := p.removeLead(n, lead, field); err != nil {
			return err
		}
	}
	for _, i := range removed[lead:] {
		key, value := n.Content[i], n.Content[i+1]
		last := p.pairEnd(key, value)
		if p.standing(key) != ownLine || last < 0 {
			return refuse(key, join(field, key.Value), "the field cannot be told from what surrounds it")
		}
		p.add(p.lineStart(key.Line), p.lineStart(last+1), "")
	}
	return nil
}

// removeLead removes the first pairs of a list item, so that the next one, or a
// comment of its own line before it, moves behind the dash.
func (p *patch) removeLead(n *yaml.Node, lead int, field string) error {
	first, next := n.Content[0], n.Content[2*lead]
	last := p.pairEnd(n.Content[2*lead-2], n.Content[2*lead-1])
	if last < 0 || p.standing(next) != ownLine {
		return refuse(first, join(field, first.Value), "the field cannot be told from what surrounds it")
	}
	end := p.offset(next)
	for line := last + 1; line < next.Line; line++ {
		if text := p.line(line); strings.TrimSpace(text) != "" {
			end = p.lineStart(line) + len(text) - len(strings.TrimLeft(text, " \t"))
			break
		}
	}
	p.add(p.offset(first), end, "")
	return nil
}

// emptyBlock replaces all of a block collection by an empty flow one.
func (p *patch) emptyBlock(n *yaml.Node, empty, field string) error {
	start := p.offset(n)
	last := p.blockEnd(n.Line, n.Column-1, true)
	if n.Kind == yaml.MappingNode {
		last = p.pairEnd(n.Content[len(n.Content)-2], n.Content[len(n.Content)-1])
	}
	if last < 0 || p.standing(n) == elsewhere {
		return refuse(n, field, "the value cannot be told from what surrounds it")
	}
	p.add(start, p.lineStart(last)+len(p.line(last)), empty)
	return nil
}

// addPairs adds fields to a mapping: behind its last field that takes one line,
// where there is one.
func (p *patch) addPairs(n *yaml.Node, removed []int, added []string, values map[string]any, field string) error {
	if len(added) == 0 {
		return nil
	}
	if isFlow(n) {
		return p.addFlowPairs(n, removed, added, values, field)
	}
	anchor, kept := -1, -1
	for i := 0; i+1 < len(n.Content); i += 2 {
		if slices.Contains(removed, i) {
			continue
		}
		kept = i
		if n.Content[i+1].Kind == yaml.ScalarNode && p.pairEnd(n.Content[i], n.Content[i+1]) == n.Content[i].Line {
			anchor = i
		}
	}
	if anchor < 0 {
		anchor = kept
	}
	if anchor < 0 {
		return refuse(n, field, "every field of the value changes")
	}
	last := p.pairEnd(n.Content[anchor], n.Content[anchor+1])
	if last < 0 {
		return refuse(n, field, "the value cannot be told from what surrounds it")
	}
	var lines []string
	for _, k := range added {
		more, err := blockText(map[string]any{k: values[k]})
		if err != nil {
			return refuse(n, join(field, k), err.Error())
		}
		lines = append(lines, more...)
	}
	p.addLines(last, strings.Repeat(" ", n.Content[0].Column-1), lines)
	return nil
}

// addLines puts lines behind a line of the text.
func (p *patch) addLines(behind int, indent string, lines []string) {
	var b strings.Builder
	at := p.lineStart(behind + 1)
	endless := at == len(p.text) && !bytes.HasSuffix(p.text, []byte("\n"))
	for _, line := range lines {
		if endless {
			b.WriteString(p.newline() + indent + line)
		} else {
			b.WriteString(indent + line + p.newline())
		}
	}
	p.add(at, at, b.String())
}

// blockText renders a value in block style, two spaces deep.
func blockText(v any) ([]string, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(plainNumbers(v)); err != nil {
		return nil, err
	}
	if err := enc.Close(); err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimRight(b.String(), "\n"), "\n"), nil
}

// plainNumbers turns json.Number, which YAML would quote, into numbers.
func plainNumbers(v any) any {
	switch t := v.(type) {
	case json.Number:
		if i, err := t.Int64(); err == nil {
			return i
		}
		if f, err := t.Float64(); err == nil {
			return f
		}
		return t.String()
	case map[string]any:
		out := make(map[string]any, len(t))
		for k, e := range t {
			out[k] = plainNumbers(e)
		}
		return out
	case []any:
		out := make([]any, len(t))
		for i, e := range t {
			out[i] = plainNumbers(e)
		}
		return out
	}
	return v
}

// removeItems keeps the items of a list at the given indexes.
func (p *patch) removeItems(n *yaml.Node, keep []int, field string) error {
	var removed []int
	for i := range n.Content {
		if !slices.Contains(keep, i) {
			removed = append(removed, i)
		}
	}
	if isFlow(n) {
		return p.removeFlow(n, removed, 1, field)
	}
	if len(keep) == 0 {
		return p.emptyBlock(n, "[]", field)
	}
	for _, i := range removed {
		item := n.Content[i]
		text := p.line(item.Line)
		dash := indentOf(text)
		if dash != n.Column-1 || !strings.HasPrefix(text[dash:], "- ") {
			return refuse(item, field, "the element cannot be told from what surrounds it")
		}
		p.add(p.lineStart(item.Line), p.lineStart(p.blockEnd(item.Line, dash, false)+1), "")
	}
	return nil
}

// addItems appends items to a list.
func (p *patch) addItems(n *yaml.Node, items []any, field string) error {
	if isFlow(n) {
		end := p.flowEnd(n)
		if end < 0 || len(n.Content) == 0 {
			return refuse(n, field, "the list cannot be told from what surrounds it")
		}
		at := p.flowEnd(n.Content[len(n.Content)-1])
		for _, item := range items {
			p.add(at, at, ", "+jsonText(item))
		}
		return nil
	}
	last := n.Content[len(n.Content)-1]
	dash := indentOf(p.line(last.Line))
	if dash != n.Column-1 {
		return refuse(n, field, "the list cannot be told from what surrounds it")
	}
	lines, err := blockText(items)
	if err != nil {
		return refuse(n, field, err.Error())
	}
	p.addLines(p.blockEnd(last.Line, dash, false), strings.Repeat(" ", dash), lines)
	return nil
}
