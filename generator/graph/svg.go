// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator/graph/drawing"
)

// Colours, told apart by their lightness and by the form of the line too.
const (
	plainColour   = "#4a6fa5"
	exposedColour = "#c05a00"
	blockedColour = "#a50026"
	openColour    = "#7b3294"
)

// style is how a line is drawn: what is worst decides.
func (e Edge) style() (colour, dashes string) {
	colour = plainColour
	switch {
	case e.Blocked:
		return blockedColour, "2 3"
	case e.Exposed:
		colour = exposedColour
	case e.Unguarded:
		colour = openColour
	}
	if e.Unguarded {
		dashes = "7 4"
	}
	return colour, dashes
}

// words says what is to be said of a line.
func (e Edge) words() string {
	var out []string
	if e.Exposed {
		out = append(out, "exposed")
	}
	if e.Unguarded {
		out = append(out, "unguarded")
	}
	if e.Blocked {
		out = append(out, "blocked")
	}
	return strings.Join(out, ", ")
}

// SVG returns the graph as a picture of its own, without scripts or references
// to anything outside.
func (g *Graph) SVG(title string) string {
	l := g.layout()
	var b strings.Builder
	title = drawing.XML(drawing.Visible(title))
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" font-family="Helvetica, Arial, sans-serif" font-size="12">`+"\n", l.width, l.height, l.width, l.height)
	fmt.Fprintf(&b, "<title>%s</title>\n", title)
	b.WriteString(`<rect width="100%" height="100%" fill="#ffffff"/>` + "\n")
	fmt.Fprintf(&b, `<text x="%d" y="%d" font-size="16" font-weight="bold">%s</text>`+"\n", margin, margin+4, title)
	fmt.Fprintf(&b, `<text x="%d" y="%d" fill="#555555">%s</text>`+"\n", margin, margin+24, drawing.XML(g.Summary()))
	g.legend(&b)
	for _, grp := range l.groups {
		fmt.Fprintf(&b, `<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="6" fill="#f4f6f9" stroke="#c5ccd6"/>`, grp.x, grp.y, grp.width, grp.height)
		fmt.Fprintf(&b, `<text x="%.0f" y="%.0f" font-weight="bold" fill="#333333">%s</text>`+"\n", grp.x+padding, grp.y+17, drawing.XML(titleOf(grp.name)))
		for k, note := range grp.notes {
			fmt.Fprintf(&b, `<text x="%.0f" y="%.0f" font-size="11" fill="#555555">%s</text>`+"\n", grp.x+padding, grp.y+groupHead+8+float64(k)*noteLine, drawing.XML(note))
		}
	}
	g.lines(&b, l)
	for i := range g.Nodes {
		g.Nodes[i].draw(&b, l.boxes[i])
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// lines draws the connections, the marked ones last, above the others.
func (g *Graph) lines(b *strings.Builder, l layout) {
	order := make([]int, len(g.Edges))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return len(g.Edges[x].words()) - len(g.Edges[y].words()) })
	for n, i := range order {
		g.options.drawn(n + 1)
		e := &g.Edges[i]
		colour, dashes := e.style()
		route := l.route(l.boxes[e.From], l.boxes[e.To], i)
		end := route[len(route)-1][3]
		text := g.Nodes[e.From].name() + " → " + g.Nodes[e.To].name() + " " + e.Ports
		if words := e.words(); words != "" {
			text += " (" + words + ")"
		}
		text += "\n" + strings.Join(e.Because, "\n")
		fmt.Fprintf(b, `<g stroke="%s" fill="none"><title>%s</title>`, colour, drawing.XML(strings.TrimSuffix(text, "\n")))
		dash := ""
		if dashes != "" {
			dash = fmt.Sprintf(` stroke-dasharray="%s"`, dashes)
		}
		fmt.Fprintf(b, `<path d="%s" stroke-width="1.4" stroke-opacity="0.8"%s/>`, path(route), dash)
		fmt.Fprintf(b, `<path d="M%.0f %.0fl-1 -4l7 4l-7 4z" fill="%s" stroke="none"/></g>`+"\n", end.x, end.y, colour)
	}
}

