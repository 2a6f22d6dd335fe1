// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/report"
)

// line writes one line in visible characters.
func line(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintln(w, checks.Plain(fmt.Sprintf(format, args...)))
	return err
}

// plainTable writes rows as report.Table does.
func plainTable(w io.Writer, header []string, rows [][]string) {
	for _, r := range rows {
		for i := range r {
			r[i] = checks.Plain(r[i])
		}
	}
	report.Table(w, header, rows, 0)
}

// oneOf refuses the value of a flag that is none of those it takes.
func oneOf(flag, value string, known []string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return fmt.Errorf("%s %q is not one of %s", flag, value, strings.Join(known, ", "))
}

// write writes a value in a machine form.
func (a *app) write(format string, v any) error {
	switch format {
	case "json":
		return report.EncodeJSON(a.Out, v)
	case "yaml":
		return report.EncodeYAML(a.Out, v)
	}
	return fmt.Errorf("--output %q is no machine form", format)
}
