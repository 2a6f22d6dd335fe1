// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// The elements of the JUnit XML that CI servers agree on.
// https://github.com/testmoapp/junitxml
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string       `xml:"name,attr"`
	ClassName string       `xml:"classname,attr"`
	File      string       `xml:"file,attr,omitempty"`
	Line      int          `xml:"line,attr,omitempty"`
	Failure   *junitDetail `xml:"failure"`
	Error     *junitDetail `xml:"error"`
	Output    string       `xml:"system-out,omitempty"`
}

type junitDetail struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes one suite per file (or for the cluster): a passing case
// for each object without findings, and a case for each finding, which fails
// when the finding fails the run.
func writeJUnit(w io.Writer, r *Report, _ Options) error {
	s := &junit{byFile: map[string]int{}, suites: junitSuites{Name: "gatehouse"}}
	withFindings := map[Judged]bool{}
	for i := range r.Findings {
		f := &r.Findings[i]
		withFindings[Judged{f.Object, f.File, f.ObjectLine}] = true
	}
	next := 0
	for _, at := range r.Objects {
		if !withFindings[at] {
			s.add(at.File, junitCase{Name: at.Object.String(), ClassName: className(at.Object), File: at.File, Line: at.Line})
		}
	}
	for next < len(r.Findings) {
		s.finding(r.Findings[next])
		next++
	}
	for _, f := range r.Faults {
		s.add(f.File, junitCase{
			Name: "can be judged", ClassName: "gatehouse", File: f.File, Line: f.Line,
			Error: &junitDetail{Type: "fault", Message: f.Message},
		})
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	enc := xml.NewEncoder(&b)
	enc.Indent("", "  ")
	if err := enc.Encode(s.suites); err != nil {
		return fmt.Errorf("encode JUnit: %w", err)
	}
	b.WriteByte('\n')
	// References to what XML allows and terminals obey; the encoder drops the rest.
	return write(w, coded(b.Bytes(), func(r rune) string { return fmt.Sprintf("&#x%x;", r) }))
}

type junit struct {
	suites junitSuites
	byFile map[string]int
}

func (s *junit) finding(f Finding) {
	name := f.Object.String() + ": " + f.Check + " " + f.Name
	if f.Subject != "" {
		name += " (" + f.Subject + ")"
	}
	c := junitCase{Name: name, ClassName: className(f.Object), File: f.File, Line: f.Line}
	detail := junitText(f)
	switch {
	case !f.Fails:
		c.Output = f.Action + ": " + detail
	case f.Certainty == checks.Undetermined.String():
		c.Error = &junitDetail{Type: f.Check, Message: f.Message, Text: detail}
	default:
		c.Failure = &junitDetail{Type: f.Check, Message: f.Message, Text: detail}
	}
	s.add(f.File, c)
}

func junitText(f Finding) string {
	lines := []string{f.Message}
	if f.Field != "" {
		lines[0] = f.Field + ": " + f.Message
	}
	if len(f.Path) > 0 {
		lines = append(lines, "path: "+strings.Join(f.Path, " -> "))
	}
	if f.Fix != "" {
		lines = append(lines, "fix: "+f.Fix)
	}
	if at := place(f.File, f.Line); at != "" {
		lines = append(lines, "at: "+at)
	}
	return strings.Join(lines, "\n")
}

func className(o Object) string {
	if o.Namespace == "" {
		return o.Kind
	}
	return o.Namespace + "." + o.Kind
}

func (s *junit) add(file string, c junitCase) {
	i, known := s.byFile[file]
	if !known {
		name := place(file, 0)
		if name == "" {
			name = "cluster"
		}
		i = len(s.suites.Suites)
		s.byFile[file] = i
		s.suites.Suites = append(s.suites.Suites, junitSuite{Name: name})
	}
	suite := &s.suites.Suites[i]
	suite.Cases = append(suite.Cases, c)
	suite.Tests++
	s.suites.Tests++
	if c.Failure != nil {
		suite.Failures++
		s.suites.Failures++
	}
	if c.Error != nil {
		suite.Errors++
		s.suites.Errors++
	}
}
