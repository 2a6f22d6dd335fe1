// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// The escapes of workflow commands; properties end at "," and ":" as well.
// https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
var (
	escapeData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	escapeProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// writeGitHub writes one workflow command per finding and fault.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
func writeGitHub(w io.Writer, r *Report, o Options) error {
	var b bytes.Buffer
	for i := range r.Findings {
		f := &r.Findings[i]
		message := f.Object.String() + ": " + f.Message
		if f.Field != "" {
			message = f.Object.String() + ": " + f.Field + ": " + f.Message
		}
		if f.Fix != "" {
			message += "\nFix: " + f.Fix
		}
		annotate(&b, githubLevel(*f), f.File, f.Line, f.Check+" "+f.Name, message)
	}
	for _, f := range r.Faults {
		annotate(&b, "error", f.File, f.Line, "could not be judged", f.Message)
	}
	o.Colour = false
	b.WriteString(summaryLine(r, o) + "\n")
	_, err := w.Write(b.Bytes())
	return err
}

func annotate(b *bytes.Buffer, level, file string, line int, title, message string) {
	var properties []string
	if file != "" && file != "-" {
		properties = append(properties, "file="+escapeProperty.Replace(file))
		if line > 0 {
			properties = append(properties, fmt.Sprintf("line=%d", line))
		}
	}
	properties = append(properties, "title="+escapeProperty.Replace(title))
	fmt.Fprintf(b, "::%s %s::%s\n", level, checks.Plain(strings.Join(properties, ",")), checks.Plain(escapeData.Replace(message)))
}

func githubLevel(f Finding) string {
	switch {
	case f.Known:
		return "notice"
	case f.Action == checks.Deny.String():
		return "error"
	case f.Action == checks.Warn.String():
		return "warning"
	}
	return "notice"
}
