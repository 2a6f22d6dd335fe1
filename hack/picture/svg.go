// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator/graph/drawing"
)

// Measures in pixels. A bold letter of 13 pixels is 7.8 wide on average in the
// widest of the fonts that are taken for sans-serif, and a plain one of 11 is 6.
const (
	margin     = 20.0
	letter     = 7.8
	small      = 6.0
	lineHeight = 17.0
	padding    = 10.0
	apart      = 34.0 // between boxes of a column
	top        = 78.0 // above the first box
	narrowest  = 40.0 // between columns
)

var fills = map[kind][2]string{plain: {"#f6f8fa", "#57606a"}, ours: {"#ddf4ff", "#0969da"}, danger: {"#ffebe9", "#cf222e"}}

// layout places columns from the left, each as wide as its widest box and as far
// from the one before as the words of the arrows between the two need.
func (d *diagram) layout() (width, height float64) {
	gaps := make([]float64, len(d.columns))
	for i := range gaps {
		gaps[i] = narrowest
	}
	for _, a := range d.arrows {
		right := max(a.from.column, a.to.column)
		if right != min(a.from.column, a.to.column) {
			gaps[right] = max(gaps[right], small*float64(len(a.words))+24)
		}
	}
	x, tallest := margin, 0.0
	for i, c := range d.columns {
		wide, tall := letter*float64(len(c.title)), -apart
		for _, b := range c.boxes {
			for _, l := range b.lines {
				b.w = max(b.w, letter*float64(len(l))+2*padding)
			}
			b.h = lineHeight*float64(len(b.lines)) + padding
			wide, tall = max(wide, b.w), tall+b.h+apart
		}
		if i > 0 {
			x += gaps[i]
		}
		for _, b := range c.boxes {
			b.x, b.w = x, wide
		}
		x += wide
		tallest = max(tallest, tall)
	}
	for _, c := range d.columns {
		tall := -apart
		for _, b := range c.boxes {
			tall += b.h + apart
		}
		y := top + (tallest-tall)/2
		for _, b := range c.boxes {
			b.y = y
			y += b.h + apart
		}
	}
	return math.Ceil(max(x, letter*1.3*float64(len(d.title))) + margin), math.Ceil(top + tallest + margin)
}

func (d *diagram) svg() string {
	width, height := d.layout()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" font-family="Helvetica, Arial, sans-serif" font-size="13" role="img" aria-label="%s">`+"\n",
		width, height, width, height, drawing.XML(d.title))
	b.WriteString(`<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#57606a"/></marker></defs>` + "\n")
	b.WriteString(`<rect width="100%" height="100%" fill="#ffffff"/>` + "\n")
	fmt.Fprintf(&b, `<text x="%.0f" y="28" font-size="16" font-weight="bold">%s</text>`+"\n", margin, drawing.XML(d.title))
	for _, c := range d.columns {
		if len(c.boxes) > 0 {
			fmt.Fprintf(&b, `<text x="%.0f" y="56" fill="#57606a" font-weight="bold">%s</text>`+"\n", c.boxes[0].x, drawing.XML(c.title))
		}
	}
	for _, a := range d.arrows {
		a.svg(&b)
	}
	for _, c := range d.columns {
		for _, box := range c.boxes {
			box.svg(&b)
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (b *box) svg(out *strings.Builder) {
	fmt.Fprintf(out, `<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="6" fill="%s" stroke="%s"/>`, b.x, b.y, b.w, b.h, fills[b.kind][0], fills[b.kind][1])
	for i, l := range b.lines {
		weight := ""
		if i == 0 {
			weight = ` font-weight="bold"`
		}
		fmt.Fprintf(out, `<text x="%.0f" y="%.0f" text-anchor="middle"%s>%s</text>`, b.x+b.w/2, b.y+padding/2+lineHeight*float64(i)+13, weight, drawing.XML(l))
	}
	out.WriteString("\n")
}

// svg draws the arrow from the side of one box to the facing side of the other.
func (a arrow) svg(out *strings.Builder) {
	x1, y1, x2, y2 := a.from.x+a.from.w, a.from.y+a.from.h/2, a.to.x, a.to.y+a.to.h/2
	switch {
	case a.from.column > a.to.column:
		x1, x2 = a.from.x, a.to.x+a.to.w
		y1, y2 = y1+8, y2+8 // beside one that leads the other way
	case a.from.column == a.to.column:
		x1, x2 = a.from.x+a.from.w/2, a.to.x+a.to.w/2
		y1, y2 = a.from.y+a.from.h, a.to.y
		if a.from.y > a.to.y {
			y1, y2 = a.from.y, a.to.y+a.to.h
		}
	}
	style, colour := `marker-end="url(#head)"`, "#57606a"
	if a.cut {
		style, colour = `stroke-dasharray="4 3"`, "#cf222e"
	}
	middle := (x1 + x2) / 2
	fmt.Fprintf(out, `<path d="M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0f" fill="none" stroke="%s" stroke-width="1.3" %s/>`, x1, y1, middle, y1, middle, y2, x2, y2, colour, style)
	y := (y1 + y2) / 2
	if a.cut {
		fmt.Fprintf(out, `<path d="M%.0f %.0fl10 10m0 -10l-10 10" stroke="%s" stroke-width="2"/>`, middle-5, y-5, colour)
	}
	if a.words != "" {
		below := -5.0
		if a.from.column > a.to.column {
			below = 14
		}
		if a.cut {
			below = -9
		}
		anchor, at := "middle", middle
		if a.from.column == a.to.column {
			anchor, at, below = "start", middle+8, 4
		}
		fmt.Fprintf(out, `<text x="%.0f" y="%.0f" text-anchor="%s" font-size="11" fill="%s" stroke="#ffffff" stroke-width="4" paint-order="stroke">%s</text>`, at, y+below, anchor, colour, drawing.XML(a.words))
	}
	out.WriteString("\n")
}
