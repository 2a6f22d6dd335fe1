// SPDX-License-Identifier: Apache-2.0

package files

import (
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// emitter writes nodes as JSON: aliases expanded, merge keys applied, scalars
// resolved. Its budget, one for a whole document, is spent per byte and per node
// visited, so a document whose aliases multiply ends in an error and not in
// memory.
type emitter struct {
	out    []byte
	budget *int
	marks  []mark // where values start; recorded only on demand
	record bool
	inside map[*yaml.Node]bool // anchors being expanded
}

// mark says which line the JSON from an offset on came from.
type mark struct {
	offset int
	line   int
}

// emit returns the JSON of a node and takes its cost from the budget.
func emit(n *yaml.Node, budget *int) ([]byte, error) {
	e := emitter{budget: budget}
	if err := e.node(n, 0); err != nil {
		return nil, err
	}
	return e.out, nil
}

// lineAt returns the line of the value that stands at an offset of emit's
// output.
func lineAt(n *yaml.Node, offset int64) int {
	budget := maxExpanded
	e := emitter{budget: &budget, record: true}
	if err := e.node(n, 0); err != nil {
		return n.Line
	}
	line := n.Line
	for _, m := range e.marks {
		if int64(m.offset) >= offset {
			break
		}
		line = m.line
	}
	return line
}

func (e *emitter) spend(n *yaml.Node, cost int) error {
	*e.budget -= cost
	if *e.budget < 0 {
		return at(n.Line, "expands to more than %d bytes", maxExpanded)
	}
	return nil
}

func (e *emitter) node(n *yaml.Node, depth int) error {
	if e.record {
		e.marks = append(e.marks, mark{len(e.out), n.Line})
	}
	if depth > inventory.MaxDepth {
		return at(n.Line, "nests deeper than %d levels", inventory.MaxDepth)
	}
	if err := e.spend(n, 1); err != nil {
		return err
	}
	switch n.Kind {
	case yaml.MappingNode:
		return e.mapping(n, depth)
	case yaml.SequenceNode:
		return e.sequence(n, depth)
	case yaml.AliasNode:
		return e.alias(n, depth)
	case yaml.ScalarNode:
		return e.scalar(n)
	case yaml.DocumentNode:
	}
	return at(n.Line, "is not a value")
}

func (e *emitter) alias(n *yaml.Node, depth int) error {
	if err := e.open(n); err != nil {
		return err
	}
	defer e.close(n)
	return e.node(n.Alias, depth+1)
}

func (e *emitter) open(alias *yaml.Node) error {
	if e.inside[alias.Alias] {
		return at(alias.Line, "anchor %q contains itself", alias.Value)
	}
	if e.inside == nil {
		e.inside = map[*yaml.Node]bool{}
	}
	e.inside[alias.Alias] = true
	return nil
}

func (e *emitter) close(alias *yaml.Node) { delete(e.inside, alias.Alias) }

func (e *emitter) sequence(n *yaml.Node, depth int) error {
	e.out = append(e.out, '[')
	for i, c := range n.Content {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		if err := e.node(c, depth+1); err != nil {
			return err
		}
	}
	e.out = append(e.out, ']')
	return nil
}

func (e *emitter) mapping(n *yaml.Node, depth int) error {
	entries, err := e.entries(n, depth)
	if err != nil {
		return err
	}
	e.out = append(e.out, '{')
	for i, p := range entries.pairs {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		if err := e.text(p.value, p.key); err != nil {
			return err
		}
		e.out = append(e.out, ':')
		if err := e.node(p.value, depth+1); err != nil {
			return err
		}
	}
	e.out = append(e.out, '}')
	return nil
}

func (e *emitter) scalar(n *yaml.Node) error {
	v, err := valueOf(n)
	if err != nil {
		return at(n.Line, "%w", err)
	}
	before := len(e.out)
	switch v := v.(type) {
	case nil:
		e.out = append(e.out, "null"...)
	case bool:
		e.out = strconv.AppendBool(e.out, v)
	case int64:
		e.out = strconv.AppendInt(e.out, v, 10)
	case uint64:
		e.out = strconv.AppendUint(e.out, v, 10)
	case json.Number:
		e.out = append(e.out, v...)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return at(n.Line, "%s has no form in JSON", n.Value)
		}
		b, err := json.Marshal(v)
		if err != nil {
			return at(n.Line, "%w", err)
		}
		e.out = append(e.out, b...)
	case string:
		return e.text(n, v)
	}
	return e.spend(n, len(e.out)-before)
}

// text writes a string.
func (e *emitter) text(n *yaml.Node, s string) error {
	before := len(e.out)
	if isPlainText(s) {
		e.out = append(e.out, '"')
		e.out = append(e.out, s...)
		e.out = append(e.out, '"')
	} else {
		b, err := json.Marshal(s)
		if err != nil {
			return at(n.Line, "%w", err)
		}
		e.out = append(e.out, b...)
	}
	return e.spend(n, len(e.out)-before)
}

// isPlainText reports whether a string is its own JSON form but for the quotes.
func isPlainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
