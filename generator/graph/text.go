// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator/graph/drawing"
)

// DOT returns the graph in the language of Graphviz
// (https://graphviz.org/doc/info/lang.html).
func (g *Graph) DOT() string {
	var b strings.Builder
	b.WriteString("digraph network {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\", fontsize=10];\n  edge [fontname=\"sans-serif\", fontsize=8];\n")
	g.each(func(i int, n Node) {
		style := "solid"
		if n.Unguarded {
			style = "dashed"
		}
		fmt.Fprintf(&b, "  n%d [label=%s, style=%s];\n", i, drawing.DOT(n.Label), style)
	}, func(k int, namespace string, notes []string) {
		fmt.Fprintf(&b, "  subgraph cluster_%d {\n  label=%s;\n", k, drawing.DOT(strings.Join(append([]string{titleOf(namespace)}, notes...), ", ")))
	}, func() { b.WriteString("  }\n") })
	for _, e := range g.Edges {
		colour, dashes := e.style()
		style := "solid"
		if dashes != "" {
			style = "dashed"
		}
		fmt.Fprintf(&b, "  n%d -> n%d [label=%s, color=%q, style=%s];\n", e.From, e.To, drawing.DOT(e.label()), colour, style)
	}
	b.WriteString("}\n")
	return b.String()
}

// Mermaid returns the graph as a Mermaid flowchart
// (https://mermaid.js.org/syntax/flowchart.html).
func (g *Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	g.each(func(i int, n Node) {
		fmt.Fprintf(&b, "    n%d[\"%s\"]\n", i, drawing.Mermaid(n.Label))
	}, func(k int, namespace string, notes []string) {
		fmt.Fprintf(&b, "  subgraph s%d [\"%s\"]\n", k, drawing.Mermaid(strings.Join(append([]string{titleOf(namespace)}, notes...), ", ")))
	}, func() { b.WriteString("  end\n") })
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "  n%d -->|\"%s\"| n%d\n", e.From, drawing.Mermaid(e.label()), e.To)
	}
	for i, e := range g.Edges {
		colour, dashes := e.style()
		if dashes != "" {
			dashes = ",stroke-dasharray:" + dashes
		}
		fmt.Fprintf(&b, "  linkStyle %d stroke:%s%s\n", i, colour, dashes)
	}
	return b.String()
}

// label is what stands at a line where there is no tooltip.
func (e Edge) label() string {
	if words := e.words(); words != "" {
		return e.Ports + " (" + words + ")"
	}
	return e.Ports
}

// each calls node for every node, those of a namespace between begin and end.
func (g *Graph) each(node func(int, Node), begin func(int, string, []string), end func()) {
	for k, namespace := range g.namespaces() {
		var notes []string
		for _, n := range g.Notes {
			if n.Namespace == namespace {
				notes = append(notes, n.Text)
			}
		}
		begin(k, namespace, notes)
		for i, n := range g.Nodes {
			if n.Side == Inside && n.Namespace == namespace {
				node(i, n)
			}
		}
		end()
	}
	for i, n := range g.Nodes {
		if n.Side != Inside {
			node(i, n)
		}
	}
}
