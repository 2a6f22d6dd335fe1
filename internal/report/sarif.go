// SPDX-License-Identifier: Apache-2.0

package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// homePage is where people read about the program.
const homePage = "https://github.com/gatehouse-sh/gatehouse"

// writeSARIF writes SARIF 2.1.0. Of the checks only those that found something
// are described: the descriptions of all are 150 KB, and a driver need not list
// rules without results (§3.19.23).
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
func writeSARIF(w io.Writer, r *Report, o Options) error {
	out := sarif.NewReport()
	run := sarif.NewRunWithInformationURI("gatehouse", homePage)
	if o.Version != "" {
		run.Tool.Driver.WithVersion(o.Version)
	}
	index := map[string]int{}
	for i := range o.Checks {
		c := &o.Checks[i]
		if !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Check == c.ID }) {
			continue
		}
		index[c.ID] = len(index)
		run.Tool.Driver.AddRule(sarifRule(c))
	}
	for i := range r.Findings {
		run.AddResult(sarifResult(&r.Findings[i], index, r.Compared))
	}
	run.AddInvocation(sarifInvocation(r))
	run.WithColumnKind("unicodeCodePoints")
	out.AddRun(run)
	return EncodeJSON(w, out)
}

func sarifRule(c *checks.Check) *sarif.ReportingDescriptor {
	plain, marked := c.Doc.Why, c.Doc.Why
	if c.Doc.Attack != "" {
		plain += "\n\nAn attacker: " + c.Doc.Attack + "."
		marked += "\n\n**An attacker:** " + c.Doc.Attack + "."
	}
	plain += "\n\nFix: " + c.Doc.Fix + "."
	marked += "\n\n**Fix:** " + c.Doc.Fix + "."
	if c.Doc.Exempt != "" {
		plain += "\n\nAn exemption is reasonable for: " + c.Doc.Exempt
		marked += "\n\n**An exemption is reasonable for:** " + c.Doc.Exempt
	}
	marked += "\n\nSources:\n\n* <" + strings.Join(c.Doc.Sources, ">\n* <") + ">"
	properties := sarif.NewPropertyBag().Add("security-severity", securitySeverity(c.Severity)).
		Add("precision", "high").Add("problem.severity", problemSeverity(c.Actions.Baseline)).
		WithTags([]string{"security", "kubernetes", strings.ToLower(strings.SplitN(c.ID, "-", 2)[0])})
	rule := sarif.NewRule(c.ID).WithName(c.Name).WithDescription(c.Doc.Title).
		WithFullDescription(sarif.NewMultiformatMessageString().WithText(c.Doc.Why)).
		WithHelp(sarif.NewMultiformatMessageString().WithText(plain).WithMarkdown(marked)).
		WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(sarifLevel(c.Actions.Baseline.String()))).
		WithProperties(properties)
	if len(c.Doc.Sources) > 0 {
		rule.WithHelpURI(c.Doc.Sources[0])
	}
	return rule
}

// securitySeverity places a severity on the scale of 0 to 10 that GitHub reads:
// above 9.0 critical, 7.0 high, 4.0 medium, the rest low. Each value is the middle
// of its range.
// https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning#reportingdescriptor-object
func securitySeverity(s checks.Severity) string {
	switch s {
	case checks.Critical:
		return "9.5"
	case checks.High:
		return "8.0"
	case checks.Medium:
		return "5.5"
	case checks.Low:
		return "2.0"
	case checks.Info, checks.SeverityUnset:
	}
	return "0.5"
}

func problemSeverity(a checks.Action) string {
	switch a {
	case checks.Deny:
		return "error"
	case checks.Warn:
		return "warning"
	case checks.Audit, checks.Ignore:
	}
	return "recommendation"
}

func sarifLevel(action string) string {
	switch action {
	case checks.Deny.String():
		return "error"
	case checks.Warn.String():
		return "warning"
	}
	return "note"
}

func sarifResult(f *Finding, index map[string]int, compared bool) *sarif.Result {
	message := f.Object.String() + " " + f.Message
	if f.Field != "" {
		message += " (" + f.Field + ")"
	}
	message += ". Fix: " + f.Fix + "."
	result := sarif.NewRuleResult(f.Check).WithKind("fail").WithLevel(sarifLevel(f.Action)).WithMessage(sarif.NewTextMessage(message))
	if f.Certainty == checks.Undetermined.String() {
		// A result that is not a failure has no level of its own (§3.27.10).
		result.WithKind("open").WithLevel("none")
	}
	if i, known := index[f.Check]; known {
		result.WithRuleIndex(i)
	}
	sum := sha256.Sum256([]byte(f.Identity()))
	result.WithPartialFingerprints(map[string]string{"gatehouse/v1": hex.EncodeToString(sum[:16])})
	result.WithLocations([]*sarif.Location{sarifLocation(f.File, f.Line, f.Object.String(), f.Object.Kind)})
	if compared {
		state := "new"
		if f.Known {
			state = "unchanged"
		}
		result.WithBaselineState(state)
	}
	properties := sarif.NewPropertyBag().Add("severity", f.Severity).Add("action", f.Action).Add("subject", f.Subject).Add("field", f.Field)
	if len(f.Path) > 0 {
		properties.Add("path", f.Path)
	}
	return result.WithProperties(properties)
}

func sarifLocation(file string, line int, name, kind string) *sarif.Location {
	at := sarif.NewLocation()
	if name != "" {
		logical := sarif.NewLogicalLocation().WithFullyQualifiedName(name).WithName(name)
		if kind != "" {
			logical.WithKind("object")
		}
		at.WithLogicalLocations([]*sarif.LogicalLocation{logical})
	}
	if file == "" || file == "-" {
		return at
	}
	physical := sarif.NewPhysicalLocation().WithArtifactLocation(sarif.NewSimpleArtifactLocation(fileURI(file)))
	if line > 0 {
		physical.WithRegion(sarif.NewRegion().WithStartLine(line))
	}
	return at.WithPhysicalLocation(physical)
}

// fileURI turns a path into a URI reference, relative paths staying so.
func fileURI(path string) string {
	u := url.URL{Path: filepath.ToSlash(filepath.Clean(path))}
	if filepath.IsAbs(path) {
		u.Scheme = "file"
	}
	return strings.TrimPrefix(u.String(), "./")
}

func sarifInvocation(r *Report) *sarif.Invocation {
	out := sarif.NewInvocation().WithExecutionSuccessful(len(r.Faults) == 0)
	for _, f := range r.Faults {
		n := sarif.NewNotification().WithLevel("error").WithMessage(sarif.NewTextMessage(f.Message))
		if f.File != "" && f.File != "-" {
			n.WithLocations([]*sarif.Location{sarifLocation(f.File, f.Line, "", "")})
		}
		out.AddToolExecutionNotification(n)
	}
	if len(r.Faults) > 0 {
		out.WithExitCodeDescription(fmt.Sprintf("%s could not be judged", count(len(r.Faults), "thing")))
	}
	return out
}
