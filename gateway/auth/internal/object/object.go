// SPDX-License-Identifier: Apache-2.0

// Package object reads JSON that an adversary may have written: one object, whose
// meaning no two readers can differ about.
package object

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how deep arrays and objects are nested at most. Claims of identity
// providers have five levels.
const maxDepth = 16

// The faults of a text. They repeat nothing of it.
var (
	ErrSyntax = errors.New("is not a JSON text in UTF-8, or has an object with two members of one name")
	ErrObject = errors.New("is not an object")
	ErrDepth  = errors.New("is nested too deeply")
)

// Parse reads a text that is one object in UTF-8 and in which no object has two
// members of one name (RFC 8259, section 4: what such an object means differs
// between readers). Values are as encoding/json has them, numbers as they are
// written (json.Number).
func Parse(data []byte) (map[string]any, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(data)) // a bytes.Buffer is read in place
	if kind := d.PeekKind(); kind != '{' {
		if strings.IndexByte(`["0tfn`, byte(kind)) >= 0 {
			return nil, ErrObject // which is not worth reading
		}
		return nil, ErrSyntax
	}
	v, err := value(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, ErrSyntax
	}
	members, isObject := v.(map[string]any)
	if !isObject {
		return nil, ErrObject
	}
	return members, nil
}

func value(d *jsontext.Decoder) (any, error) {
	t, err := d.ReadToken()
	if err != nil {
		return nil, ErrSyntax
	}
	switch kind := t.Kind(); {
	case kind == 'n':
		return nil, nil
	case kind == 't' || kind == 'f':
		return t.Bool(), nil
	case kind == '"':
		return t.String(), nil
	case kind == '0':
		return json.Number(t.String()), nil
	case d.StackDepth() > maxDepth:
		return nil, ErrDepth
	case kind == '[':
		return array(d)
	}
	return members(d)
}

func array(d *jsontext.Decoder) (any, error) {
	out := []any{}
	for d.PeekKind() != ']' {
		v, err := value(d)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	_, err := d.ReadToken()
	if err != nil {
		return nil, ErrSyntax
	}
	return out, nil
}

func members(d *jsontext.Decoder) (any, error) {
	out := map[string]any{}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, ErrSyntax
		}
		key := name.String()
		if out[key], err = value(d); err != nil {
			return nil, err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, ErrSyntax
	}
	return out, nil
}
