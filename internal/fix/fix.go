// SPDX-License-Identifier: Apache-2.0

// Package fix writes the change that a check's Fix makes to an object back into
// the text that the object was read from.
//
// Only the bytes that must change do: comments, order, quotes and indentation
// stay. Every result is read again and compared with what was wanted; a change
// that cannot be written so is refused, never approximated. The package reads
// no files and decides nothing; the command line calls it.
package fix

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-sh/gatehouse/internal/source/files"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Repair is the wanted state of one object of a text.
type Repair struct {
	Index int              // which object of the text, as files.Load counts them
	After inventory.Object // what it shall be
}

// RefusalError says why a change cannot be written.
type RefusalError struct {
	Line  int    // 1-based; 0 when not known
	Field string // path of the change; empty when it is about the whole text
	Why   string
}

// Error returns "line 7: spec.ports[0].nodePort: why".
func (r *RefusalError) Error() string {
	out := r.Why
	if r.Field != "" {
		out = r.Field + ": " + out
	}
	if r.Line > 0 {
		out = fmt.Sprintf("line %d: %s", r.Line, out)
	}
	return out
}

// Text returns the text with the repairs written into it, all or none. Without
// repairs that change anything it returns an equal text. The error is a *RefusalError
// when the text can be read but the change cannot be written.
func Text(ctx context.Context, text []byte, repairs []Repair) ([]byte, error) {
	if err := plainLines(text); err != nil {
		return nil, err
	}
	items, err := load(ctx, text)
	if err != nil {
		return nil, err
	}
	docs, err := parse(text)
	if err != nil {
		return nil, err
	}
	nodes := objectsOf(docs)
	if len(nodes) != len(items) {
		return nil, &RefusalError{Why: "the objects of the text cannot be told apart"}
	}
	p := newPatch(text)
	want := make([]inventory.Object, len(items))
	for _, r := range repairs {
		if r.Index < 0 || r.Index >= len(items) {
			return nil, fmt.Errorf("repair object %d of %d: there is none", r.Index, len(items))
		}
		before, after, err := values(items[r.Index].Object, r.After)
		if err != nil {
			return nil, err
		}
		if err := p.value(nodes[r.Index], before, after, ""); err != nil {
			return nil, err
		}
		want[r.Index] = r.After
		nodes[r.Index].wanted = func(have any) any { return merge(have, before, after) }
	}
	out, err := p.apply()
	if err != nil {
		return nil, err
	}
	if err := verify(ctx, out, nodes, items, want); err != nil {
		return nil, err
	}
	return out, nil
}

// plainLines refuses the line ends that the YAML parser counts and editors do
// not.
func plainLines(text []byte) error {
	if bytes.ContainsAny(text, "\u0085\u2028\u2029") || bytes.Count(text, []byte("\r")) != bytes.Count(text, []byte("\r\n")) {
		return &RefusalError{Why: "the text has line ends that are neither LF nor CRLF"}
	}
	return nil
}

func load(ctx context.Context, text []byte) ([]files.Item, error) {
	read, err := files.Load(ctx, files.Options{Stdin: bytes.NewReader(text)}, files.Stdin)
	if err != nil {
		return nil, fmt.Errorf("read text: %w", err)
	}
	return read.Items, nil
}

func parse(text []byte) ([]*yaml.Node, error) {
	docs, err := files.ParseYAML(text)
	if err != nil {
		return nil, &RefusalError{Why: "the text can only be read in parts: " + err.Error()}
	}
	return docs, nil
}

// object is the node of an object, and what its generic value must become.
type object struct {
	*yaml.Node
	wanted func(any) any
}

// objectsOf lists the objects in the order of files.Load: Lists are replaced by
// their items.
func objectsOf(docs []*yaml.Node) []*object {
	var out []*object
	for _, n := range docs {
		if n.Kind != yaml.MappingNode {
			continue
		}
		kind, items := child(n, "kind"), child(n, "items")
		isList := kind != nil && strings.HasSuffix(kind.Value, "List")
		switch {
		case isList && items != nil && items.Kind == yaml.SequenceNode:
			out = append(out, objectsOf(items.Content)...)
		default:
			out = append(out, &object{Node: n})
		}
	}
	return out
}

func child(n *yaml.Node, key string) *yaml.Node {
	if i := pairOf(n, key); i >= 0 {
		return n.Content[i+1]
	}
	return nil
}

// pairOf returns the index of a key in a mapping's Content, -1 if it is not
// there.
func pairOf(n *yaml.Node, key string) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; k.Kind == yaml.ScalarNode && k.Value == key {
			return i
		}
	}
	return -1
}

// values returns the JSON values of an object before and after.
func values(before, after inventory.Object) (b, a any, err error) {
	if b, err = valueOf(before); err != nil {
		return nil, nil, err
	}
	a, err = valueOf(after)
	return b, a, err
}

func valueOf(o inventory.Object) (any, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", inventory.KeyOf(o), err)
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("decode %s: %w", inventory.KeyOf(o), err)
	}
	return v, nil
}
