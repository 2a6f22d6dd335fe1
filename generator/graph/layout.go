// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator/graph/drawing"
)

// Measures of the picture in pixels.
const (
	margin    = 24
	header    = 76 // title and legend
	boxHeight = 36 // two lines of text
	rowHeight = 46
	gap       = 90 // between two columns
	padding   = 8
	widest    = 34 // letters of a name; longer ones are cut in the middle and whole in the tooltip
	groupHead = 26 // the name of a namespace
	noteLine  = 16
)

// box is where a node stands.
type box struct{ x, y, width float64 } // left, middle, width

// group is the box of a namespace.
type group struct {
	name                string
	x, y, width, height float64
	notes               []string
}

// layout is where everything stands.
type layout struct {
	width, height float64
	boxes         []box
	groups        []group
	columns       []lane // of all namespaces, from left to right
}

// textWidth is how wide the name and the notes of a namespace are.
func (g *group) textWidth() float64 {
	width := drawing.Width(g.name) * 13 / 12 // it is bold
	for _, note := range g.notes {
		width = max(width, drawing.Width(note)*11/12)
	}
	return width + 2*padding
}

// layout places namespaces below each other. Inside of one, what a workload
// connects to stands to its right as far as there are no circles; workloads
// without lines stand in a grid below. The columns of all namespaces have the
// same places, so that lines between namespaces lead to the right too.
func (g *Graph) layout() layout {
	l := layout{boxes: make([]box, len(g.Nodes))}
	ranks, lonely := g.ranks()
	var columns []float64 // widths
	for i, r := range ranks {
		if g.Nodes[i].Side == Inside {
			for len(columns) <= r {
				columns = append(columns, 100)
			}
			columns[r] = max(columns[r], g.Nodes[i].wide())
		}
	}
	left := g.side(Left)
	x := float64(margin)
	if left.width > 0 {
		x += left.width + gap
	}
	places := make([]float64, len(columns))
	at := x + margin/2
	for r, w := range columns {
		places[r] = at
		at += w + gap
	}
	inner := max(at-gap+margin/2, x+260)
	order := g.columnOrder(ranks, lonely)
	y := float64(header)
	for _, namespace := range g.namespaces() {
		grp := group{name: namespace, x: x, y: y, width: inner - x}
		for _, n := range g.Notes {
			if n.Namespace == namespace {
				grp.notes = append(grp.notes, n.Text)
				grp.width = max(grp.width, drawing.Width(n.Text)+2*padding)
			}
		}
		for i, n := range g.Nodes {
			if lonely[i] && n.Namespace == namespace {
				grp.width = max(grp.width, n.wide()+margin)
			}
		}
		top := y + groupHead + float64(len(grp.notes))*noteLine
		bottom := top + g.placeColumns(&l, order[namespace], places, columns, top)
		bottom += g.placeGrid(&l, lonely, namespace, grp, bottom)
		grp.height = bottom - y + padding
		l.groups = append(l.groups, grp)
		y += grp.height + margin
	}
	right := x
	for i := range l.groups {
		right = max(right, l.groups[i].x+l.groups[i].width)
	}
	for i := range l.groups {
		l.groups[i].width = right - l.groups[i].x
	}
	l.height = max(y, header+float64(max(len(left.nodes), len(g.side(Right).nodes)))*rowHeight+margin)
	g.placeSide(&l, left, margin)
	l.width = right + margin
	if s := g.side(Right); len(s.nodes) > 0 {
		g.placeSide(&l, s, right+gap)
		l.width = right + gap + s.width + margin
	}
	l.width = max(l.width, 900)
	l.lanes(places, columns)
	return l
}

// wide is the width of a node's box.
func (n Node) wide() float64 {
	return max(drawing.Width(drawing.Shorten(n.Label, widest)), drawing.Width(drawing.Shorten(n.detail(), widest+10))*10/12) + 2*padding
}

// detail is the second line of a box.
func (n Node) detail() string {
	switch {
	case n.Kind == "":
		return n.Ports
	case n.Ports == "":
		return n.Kind
	}
	return n.Kind + " · " + n.Ports
}

func (g *Graph) namespaces() []string {
	var out []string
	for _, n := range g.Nodes {
		if n.Side == Inside {
			out = append(out, n.Namespace)
		}
	}
	return slices.Compact(out) // the nodes are in order
}

// placeColumns places the nodes of a namespace and returns the height.
func (g *Graph) placeColumns(l *layout, order [][]int, places, widths []float64, top float64) float64 {
	rows := 0
	for _, column := range order {
		rows = max(rows, len(column))
	}
	for r, column := range order {
		step := float64(rows) * rowHeight / float64(max(len(column), 1)) // a shorter column spreads over the whole height
		for k, i := range column {
			l.boxes[i] = box{places[r], top + step*(float64(k)+0.5), widths[r]}
		}
	}
	return float64(rows) * rowHeight
}

// placeGrid places the nodes without lines in rows, and returns the height.
func (g *Graph) placeGrid(l *layout, lonely []bool, namespace string, grp group, top float64) float64 {
	x, y := grp.x+margin/2, top
	rows := 0
	for i, n := range g.Nodes {
		if !lonely[i] || n.Namespace != namespace {
			continue
		}
		w := max(n.wide(), 100)
		if rows == 0 || x+w > grp.x+grp.width-margin/2 {
			x = grp.x + margin/2
			y = top + float64(rows)*rowHeight
			rows++
		}
		l.boxes[i] = box{x, y + rowHeight/2, w}
		x += w + padding
	}
	return float64(rows) * rowHeight
}

// column is what stands at one side of the namespaces.
type column struct {
	nodes []int
	width float64
}

func (g *Graph) side(s Side) column {
	var out column
	for i, n := range g.Nodes {
		if n.Side == s {
			out.nodes = append(out.nodes, i)
			out.width = max(out.width, n.wide())
		}
	}
	return out
}

// placeSide spreads a side over the height, each node near to what it is connected with.
func (g *Graph) placeSide(l *layout, s column, x float64) {
	wish := map[int]float64{}
	for _, i := range s.nodes {
		sum, n := 0.0, 0
		for _, e := range g.Edges {
			switch i {
			case e.From:
				sum, n = sum+l.boxes[e.To].y, n+1
			case e.To:
				sum, n = sum+l.boxes[e.From].y, n+1
			}
		}
		wish[i] = sum / float64(max(n, 1))
	}
	slices.SortStableFunc(s.nodes, func(a, b int) int { return cmp.Compare(wish[a], wish[b]) })
	y := float64(header) + rowHeight/2
	for k, i := range s.nodes {
		left := float64(len(s.nodes) - k - 1) // those that still need a place below
		y = max(y, min(wish[i], l.height-margin-rowHeight/2-left*rowHeight))
		l.boxes[i] = box{x, y, s.width}
		y += rowHeight
	}
}
