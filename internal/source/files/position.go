// SPDX-License-Identifier: Apache-2.0

package files

import (
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Positions maps the field paths of one object to lines. It keeps the text of
// the document and parses it at the first question, because few objects have
// findings. Safe for concurrent use; a nil Positions knows nothing.
type Positions struct {
	doc   *document
	steps []int // indexes into the items of nested Lists
	file  string
	line  int // of the object's first key
}

// document is a text shared by the objects in it.
type document struct {
	text  []byte
	line  int // of the text's first line in its file, 1-based
	index int // which node of the text
	left  int // what may still be spent on expanding it

	nodes func() []*yaml.Node // of the text: several values of JSON stand in one
}

// nodesOf parses a text at the first question, and no more than once.
func nodesOf(text []byte) func() []*yaml.Node {
	return sync.OnceValue(func() []*yaml.Node {
		nodes, _ := parse(text) // it was parsed before; what could be read then can be read now
		return nodes
	})
}

func (d *document) node() *yaml.Node {
	if nodes := d.nodes(); d.index < len(nodes) {
		return nodes[d.index]
	}
	return nil
}

// Locate returns the place of a field such as "spec.ports[0].nodePort" or
// "metadata.annotations[kubernetes.io/ingress.class]", a key with dots standing
// in brackets. Of an absent field, the place of its nearest existing ancestor is
// returned; of an empty path, that of the object.
func (p *Positions) Locate(field string) (file string, line int) {
	if p == nil {
		return "", 0
	}
	if p.doc == nil || field == "" {
		return p.file, p.line
	}
	n := p.doc.node()
	for _, i := range p.steps {
		n = element(value(n, "items"), i)
	}
	if n == nil {
		return p.file, p.line
	}
	line = p.line
	for _, step := range parsePath(field) {
		keyLine, next := descend(n, step)
		if next == nil {
			break
		}
		line, n = keyLine+p.doc.line-1, next
	}
	return p.file, line
}

// step is one step of a field path: a key, or an index.
type step struct {
	key   string
	index int // -1 for a key
}

// parsePath reads a field path. What stands in brackets is an index when it is
// a number, otherwise a key, quoted or not.
func parsePath(path string) []step {
	var out []step
	for path != "" {
		switch path[0] {
		case '.':
			path = path[1:]
		case '[':
			inside, rest, closed := strings.Cut(path[1:], "]")
			if !closed {
				return out
			}
			path = rest
			if i, err := strconv.Atoi(inside); err == nil && i >= 0 {
				out = append(out, step{key: inside, index: i})
				continue
			}
			out = append(out, step{key: strings.Trim(inside, `"'`), index: -1})
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			out = append(out, step{key: path[:end], index: -1})
			path = path[end:]
		}
	}
	return out
}

func resolveAlias(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// descend returns the child that a step leads to and the line on which it
// begins: that of its key in a mapping.
func descend(n *yaml.Node, s step) (int, *yaml.Node) {
	n = resolveAlias(n)
	if n == nil {
		return 0, nil
	}
	if n.Kind == yaml.SequenceNode {
		if c := element(n, s.index); c != nil {
			return c.Line, c
		}
		return 0, nil
	}
	return lookup(n, s.key, 0)
}

// mergeDepth bounds how far a look-up follows merge keys.
const mergeDepth = 16

func lookup(n *yaml.Node, key string, depth int) (int, *yaml.Node) {
	n = resolveAlias(n)
	if n == nil || n.Kind != yaml.MappingNode || depth > mergeDepth {
		return 0, nil
	}
	for i := len(n.Content) - 2; i >= 0; i -= 2 {
		k, v := n.Content[i], n.Content[i+1]
		if !isMerge(k) {
			if name, err := keyOf(k); err == nil && name == key {
				return k.Line, v
			}
			continue
		}
		from := []*yaml.Node{v}
		if r := resolveAlias(v); r != nil && r.Kind == yaml.SequenceNode {
			from = r.Content
		}
		for _, m := range from {
			if line, found := lookup(m, key, depth+1); found != nil {
				return line, found
			}
		}
	}
	return 0, nil
}

func value(n *yaml.Node, key string) *yaml.Node {
	_, v := lookup(n, key, 0)
	return v
}

func element(n *yaml.Node, i int) *yaml.Node {
	n = resolveAlias(n)
	if n == nil || n.Kind != yaml.SequenceNode || i < 0 || i >= len(n.Content) {
		return nil
	}
	return n.Content[i]
}
