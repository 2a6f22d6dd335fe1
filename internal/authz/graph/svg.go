// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/generator/graph/drawing"
)

// Measures of the picture in pixels. Letters are 12 high.
const (
	margin    = 24
	rowHeight = 26
	boxHeight = 20
	gap       = 110 // between two columns
	padding   = 8
	widest    = 60 // letters of a name; longer ones are cut in the middle and whole in the tooltip
	header    = 64
)

// SVG returns the graph as a picture of its own, without scripts or references
// to anything outside.
func (g *Graph) SVG(title string) string {
	l := g.layout()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" font-family="Helvetica, Arial, sans-serif" font-size="12">`+"\n", l.width, l.height, l.width, l.height)
	b.WriteString(`<rect width="100%" height="100%" fill="#ffffff"/>` + "\n")
	fmt.Fprintf(&b, `<text x="%d" y="%d" font-size="16" font-weight="bold">%s</text>`+"\n", margin, margin+4, drawing.XML(checks.Plain(title)))
	l.legend(&b)
	for c := range columns {
		fmt.Fprintf(&b, `<text x="%.0f" y="%d" fill="#555555" font-weight="bold">%s (%d)</text>`+"\n", l.left[c], header, g.Titles[c], l.count[c])
	}
	// The most severe lines are drawn last, above the others.
	edges := slices.Clone(g.Edges)
	slices.SortStableFunc(edges, func(x, y Edge) int { return int(x.Severity) - int(y.Severity) })
	for _, e := range edges {
		x1, y1 := l.left[g.Nodes[e.From].Column]+l.wide[g.Nodes[e.From].Column], l.middle[e.From]
		x2, y2 := l.left[g.Nodes[e.To].Column], l.middle[e.To]
		fmt.Fprintf(&b, `<path d="M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0f" fill="none" stroke="%s" stroke-width="1.2" stroke-opacity="0.65"/>`+"\n",
			x1, y1, x1+gap/2, y1, x2-gap/2, y2, x2, y2, colours[e.Severity])
	}
	for i, n := range g.Nodes {
		x, y := l.left[n.Column], l.middle[i]-boxHeight/2
		fmt.Fprintf(&b, `<g><title>%s</title><rect x="%.0f" y="%.0f" width="%.0f" height="%d" rx="4" fill="#fafafa" stroke="%s"/>`,
			drawing.XML(n.text()+": "+n.Severity.String()), x, y, l.wide[n.Column], boxHeight, colours[n.Severity])
		fmt.Fprintf(&b, `<text x="%.0f" y="%.0f">%s</text></g>`+"\n", x+padding, y+14, drawing.XML(n.shown()))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// layout places the columns beside each other, each as wide as its widest box,
// and centres the shorter ones beside the longest.
type layout struct {
	width, height float64
	left, wide    [columns]float64
	count         [columns]int
	middle        []float64 // of each node
}

func (g *Graph) layout() layout {
	l := layout{middle: make([]float64, len(g.Nodes))}
	for _, n := range g.Nodes {
		l.count[n.Column]++
		l.wide[n.Column] = max(l.wide[n.Column], drawing.Width(n.shown())+2*padding)
	}
	x, rows := float64(margin), 0
	for c := range columns {
		l.left[c] = x
		l.wide[c] = max(l.wide[c], 100)
		x += l.wide[c] + gap
		rows = max(rows, l.count[c])
	}
	l.width = max(x-gap+margin, 760)
	l.height = float64(header + margin + rows*rowHeight + margin)
	var next [columns]int
	for i, n := range g.Nodes {
		// A column with fewer boxes spreads them over the whole height.
		step := float64(rows) * rowHeight / float64(l.count[n.Column])
		l.middle[i] = header + margin/2 + step*(float64(next[n.Column])+0.5)
		next[n.Column]++
	}
	return l
}

func (l layout) legend(b *strings.Builder) {
	x := l.width - margin
	for _, s := range []checks.Severity{checks.Low, checks.Medium, checks.High, checks.Critical} {
		x -= float64(len(s.String()))*drawing.Letter + 44
		fmt.Fprintf(b, `<line x1="%.0f" y1="%d" x2="%.0f" y2="%d" stroke="%s" stroke-width="3"/>`, x, margin, x+18, margin, colours[s])
		fmt.Fprintf(b, `<text x="%.0f" y="%d" fill="#555555">%s</text>`+"\n", x+23, margin+4, s)
	}
}

// shown is what stands in the box. What a power allows is no name, and is not cut.
func (n Node) shown() string {
	if n.Column == Powers {
		return n.text()
	}
	return drawing.Shorten(n.text(), widest)
}
