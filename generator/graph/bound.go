// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// Bound is how large a graph may be. The zero value is no bound.
type Bound struct{ Boxes, Lines int }

// The bounds of the notations. A picture is made for a hundred workloads; with three times
// as many and a thousand lines it has about 2 MB and is some 50,000 pixels wide, and with
// ten times as many it would have 300 MB, since the lines become longer as well. Mermaid
// draws 500 lines unless it is told otherwise
// (https://mermaid.js.org/config/schema-docs/config.html, maxEdges). DOT is for programs.
var (
	ForSVG     = Bound{300, 1000}
	ForMermaid = Bound{300, 500}
)

func (b Bound) holds(g *Graph) bool {
	return b == Bound{} || len(g.Nodes) <= b.Boxes && len(g.Edges) <= b.Lines
}

// TooLargeError is a graph that nobody could read.
type TooLargeError struct {
	Boxes, Lines int
	Bound        Bound
	Folded       bool // each namespace is one box already
}

// Error says how large the graph is, and how large it may be.
func (e *TooLargeError) Error() string {
	what := ""
	if e.Folded {
		what = ", with one box for each namespace"
	}
	return fmt.Sprintf("the picture would have %s and %s%s, and one of more than %d and %d cannot be read", count(e.Boxes, "box"), count(e.Lines, "line"), what, e.Bound.Boxes, e.Bound.Lines)
}

// Folded reports whether each namespace is one box, since there are too many workloads.
func (g *Graph) Folded() bool {
	for _, n := range g.Nodes {
		if n.Whole {
			return len(g.options.Namespaces) == 0
		}
	}
	return false
}
