// SPDX-License-Identifier: Apache-2.0

package files

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// jsonNumber is the tag of a number that was read from JSON, whose text is
// emitted as it stands.
const jsonNumber = "!json-number"

// jsonReader builds nodes from JSON, so that positions and faults do not depend
// on the notation.
type jsonReader struct {
	dec    *json.Decoder
	text   []byte
	offset int64 // up to where lines are counted
	line   int
}

// parseJSON reads one or several JSON values.
func parseJSON(text []byte) ([]*yaml.Node, error) {
	r := &jsonReader{dec: json.NewDecoder(bytes.NewReader(text)), text: text, line: 1}
	r.dec.UseNumber()
	var out []*yaml.Node
	for {
		tok, err := r.dec.Token()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		n, err := r.value(tok, 0)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
}

// here returns the line of the token just read: tokens do not span lines.
func (r *jsonReader) here() int {
	to := r.dec.InputOffset()
	r.line += bytes.Count(r.text[r.offset:to], []byte{'\n'})
	r.offset = to
	return r.line
}

func (r *jsonReader) value(tok json.Token, depth int) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: r.here()}
	switch v := tok.(type) {
	case json.Delim:
		if depth >= inventory.MaxDepth {
			return nil, at(n.Line, "nests deeper than %d levels", inventory.MaxDepth)
		}
		return n, r.container(n, v, depth+1)
	case string:
		n.Style, n.Tag, n.Value = yaml.DoubleQuotedStyle, "!!str", v
	case json.Number:
		n.Tag, n.Value = jsonNumber, v.String()
	case bool:
		n.Tag, n.Value = "!!bool", fmt.Sprint(v)
	case nil:
		n.Tag, n.Value = "!!null", "null"
	}
	return n, nil
}

func (r *jsonReader) container(n *yaml.Node, open json.Delim, depth int) error {
	n.Kind, n.Tag, n.Style = yaml.SequenceNode, "!!seq", yaml.FlowStyle
	if open == '{' {
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	}
	for {
		tok, err := r.dec.Token()
		if err != nil {
			return err
		}
		if d, ok := tok.(json.Delim); ok && (d == '}' || d == ']') {
			return nil
		}
		child, err := r.value(tok, depth)
		if err != nil {
			return err
		}
		n.Content = append(n.Content, child)
	}
}
