// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// paint is an ANSI colour; empty: none.
type paint string

const (
	bold    paint = "1"
	dim     paint = "2"
	red     paint = "1;31"
	green   paint = "32"
	yellow  paint = "33"
	blue    paint = "34"
	magenta paint = "35"
	cyan    paint = "36"
)

// in colours a text when the options ask for it.
func (o Options) in(p paint, s string) string {
	if !o.Colour || p == "" || s == "" {
		return s
	}
	return "\x1b[" + string(p) + "m" + s + "\x1b[0m"
}

func paintOf(action string) paint {
	switch action {
	case checks.Deny.String():
		return red
	case checks.Warn.String():
		return yellow
	}
	return blue
}

const (
	indentFinding = "  "
	indentDetail  = "         " // under the check's id: 2, "audit", 2
)

func writeText(w io.Writer, r *Report, o Options) error {
	var b bytes.Buffer
	var last *Finding
	for i := range r.Findings {
		f := &r.Findings[i]
		if o.Quiet && !f.Fails {
			continue
		}
		if last == nil || last.Object != f.Object || last.File != f.File || last.ObjectLine != f.ObjectLine {
			if last != nil {
				b.WriteByte('\n')
			}
			b.WriteString(o.in(bold, f.Object.String()))
			if at := place(f.File, f.ObjectLine); at != "" {
				b.WriteString("  " + o.in(dim, at))
			}
			b.WriteByte('\n')
		}
		textFinding(&b, f, o)
		last = f
	}
	if !o.Quiet {
		if last != nil {
			b.WriteByte('\n')
		}
		b.WriteString(summaryLine(r, o) + "\n")
		b.WriteString(hints(r, o))
	}
	_, err := w.Write(b.Bytes())
	return err
}

func textFinding(b *bytes.Buffer, f *Finding, o Options) {
	marks := f.Severity
	if f.Certainty == checks.Undetermined.String() {
		marks += ", could not decide"
	}
	if f.Known {
		marks += ", known"
	}
	fmt.Fprintf(b, "%s%s%s %s (%s)", indentFinding, o.in(paintOf(f.Action), fmt.Sprintf("%-7s", f.Action)), o.in(bold, f.Check), f.Name, marks)
	if at := place(f.File, f.Line); at != "" {
		b.WriteString("  " + o.in(dim, at))
	}
	b.WriteByte('\n')
	message := f.Message
	if f.Field != "" {
		message = o.in(cyan, f.Field) + ": " + message
	}
	wrapped(b, message, "", o)
	if len(f.Path) > 0 {
		wrapped(b, strings.Join(f.Path, " -> "), "path: ", o)
	}
	if f.Attack != "" {
		wrapped(b, f.Attack, "risk: ", o)
	}
	if f.Fix != "" {
		wrapped(b, f.Fix, "fix:  ", o)
	}
}

// minWidth is below what wrapping would make worse.
const minWidth = 40

// wrapped writes a paragraph behind a heading, its later lines under the first.
func wrapped(b *bytes.Buffer, s, heading string, o Options) {
	room := o.Width - len(indentDetail) - len(heading)
	lines := []string{s}
	if o.Width > 0 && room >= minWidth {
		lines = strings.Split(text.WrapSoft(s, room), "\n")
	}
	for i, line := range lines {
		lead := o.in(dim, heading)
		if i > 0 {
			lead = strings.Repeat(" ", len(heading))
		}
		b.WriteString(indentDetail + lead + strings.TrimRight(line, " ") + "\n")
	}
}

// summaryLine is "3 findings in 12 objects: 2 denied, 1 warned".
func summaryLine(r *Report, o Options) string {
	objects := count(r.Summary.Objects, "object")
	var notes []string
	if n := r.Summary.Undetermined; n > 0 {
		notes = append(notes, o.in(magenta, fmt.Sprintf("%d of them undetermined", n)))
	}
	if known := counted(r, func(f Finding) bool { return f.Known }); known > 0 {
		notes = append(notes, fmt.Sprintf("%d known from the baseline", known))
	}
	if r.Exempted > 0 {
		notes = append(notes, fmt.Sprintf("%d exempted", r.Exempted))
	}
	if len(r.Faults) > 0 {
		notes = append(notes, "not everything could be judged")
	}
	tail := ""
	if len(notes) > 0 {
		tail = " (" + strings.Join(notes, ", ") + ")"
	}
	if len(r.Findings) == 0 {
		p := green
		if len(r.Faults) > 0 {
			p = yellow
		}
		return o.in(p, "no findings in "+objects) + tail
	}
	var parts []string
	for _, kind := range []struct {
		action checks.Action
		word   string
	}{{checks.Deny, "denied"}, {checks.Warn, "warned"}, {checks.Audit, "recorded"}} {
		if n := counted(r, func(f Finding) bool { return f.Action == kind.action.String() }); n > 0 {
			parts = append(parts, o.in(paintOf(kind.action.String()), fmt.Sprintf("%d %s", n, kind.word)))
		}
	}
	return o.in(bold, count(len(r.Findings), "finding")+" in "+objects+":") + " " + strings.Join(parts, ", ") + tail
}

func counted(r *Report, of func(Finding) bool) int {
	n := 0
	for i := range r.Findings {
		if of(r.Findings[i]) {
			n++
		}
	}
	return n
}

// hints says what to do next.
func hints(r *Report, o Options) string {
	if len(r.Findings) == 0 {
		return ""
	}
	out := fmt.Sprintf("%s explain %s says why a check exists and when an exemption is reasonable", o.command(), r.Findings[0].Check)
	if r.Fixable > 0 {
		out += fmt.Sprintf("\n%s fix --diff FILE shows the repair of %d of them", o.command(), r.Fixable)
	}
	return o.in(dim, out) + "\n"
}
