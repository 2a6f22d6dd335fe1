// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"

	"go.yaml.in/yaml/v2"
	kjson "sigs.k8s.io/json"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// Kubernetes lets the names of roles, bindings, users and groups, verbs and
// resources hold anything: escape sequences of terminals, line breaks that would
// forge a row or a manifest, marks that turn the direction of writing. What is for
// people passes checks.Plain; the machine forms below write such characters as
// codes, which a program reads back as what they were.

// EncodeJSON writes any value indented, "<" and "&" as they are, and every
// character that does not print as its code.
func EncodeJSON(w io.Writer, v any) error {
	text, err := encodeJSON(v)
	if err != nil {
		return err
	}
	return write(w, coded(text, func(r rune) string {
		if r <= 0xffff {
			return fmt.Sprintf(`\u%04x`, r)
		}
		high, low := utf16.EncodeRune(r)
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}))
}

// EncodeYAML writes any value as YAML with the field names of its JSON form. One
// that holds a character which does not print is written in the JSON form, which
// YAML includes: the block form knows no codes outside of quotes, and may not hold
// control characters at all.
func EncodeYAML(w io.Writer, v any) error {
	text, err := encodeJSON(v)
	if err != nil {
		return err
	}
	if bytes.ContainsFunc(text, hidden) {
		return write(w, coded(text, func(r rune) string {
			if r <= 0xffff {
				return fmt.Sprintf(`\u%04x`, r)
			}
			return fmt.Sprintf(`\U%08x`, r)
		}))
	}
	// As sigs.k8s.io/yaml does it, which reads the JSON with a parser of YAML: as much
	// work as all the rest.
	var content any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, &content); err != nil {
		return fmt.Errorf("encode YAML: %w", err)
	}
	out, err := yaml.Marshal(content)
	if err != nil {
		return fmt.Errorf("encode YAML: %w", err)
	}
	return write(w, out)
}

func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	return b.Bytes(), nil
}

// Visible is checks.Plain for a text of several lines: line breaks and tabs stay. It
// is for what goes to a terminal as it stands in a file.
func Visible(text []byte) []byte {
	var out bytes.Buffer
	out.Grow(len(text))
	for rest := text; len(rest) > 0; {
		i := bytes.IndexAny(rest, "\n\t")
		if i < 0 {
			i = len(rest)
		}
		out.WriteString(checks.Plain(string(rest[:i])))
		if i < len(rest) {
			out.WriteByte(rest[i])
			i++
		}
		rest = rest[i:]
	}
	return out.Bytes()
}

// hidden reports whether a character does not print; line breaks part the lines of
// an encoded text, whose values hold codes in their place.
func hidden(r rune) bool { return !unicode.IsPrint(r) && r != '\n' }

// coded writes the hidden characters of a text as codes. Bytes that are no UTF-8
// become the replacement character.
func coded(text []byte, code func(rune) string) []byte {
	if !bytes.ContainsFunc(text, hidden) {
		return text
	}
	var out bytes.Buffer
	out.Grow(len(text))
	for _, r := range string(text) {
		if hidden(r) {
			out.WriteString(code(r))
		} else {
			out.WriteRune(r)
		}
	}
	return out.Bytes()
}

func write(w io.Writer, text []byte) error {
	_, err := w.Write(text)
	return err
}
