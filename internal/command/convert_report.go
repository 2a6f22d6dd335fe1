// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/convert"
	"github.com/gatehouse-sh/gatehouse/internal/report"
)

// convertReport is the report in the machine form.
type convertReport struct {
	APIVersion string         `json:"apiVersion"`
	Lines      []convert.Line `json:"lines"`
	Closed     []string       `json:"closed"`
	Open       bool           `json:"open"` // Closed are open in spite of it
	Objects    int            `json:"objects"`
}

func (a *app) reportConverted(f *convertFlags, r *convert.Result) error {
	lines := []convert.Line{}
	for i := range r.Lines {
		l := r.Lines[i]
		if !f.quiet || l.Closes || l.Outcome == convert.NotSupported || l.Outcome == convert.Unknown {
			lines = append(lines, l)
		}
	}
	closed := make([]string, 0, len(r.Closed))
	for _, n := range r.Closed {
		closed = append(closed, n.String())
	}
	switch f.report {
	case reportNone:
		return nil
	case reportJSON:
		return report.EncodeJSON(a.Err, convertReport{"gatehouse.sh/convert-report/v1", lines, closed, f.options.AllowOpen, len(r.Objects)})
	}
	rows := make([][]string, 0, len(lines))
	for _, l := range lines {
		outcome := l.Outcome.String()
		if l.Closes {
			outcome += "!"
		}
		rows = append(rows, []string{outcome, l.Kind + " " + l.Namespace + "/" + l.Name, l.Source, destinations(l.To), l.Message})
	}
	if len(rows) > 0 {
		widest := 0
		if _, terminal := isTerminal(a.Err); terminal {
			widest = 60
		}
		for _, row := range rows {
			for i := range row {
				row[i] = checks.Plain(row[i])
			}
		}
		report.Table(a.Err, []string{"OUTCOME", "OBJECT", "ANNOTATION OR FIELD", "NOW", "REMARK"}, rows, widest)
		a.say("")
	}
	counts := convert.Counts(r.Lines)
	a.say("%s written; %d converted, %d equivalent, %d not supported, %d unknown, %d ignored.", count(len(r.Objects), "object"),
		counts[convert.Converted], counts[convert.Equivalent], counts[convert.NotSupported], counts[convert.Unknown], counts[convert.Ignored])
	for _, n := range closed {
		switch {
		case len(r.Objects) == 0: // it has no routes of which more could be said
			a.say("error: Ingress %s: what is marked with ! was not converted", n)
		case f.options.AllowOpen:
			a.say("warning: Ingress %s: its routes are OPEN, without what is marked with !", n)
		default:
			a.say("error: Ingress %s: what is marked with ! keeps requests out or decides who answers, and was not converted: its routes have no backend", n)
		}
	}
	return nil
}

// destinations are where an annotation went, shortly.
func destinations(to []string) string {
	switch len(to) {
	case 0:
		return ""
	case 1:
		return to[0]
	}
	return fmt.Sprintf("%s, and %d more", to[0], len(to)-1)
}
