// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// Options tune Write. The zero value writes without colour and without a
// bound on the width.
type Options struct {
	// Colour turns on ANSI colours in text and table.
	Colour bool

	// Width is the number of columns at which text is wrapped; 0: never.
	Width int

	// Quiet leaves everything but failing findings out of text and table.
	Quiet bool

	// Command is how the program was called: "gatehouse" or "kubectl gatehouse".
	// Empty: "gatehouse".
	Command string

	// Version of the program, for SARIF.
	Version string

	// Checks are the rules of SARIF.
	Checks []checks.Check
}

func (o Options) command() string {
	if o.Command == "" {
		return "gatehouse"
	}
	return o.Command
}

// formats in the order in which they are offered.
var formats = []struct {
	name  string
	about string
	write func(io.Writer, *Report, Options) error
}{
	{"text", "grouped by object, for people", writeText},
	{"table", "one line per finding, for people", writeTable},
	{"json", "the report " + APIVersion, writeJSON},
	{"yaml", "the same in YAML", writeYAML},
	{"sarif", "SARIF 2.1.0, for code scanning", writeSARIF},
	{"junit", "JUnit XML, for CI servers", writeJUnit},
	{"github", "workflow commands that annotate a pull request", writeGitHub},
}

// Formats lists the names that Write knows.
func Formats() []string {
	out := make([]string, 0, len(formats))
	for _, f := range formats {
		out = append(out, f.name)
	}
	return out
}

// About returns the names with what they are, tab-separated, for completion.
func About() []string {
	out := make([]string, 0, len(formats))
	for _, f := range formats {
		out = append(out, f.name+"\t"+f.about)
	}
	return out
}

// Write writes a finished report in the named format; empty is "text".
func Write(w io.Writer, format string, r *Report, o Options) error {
	if format == "" {
		format = formats[0].name
	}
	for _, f := range formats {
		if f.name == format {
			return f.write(w, r, o)
		}
	}
	return fmt.Errorf("output %q is not one of %s", format, strings.Join(Formats(), ", "))
}

func writeJSON(w io.Writer, r *Report, _ Options) error { return EncodeJSON(w, r) }

func writeYAML(w io.Writer, r *Report, _ Options) error { return EncodeYAML(w, r) }

// ReadBaseline reads a report that an earlier run wrote as JSON or YAML.
func ReadBaseline(data []byte) (*Report, error) {
	var r Report
	if err := yaml.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("decode report: %w", err)
	}
	if r.APIVersion != APIVersion {
		return nil, fmt.Errorf("decode report: apiVersion is %q, not %s", r.APIVersion, APIVersion)
	}
	return &r, nil
}

// Identity is what makes two findings of different runs the same: the check,
// the object whatever its version, and the subject. Files and lines move.
func (f Finding) Identity() string {
	group, _, found := strings.Cut(f.Object.APIVersion, "/")
	if !found {
		group = ""
	}
	var b bytes.Buffer
	for _, part := range []string{f.Check, group, f.Object.Kind, f.Object.Namespace, f.Object.Name, f.Subject} {
		b.WriteString(part)
		b.WriteByte(0)
	}
	return b.String()
}

// count is "1 finding" or "2 findings".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// place is "file:line"; empty for what is in a cluster.
func place(file string, line int) string {
	file = checks.Plain(file)
	switch file {
	case "":
		return ""
	case "-":
		file = "stdin"
	}
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}
