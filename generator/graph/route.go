// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Measures of lines in pixels.
const (
	arrow     = 6   // length of the head
	clearance = 4.5 // of a line above or below a box; a little less than half of what is between two rows
	turn      = 40  // how far a line that leads back swings out
	apart     = 2.5 // between lines that pass between the same two boxes
)

// point is a place in the picture.
type point struct{ x, y float64 }

// curve is a piece of a line: from the first point to the last, towards and away
// from those between (a cubic Bézier curve).
type curve [4]point

// between is the curve that leaves and arrives level.
func between(a, b point) curve {
	bend := (b.x - a.x) / 2
	return curve{a, {a.x + bend, a.y}, {b.x - bend, b.y}, b}
}

// at is the point at a part of the curve, from 0 to 1.
func (c curve) at(t float64) point {
	s := 1 - t
	mix := func(a, b, d, e float64) float64 { return s*s*s*a + 3*s*s*t*b + 3*s*t*t*d + t*t*t*e }
	return point{mix(c[0].x, c[1].x, c[2].x, c[3].x), mix(c[0].y, c[1].y, c[2].y, c[3].y)}
}

// path is a line as SVG has it.
func path(list []curve) string {
	var b strings.Builder
	for i, c := range list {
		if i == 0 {
			fmt.Fprintf(&b, "M%.0f %.0f", c[0].x, c[0].y)
		}
		fmt.Fprintf(&b, "C%.0f %.0f %.0f %.0f %.0f %.0f", c[1].x, c[1].y, c[2].x, c[2].y, c[3].x, c[3].y)
	}
	return b.String()
}

// span is a part of a column that boxes or texts take up, with the clearance.
type span struct{ top, bottom float64 }

// lane is one column as lines see it: what they may not cross.
type lane struct {
	left, right float64
	taken       []span // in order, none overlapping another
}

// free is the height nearest to y at which a line may pass.
func (l *lane) free(y float64) float64 {
	for _, s := range l.taken {
		if y > s.top && y < s.bottom {
			if y-s.top < s.bottom-y {
				return s.top
			}
			return s.bottom
		}
	}
	return y
}

// lanes finds what stands in each column, of every namespace.
func (l *layout) lanes(places, widths []float64) {
	for r := range places {
		lane := lane{left: places[r], right: places[r] + widths[r]}
		take := func(left, right, top, bottom float64) {
			if left < lane.right && lane.left < right {
				lane.taken = append(lane.taken, span{top - clearance, bottom + clearance})
			}
		}
		for _, b := range l.boxes {
			take(b.x, b.x+b.width, b.y-boxHeight/2, b.y+boxHeight/2)
		}
		for _, g := range l.groups {
			take(g.x, g.x+g.textWidth(), g.y, g.y+groupHead+float64(len(g.notes))*noteLine-clearance)
		}
		slices.SortFunc(lane.taken, func(a, b span) int { return cmp.Compare(a.top, b.top) })
		var apart []span
		for _, s := range lane.taken {
			if n := len(apart); n > 0 && s.top < apart[n-1].bottom {
				apart[n-1].bottom = max(apart[n-1].bottom, s.bottom)
			} else {
				apart = append(apart, s)
			}
		}
		lane.taken = apart
		l.columns = append(l.columns, lane)
	}
}

// route is the line of one edge. It passes columns between their boxes; number tells
// lines apart that pass at the same place.
func (l *layout) route(from, to box, number int) []curve {
	a, b := point{from.x + from.width, from.y}, point{to.x - arrow, to.y}
	if from == to {
		return loop(from)
	}
	shift := apart * float64(number%3-1)
	if b.x <= a.x {
		return l.back(a, b, shift)
	}
	var columns []lane
	for _, c := range l.columns {
		if c.left >= a.x && c.right <= b.x {
			columns = append(columns, c)
		}
	}
	return forward(a, b, columns, shift)
}

// forward leads a line to the right: as one curve, and where that would cross a box
// through the nearest gap of its column.
func forward(a, b point, columns []lane, shift float64) []curve {
	direct := between(a, b)
	hit, at := crossed(direct, columns)
	if hit < 0 {
		return []curve{direct}
	}
	c := &columns[hit]
	y := c.free(at)
	if y != at {
		y += shift
	}
	in, out := point{c.left - arrow, y}, point{c.right + arrow, y}
	list := forward(a, in, columns[:hit], shift)
	list = append(list, between(in, out))
	return append(list, forward(out, b, columns[hit+1:], shift)...)
}

// crossed returns the first column in which a curve crosses what stands there, and
// the height at which it comes to its middle; -1 for none.
func crossed(c curve, columns []lane) (hit int, at float64) {
	const steps = 96
	hit = -1
	for i := range steps + 1 {
		p := c.at(float64(i) / steps)
		for k := range columns {
			col := &columns[k]
			switch {
			case p.x < col.left-arrow || p.x > col.right+arrow:
			case hit < 0 && col.free(p.y) != p.y:
				hit, at = k, p.y
			case hit == k && p.x <= (col.left+col.right)/2:
				at = p.y
			}
		}
		if hit >= 0 && p.x > columns[hit].right {
			break
		}
	}
	return hit, at
}

// back leads a line to the left: out of its column and beside the boxes of all
// columns on the way, that of its end included.
func (l *layout) back(a, b point, shift float64) []curve {
	towards := func(y, other float64) float64 { // beside a box, on the side of the other end
		if other > y {
			return y + boxHeight/2 + clearance
		}
		return y - boxHeight/2 - clearance
	}
	var list []curve
	y := towards(a.y, b.y)
	at := a
	for _, c := range slices.Backward(l.columns) {
		if c.left > a.x || c.right < b.x {
			continue
		}
		last := c.left <= b.x+2*arrow
		if last {
			y = towards(b.y, a.y)
		}
		y = c.free(y)
		in, out := point{c.right + arrow, y + shift}, point{c.left - arrow, y + shift}
		if at == a {
			list = append(list, curve{a, {a.x + turn, a.y}, {a.x + turn, in.y}, in})
		} else {
			list = append(list, between(at, in))
		}
		list = append(list, between(in, out))
		at = out
	}
	return append(list, curve{at, {at.x - turn, at.y}, {b.x - turn, b.y}, b})
}

// loop leads from a box to itself, above it.
func loop(b box) []curve {
	top := b.y - boxHeight/2 - clearance
	right, left := point{b.x + b.width, b.y}, point{b.x - arrow, b.y}
	in, out := point{right.x - padding, top}, point{left.x + padding, top}
	return []curve{{right, {right.x + 16, b.y}, {right.x + 16, top}, in}, between(in, out), {out, {left.x - 16, top}, {left.x - 16, b.y}, left}}
}
