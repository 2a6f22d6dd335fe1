// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Encode writes a snapshot whole, with its secrets and what was read from files, for
// another process of the gateway to serve: Unencode reads it. It is JSON with the names of
// the fields in Go, in which what is zero is left out; equal snapshots have equal texts.
// It is for a process that may know all of it, and never for a log.
func (s *Snapshot) Encode() ([]byte, error) {
	w := &encoder{}
	if err := w.value(reflect.ValueOf(s).Elem(), "snapshot"); err != nil {
		return nil, err
	}
	if w.out.Len() > MaxFile {
		return nil, fmt.Errorf("encode snapshot: %d bytes are more than %d", w.out.Len(), MaxFile)
	}
	return w.out.Bytes(), nil
}

// Unencode reads what Encode of another process has written, which may be newer: a field
// that is not known here is a fault, since it may be one that keeps somebody out. What it
// returns is not validated.
func Unencode(data []byte) (*Snapshot, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("read snapshot: %d bytes are more than %d", len(data), MaxFile)
	}
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields()
	var s *Snapshot
	if err := in.Decode(&s); err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	if s == nil {
		return nil, errors.New("read snapshot: there is none")
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read snapshot: something follows it")
	}
	return s, nil
}

// encoder writes values as encoding/json reads them. That one would write Secrets
// redacted.
type encoder struct{ out bytes.Buffer }

var (
	asText   = reflect.TypeFor[encoding.TextMarshaler]()
	isSecret = reflect.TypeFor[Secret]()
)

// value writes a value; at is the path to it, for faults.
func (w *encoder) value(v reflect.Value, at string) error {
	if v.Type().Implements(asText) && v.Type() != isSecret && v.Kind() != reflect.Pointer {
		return w.marshaled(v, at)
	}
	switch v.Kind() { //nolint:exhaustive // of what is not here there is none in a snapshot, and it is a fault
	case reflect.Bool:
		w.out.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		w.out.WriteString(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		w.out.WriteString(strconv.FormatUint(v.Uint(), 10))
	case reflect.Float64:
		return w.scalar(v.Float(), at)
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return fmt.Errorf("encode %s: it is not UTF-8", at)
		}
		return w.scalar(v.String(), at)
	case reflect.Pointer:
		if v.IsNil() {
			w.out.WriteString("null")
			return nil
		}
		return w.value(v.Elem(), at)
	case reflect.Struct:
		return w.fields(v, at)
	case reflect.Slice:
		return w.list(v, at)
	case reflect.Map:
		return w.entries(v, at)
	default:
		return fmt.Errorf("encode %s: %s cannot be written", at, v.Type())
	}
	return nil
}

func (w *encoder) scalar(v any, at string) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", at, err)
	}
	w.out.Write(text)
	return nil
}

// marshaled writes what has a text of its own, such as an address.
func (w *encoder) marshaled(v reflect.Value, at string) error {
	m, is := reflect.TypeAssert[encoding.TextMarshaler](v)
	if !is {
		return fmt.Errorf("encode %s: %s has no text", at, v.Type())
	}
	text, err := m.MarshalText()
	if err != nil {
		return fmt.Errorf("encode %s: %w", at, err)
	}
	return w.scalar(string(text), at)
}

func (w *encoder) fields(v reflect.Value, at string) error {
	w.out.WriteByte('{')
	if err := w.members(v, at); err != nil {
		return err
	}
	w.out.WriteByte('}')
	return nil
}

// members writes the fields of a struct that are not zero, those of embedded ones among
// them.
func (w *encoder) members(v reflect.Value, at string) error {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		switch {
		case !f.IsExported():
			return fmt.Errorf("encode %s: the field %s could not be read", at, f.Name)
		case v.Field(i).IsZero():
			continue
		case f.Anonymous:
			if err := w.members(v.Field(i), at); err != nil {
				return err
			}
			continue
		}
		if b := w.out.Bytes(); b[len(b)-1] != '{' {
			w.out.WriteByte(',')
		}
		w.out.WriteString(strconv.Quote(f.Name) + ":")
		if err := w.value(v.Field(i), at+"."+f.Name); err != nil {
			return err
		}
	}
	return nil
}

func (w *encoder) list(v reflect.Value, at string) error {
	switch {
	case v.IsNil():
		w.out.WriteString("null")
		return nil
	case v.Type().Elem().Kind() == reflect.Uint8:
		w.out.WriteString(`"` + base64.StdEncoding.EncodeToString(v.Bytes()) + `"`)
		return nil
	}
	w.out.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			w.out.WriteByte(',')
		}
		if err := w.value(v.Index(i), at+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	w.out.WriteByte(']')
	return nil
}

func (w *encoder) entries(v reflect.Value, at string) error {
	if v.Type().Key().Kind() != reflect.String {
		return fmt.Errorf("encode %s: its keys are no text", at)
	}
	if v.IsNil() {
		w.out.WriteString("null")
		return nil
	}
	keys := slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	w.out.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			w.out.WriteByte(',')
		}
		if err := w.value(k, at); err != nil {
			return err
		}
		w.out.WriteByte(':')
		if err := w.value(v.MapIndex(k), at+"."+k.String()); err != nil {
			return err
		}
	}
	w.out.WriteByte('}')
	return nil
}
