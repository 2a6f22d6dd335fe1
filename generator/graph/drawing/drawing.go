// SPDX-License-Identifier: Apache-2.0

// Package drawing is what pictures and notations of graphs have in common: how
// wide a text is, and how each notation quotes one. It draws nothing; the
// packages that draw (generator/graph, internal/authz/graph) call it.
package drawing

import (
	"html"
	"strings"
	"unicode"
)

// Widths of letters that are 12 pixels high, in pixels. 6.6 is the mean width of
// a small one in the sans-serif faces of browsers, with a reserve.
const (
	Letter    = 6.6
	capital   = 9
	broad     = 12 // "W" and its like
	ideograph = 14 // and any other letter beyond Latin, Greek and Cyrillic
)

// Width is an upper estimate of the width of a text in pixels, in letters that
// are 12 pixels high.
func Width(text string) float64 {
	sum := 0.0
	for _, r := range text {
		switch {
		case r >= 0x0530: // Armenian, the first block after Cyrillic
			sum += ideograph
		case strings.ContainsRune("MWmw@%", r):
			sum += broad
		case unicode.IsUpper(r):
			sum += capital
		default:
			sum += Letter
		}
	}
	return sum
}

// Shorten cuts a text with more letters than most in the middle: names differ at
// their ends.
func Shorten(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most/2-1]) + "…" + string(r[len(r)-most/2:])
}

// Visible replaces what is no visible character: texts of files may hold what
// turns the direction of a line or hides a part of it.
func Visible(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// XML quotes a text for SVG.
func XML(s string) string { return html.EscapeString(s) }

// DOT quotes an identifier of the language of Graphviz: in a string only the
// quote is escaped, and a backslash would begin an escape of its own.
func DOT(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// Mermaid writes what means something in a quoted label of Mermaid as entity
// codes.
func Mermaid(s string) string {
	return strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;").Replace(s)
}
