// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/generator/graph/drawing"
)

// colours by severity: dark enough for lines on white, told apart without red
// and green by their lightness (ColorBrewer, YlOrRd).
var colours = map[checks.Severity]string{
	checks.SeverityUnset: "#888888",
	checks.Info:          "#888888",
	checks.Low:           "#6b8ea4",
	checks.Medium:        "#c98b0b",
	checks.High:          "#e2571e",
	checks.Critical:      "#a50026",
}

// text is what the box says, in visible characters.
func (n Node) text() string {
	if n.Detail == "" {
		return checks.Plain(n.Label)
	}
	return checks.Plain(n.Label + " (" + n.Detail + ")")
}

// DOT returns the graph in the language of Graphviz
// (https://graphviz.org/doc/info/lang.html).
func (g *Graph) DOT() string {
	var b strings.Builder
	b.WriteString("digraph rbac {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\", fontsize=10];\n")
	for c := range columns {
		b.WriteString("  { rank=same;")
		for i, n := range g.Nodes {
			if n.Column == c {
				fmt.Fprintf(&b, " n%d;", i)
			}
		}
		b.WriteString(" }\n")
	}
	for i, n := range g.Nodes {
		fmt.Fprintf(&b, "  n%d [label=%s, color=%q];\n", i, drawing.DOT(n.text()), colours[n.Severity])
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "  n%d -> n%d [color=%q];\n", e.From, e.To, colours[e.Severity])
	}
	b.WriteString("}\n")
	return b.String()
}

// Mermaid returns the graph as a Mermaid flowchart
// (https://mermaid.js.org/syntax/flowchart.html).
func (g *Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for c := range columns {
		fmt.Fprintf(&b, "  subgraph %s\n", g.Titles[c])
		for i, n := range g.Nodes {
			if n.Column == c {
				fmt.Fprintf(&b, "    n%d[\"%s\"]:::%s\n", i, drawing.Mermaid(n.text()), n.Severity)
			}
		}
		b.WriteString("  end\n")
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "  n%d --> n%d\n", e.From, e.To)
	}
	for s := checks.SeverityUnset; s <= checks.Critical; s++ {
		fmt.Fprintf(&b, "  classDef %s stroke:%s\n", s, colours[s])
	}
	return b.String()
}
