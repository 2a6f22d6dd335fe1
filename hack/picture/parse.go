// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// diagram is what a text says.
type diagram struct {
	title   string
	columns []column
	boxes   map[string]*box
	arrows  []arrow
}

type column struct {
	title string
	boxes []*box
}

// kind is how a box looks.
type kind uint8

const (
	plain kind = iota
	ours
	danger
)

type box struct {
	lines      []string
	kind       kind
	column     int
	x, y, w, h float64
}

type arrow struct {
	from, to *box
	words    string
	cut      bool
}

var (
	boxLine   = regexp.MustCompile(`^([a-z0-9-]+)([*!]?): (.+)$`)
	arrowLine = regexp.MustCompile(`^([a-z0-9-]+) -([>x]) ([a-z0-9-]+)(?:: (.+))?$`)
)

// parse reads a text. Errors begin with the number of the line.
func parse(text string) (*diagram, error) {
	d := &diagram{boxes: map[string]*box{}}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if err := d.line(line); err != nil {
			return nil, fmt.Errorf("%d: %w", n, err)
		}
	}
	if d.title == "" || len(d.boxes) == 0 {
		return nil, fmt.Errorf("%d: a picture has a title and boxes", n)
	}
	return d, nil
}

func (d *diagram) line(line string) error {
	if title, is := strings.CutPrefix(line, "= "); is {
		d.title = title
		return nil
	}
	if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
		d.columns = append(d.columns, column{title: line[1 : len(line)-1]})
		return nil
	}
	if m := arrowLine.FindStringSubmatch(line); m != nil {
		a := arrow{from: d.boxes[m[1]], to: d.boxes[m[3]], words: m[4], cut: m[2] == "x"}
		switch {
		case a.from == nil:
			return fmt.Errorf("there is no box %s above", m[1])
		case a.to == nil:
			return fmt.Errorf("there is no box %s above", m[3])
		case a.from == a.to:
			return errors.New("an arrow leads from one box to another")
		case a.from.column-a.to.column > 1 || a.to.column-a.from.column > 1:
			return errors.New("an arrow leads to a box of the same column, or of the next")
		}
		d.arrows = append(d.arrows, a)
		return nil
	}
	m := boxLine.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("%q is neither a title, nor a column, a box or an arrow", line)
	}
	if len(d.columns) == 0 {
		return errors.New("a box is in a column")
	}
	if d.boxes[m[1]] != nil {
		return fmt.Errorf("there is a box %s already", m[1])
	}
	last := &d.columns[len(d.columns)-1]
	b := &box{column: len(d.columns) - 1, kind: map[string]kind{"": plain, "*": ours, "!": danger}[m[2]]}
	for words := range strings.SplitSeq(m[3], "|") {
		b.lines = append(b.lines, strings.TrimSpace(words))
	}
	d.boxes[m[1]] = b
	last.boxes = append(last.boxes, b)
	return nil
}
