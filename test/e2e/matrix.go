// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"html"
	"strings"
)

// What became of a connection. The probe says so; Skipped is that it was not tried,
// since policies have no say in it.
const (
	Open        = "open"
	Refused     = "refused"
	Dropped     = "dropped"
	Unreachable = "unreachable"
	Skipped     = ""
)

// Arrives tells whether packets got where they were sent: a refusal is an answer.
func Arrives(outcome string) bool { return outcome == Open || outcome == Refused }

// Target is something that may be connected to.
type Target struct {
	Name string // as people call it
	Dial string // tcp:ADDRESS:PORT or udp:ADDRESS:PORT
	Of   string // the workload that answers
}

// Matrix is who reaches what: Cells[source][target], in the order of the two lists.
type Matrix struct {
	Sources []string
	Targets []Target
	Cells   map[string]map[string]string
}

// Count returns how many connections were tried, and how many arrived.
func (m *Matrix) Count() (tried, arrived int) {
	for _, row := range m.Cells {
		for _, outcome := range row {
			if outcome != Skipped {
				tried++
			}
			if Arrives(outcome) {
				arrived++
			}
		}
	}
	return tried, arrived
}

// mark is an outcome in one word of a table.
func mark(outcome string) string {
	switch {
	case outcome == Skipped:
		return "·"
	case Arrives(outcome):
		return "yes"
	}
	return "–"
}

// Table is a table of Markdown: a line for each target, a column for each source.
// Where before and after differ, both are told.
func Table(before, after *Matrix) string {
	var b strings.Builder
	b.WriteString("| to \\ from | " + strings.Join(before.Sources, " | ") + " |\n|---" + strings.Repeat("|---", len(before.Sources)) + "|\n")
	for _, t := range before.Targets {
		b.WriteString("| " + t.Name)
		for _, s := range before.Sources {
			was, is := mark(before.Cells[s][t.Name]), mark(after.Cells[s][t.Name])
			if was != is {
				is = "**" + was + " → " + is + "**"
			}
			b.WriteString(" | " + is)
		}
		b.WriteString(" |\n")
	}
	return b.String()
}

// Measures of the picture, in its own units.
const (
	cell   = 22
	left   = 210
	top    = 150
	letter = 12
)

// SVG draws both beside each other: filled is that the connection arrives.
func SVG(before, after *Matrix) string {
	width := cell * len(before.Sources)
	height := top + cell*len(before.Targets) + cell
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="%d">`+"\n", left+2*width+4*cell, height, letter)
	fmt.Fprintf(&b, `<title>Who reaches what, before and after the network plan</title><rect width="100%%" height="100%%" fill="#fff"/>`+"\n")
	for i, t := range before.Targets {
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", left-6, top+i*cell+16, html.EscapeString(t.Name))
	}
	for n, m := range []*Matrix{before, after} {
		x := left + n*(width+2*cell)
		fmt.Fprintf(&b, `<text x="%d" y="16" font-weight="bold">%s</text>`+"\n", x, []string{"before", "after"}[n])
		for j, s := range m.Sources {
			fmt.Fprintf(&b, `<text transform="translate(%d,%d) rotate(-60)">%s</text>`+"\n", x+j*cell+14, top-6, html.EscapeString(s))
			for i, t := range m.Targets {
				fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s" stroke="#888"/>`+"\n", x+j*cell, top+i*cell, cell, cell, colour(m.Cells[s][t.Name]))
			}
		}
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d">filled: arrives; white: dropped; grey: not asked</text>`+"\n</svg>\n", left, height-6)
	return b.String()
}

func colour(outcome string) string {
	switch {
	case outcome == Skipped:
		return "#ddd"
	case Arrives(outcome):
		return "#c0392b"
	}
	return "#fff"
}
