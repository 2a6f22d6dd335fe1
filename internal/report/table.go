// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// maxMessage bounds the columns of prose in a table, in characters.
const maxMessage = 60

func writeTable(w io.Writer, r *Report, o Options) error {
	var b bytes.Buffer
	widest := maxMessage
	if o.Width == 0 {
		widest = 0 // no terminal: one line for each finding, as grep and awk want it
	}
	rows := [][]string{}
	for i := range r.Findings {
		f := r.Findings[i]
		if o.Quiet && !f.Fails {
			continue
		}
		action := f.Action
		if f.Known {
			action += " (known)"
		}
		severity := f.Severity
		if f.Certainty == checks.Undetermined.String() {
			severity += " (undetermined)"
		}
		rows = append(rows, []string{
			o.in(paintOf(f.Action), action), severity, f.Check, f.Name, f.Object.String(), f.Field, f.Message, place(f.File, f.Line),
		})
	}
	if len(rows) > 0 {
		Table(&b, []string{"ACTION", "SEVERITY", "CHECK", "NAME", "OBJECT", "FIELD", "MESSAGE", "PLACE"}, rows, widest)
	}
	if !o.Quiet {
		if len(rows) > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(summaryLine(r, o) + "\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}

// Table writes rows in aligned columns without borders, as kubectl does. Cells
// wider than widest characters are wrapped; 0: never.
func Table(w io.Writer, header []string, rows [][]string, widest int) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	style := table.StyleDefault
	style.Name = "gatehouse"
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "   "
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	configs := make([]table.ColumnConfig, len(header))
	for i := range header {
		configs[i] = table.ColumnConfig{Number: i + 1, WidthMax: widest, WidthMaxEnforcer: text.WrapSoft}
	}
	t.SetColumnConfigs(configs)
	t.AppendHeader(row(header))
	for _, r := range rows {
		t.AppendRow(row(r))
	}
	t.Render()
}

func row(cells []string) table.Row {
	out := make(table.Row, len(cells))
	for i, c := range cells {
		out[i] = c
	}
	return out
}