// titleOf is what stands above the box of a namespace, or of those that are one box each.
func titleOf(namespace string) string {
	if namespace == "" {
		return "namespaces"
	}
	return drawing.Visible(namespace)
}

// name is the whole name of a node.
func (n Node) name() string {
	if n.Whole {
		return "namespace " + n.Label
	}
	if n.Namespace == "" {
		return n.Label
	}
	if n.Kind == "" {
		return n.Label + " of " + drawing.Visible(n.Namespace)
	}
	return n.Kind + " " + drawing.Visible(n.Namespace) + "/" + n.Label
}

func (n Node) draw(b *strings.Builder, at box) {
	stroke, dash, text := "#7f8ea3", "", n.name()
	if n.Ports != "" {
		text += ": " + n.Ports
	}
	if n.Unguarded {
		stroke, dash = openColour, ` stroke-dasharray="7 4"`
		text += "\nunguarded: pods of any namespace reach it on such a port"
	}
	y := at.y - boxHeight/2
	fmt.Fprintf(b, `<g><title>%s</title><rect x="%.0f" y="%.0f" width="%.0f" height="%d" rx="4" fill="#ffffff" stroke="%s"%s/>`, drawing.XML(text), at.x, y, at.width, boxHeight, stroke, dash)
	first := y + 15
	if n.detail() == "" {
		first = y + 22
	}
	fmt.Fprintf(b, `<text x="%.0f" y="%.0f">%s</text>`, at.x+padding, first, drawing.XML(drawing.Shorten(n.Label, widest)))
	fmt.Fprintf(b, `<text x="%.0f" y="%.0f" font-size="10" fill="#666666">%s</text></g>`+"\n", at.x+padding, y+29, drawing.XML(drawing.Shorten(n.detail(), widest+10)))
}

// Summary counts what is drawn, in words.
func (g *Graph) Summary() string {
	workloads, namespaces := 0, 0
	for _, namespace := range g.namespaces() {
		if namespace != "" {
			namespaces++
		}
	}
	for _, n := range g.Nodes {
		switch {
		case n.Whole:
			workloads += n.Workloads
			namespaces++
		case n.Side == Inside && n.Kind != "":
			workloads++
		}
	}
	exposed, unguarded, blocked := 0, 0, 0
	for _, e := range g.Edges {
		if e.Exposed {
			exposed++
		}
		if e.Unguarded {
			unguarded++
		}
		if e.Blocked {
			blocked++
		}
	}
	text := fmt.Sprintf("%s in %s, %s between them: %d exposed", count(workloads, "workload"), count(namespaces, "namespace"), count(len(g.Edges), "line"), exposed)
	if !g.Judged {
		return text + "; there are no policies, so that everybody may do the same"
	}
	return text + fmt.Sprintf(", %d unguarded, %d blocked by policies", unguarded, blocked)
}

func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "x"):
		noun += "e"
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// legend explains the lines.
func (g *Graph) legend(b *strings.Builder) {
	x := float64(margin)
	for _, entry := range []struct {
		edge Edge
		text string
	}{
		{Edge{}, "declared"},
		{Edge{Exposed: true}, "exposed: from outside of the cluster"},
		{Edge{Unguarded: true}, "unguarded: any pod of the cluster may do the same"},
		{Edge{Blocked: true}, "blocked by policies"},
	} {
		colour, dashes := entry.edge.style()
		fmt.Fprintf(b, `<line x1="%.0f" y1="%d" x2="%.0f" y2="%d" stroke="%s" stroke-width="2" stroke-dasharray="%s"/>`, x, header-14, x+26, header-14, colour, dashes)
		fmt.Fprintf(b, `<text x="%.0f" y="%d" font-size="11" fill="#555555">%s</text>`+"\n", x+32, header-10, entry.text)
		x += 32 + drawing.Width(entry.text)*11/12 + 20
	}
}
