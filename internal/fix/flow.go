// SPDX-License-Identifier: Apache-2.0

package fix

import (
	"bytes"
	"slices"

	"go.yaml.in/yaml/v3"
)

// removeFlow removes entries of a flow collection, whose nodes come in steps of
// one (list) or two (mapping).
func (p *patch) removeFlow(n *yaml.Node, removed []int, step int, field string) error {
	cannot := func(at *yaml.Node) error {
		return refuse(at, field, "the value cannot be told from what surrounds it")
	}
	for i := 0; i < len(n.Content); i += step {
		if !slices.Contains(removed, i) {
			continue
		}
		run := i // the removed entries that follow each other
		for run+step < len(n.Content) && slices.Contains(removed, run+step) {
			run += step
		}
		start, end := p.offset(n.Content[i]), p.flowEnd(n.Content[run+step-1])
		switch {
		case run+step < len(n.Content):
			end = p.offset(n.Content[run+step])
		case i > 0:
			start = p.flowEnd(n.Content[i-1])
		}
		if start < 0 || end < start {
			return cannot(n.Content[i])
		}
		if bytes.IndexByte(p.text[start:end], '#') >= 0 {
			return refuse(n.Content[i], field, "a comment stands inside of what would be removed")
		}
		p.add(start, end, "")
		i = run
	}
	return nil
}

// addFlowPairs adds fields at the end of a flow mapping.
func (p *patch) addFlowPairs(n *yaml.Node, removed []int, added []string, values map[string]any, field string) error {
	quoted := len(n.Content) == 0 || n.Content[0].Style&yaml.DoubleQuotedStyle != 0
	at, separator := p.offset(n)+1, ""
	for i := 0; i+1 < len(n.Content); i += 2 {
		if slices.Contains(removed, i) {
			continue
		}
		at, separator = p.flowEnd(n.Content[i+1]), ", "
	}
	if at < 0 || separator == "" && len(n.Content) > 0 {
		return refuse(n, field, "the value cannot be told from what surrounds it")
	}
	for _, k := range added {
		name := plainText(k)
		if quoted {
			name = jsonText(k)
		}
		p.add(at, at, separator+name+": "+flowText(values[k], quoted))
		separator = ", "
	}
	return nil
}

// flowText renders a value inside of a flow collection.
func flowText(v any, quoted bool) string {
	if s, isString := v.(string); isString && !quoted {
		return plainText(s)
	}
	return jsonText(v)
}
