// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/report"
)

// Kubernetes lets the names of roles, bindings, users and groups, verbs and
// resources hold anything: escape sequences of terminals, line breaks that would
// forge a row or a manifest, marks that turn the direction of writing. What
// follows writes them in visible characters.

// line writes one line.
func line(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintln(w, checks.Plain(fmt.Sprintf(format, args...)))
	return err
}

// plainTable writes rows as report.Table does.
func plainTable(w io.Writer, header []string, rows [][]string) {
	for _, r := range rows {
		for i := range r {
			r[i] = checks.Plain(r[i])
		}
	}
	report.Table(w, header, rows, 0)
}

// write writes a value in a machine form.
func (a *app) write(format string, v any) error {
	var text []byte
	var err error
	switch format {
	case "json":
		text, err = visibleJSON(v)
	case "yaml":
		text, err = visibleYAML(v)
	default:
		return fmt.Errorf("--output %q is not known here", format)
	}
	if err != nil {
		return err
	}
	_, err = a.Out.Write(text)
	return err
}

// visibleJSON returns indented JSON in which every character that does not print
// is written as its code.
func visibleJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	if err := report.EncodeJSON(&out, v); err != nil {
		return nil, err
	}
	return coded(out.Bytes(), func(r rune) string {
		high, low := utf16.EncodeRune(r)
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}), nil
}

// visibleYAML returns YAML alike. A value that holds such a character is written
// in the JSON form, which YAML includes: the block form knows no codes outside of
// quotes, and may not hold control characters at all.
func visibleYAML(v any) ([]byte, error) {
	var text bytes.Buffer
	if err := report.EncodeJSON(&text, v); err != nil {
		return nil, err
	}
	if bytes.ContainsFunc(text.Bytes(), hidden) {
		return coded(text.Bytes(), func(r rune) string { return fmt.Sprintf(`\U%08x`, r) }), nil
	}
	var out bytes.Buffer
	err := report.EncodeYAML(&out, v)
	return out.Bytes(), err
}

// hidden reports whether a character of a JSON text does not print. The line
// breaks of its strings are codes already, the others part the lines.
func hidden(r rune) bool { return !unicode.IsPrint(r) && r != '\n' }

// coded writes the hidden characters of a JSON text as codes; long is for those
// that four digits do not hold.
func coded(text []byte, long func(rune) string) []byte {
	var out bytes.Buffer
	for _, r := range string(text) {
		switch {
		case !hidden(r):
			out.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteString(long(r))
		}
	}
	return out.Bytes()
}
