// SPDX-License-Identifier: Apache-2.0

// Package report writes the findings of a run in the formats that people and
// other programs read: text, table, JSON, YAML, SARIF, JUnit and the
// annotations of GitHub.
//
// It takes what the command line has judged and decides nothing itself: which
// finding fails a run is set by the caller. docs/cli.md describes the formats.
package report

import (
	"cmp"
	"slices"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// APIVersion is the version of the JSON form. Fields may be added to it; none
// is removed and none changes its meaning.
const APIVersion = "gatehouse.sh/report/v1"

// Report is the outcome of a run. Its JSON form is docs/schema/report-v1.json.
type Report struct {
	APIVersion string    `json:"apiVersion"`
	Findings   []Finding `json:"findings"`
	Summary    Summary   `json:"summary"`

	// Objects are the objects that were judged, in order.
	Objects []Judged `json:"-"`

	// Faults say what could not be judged. A run with a fault is incomplete.
	Faults []Fault `json:"-"`

	// Exempted is the number of findings that exemptions took away.
	Exempted int `json:"-"`

	// Fixable is the number of findings that `gatehouse fix` can repair.
	Fixable int `json:"-"`

	// Compared says that there was a baseline, so Finding.Known means something.
	Compared bool `json:"-"`
}

// Object names an object. Namespace is empty for cluster-scoped kinds.
type Object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
}

// String returns "Kind namespace/name", or "Kind name", without characters that
// would forge a line or move a terminal's cursor: a file may name anything.
func (o Object) String() string {
	if o.Namespace == "" {
		return checks.Plain(o.Kind + " " + o.Name)
	}
	return checks.Plain(o.Kind + " " + o.Namespace + "/" + o.Name)
}

// Judged is an object and where it stands; File is empty for one of a cluster.
type Judged struct {
	Object Object
	File   string
	Line   int // 1-based; 0 when not known
}

// Fault is something that could not be judged.
type Fault struct {
	File    string // empty when it is not about a file
	Line    int    // 1-based; 0 when not known
	Message string
}

// Finding is one finding in the JSON form. All values are strings that
// docs/cli.md lists; Path is never null.
type Finding struct {
	Check     string   `json:"check"`
	Name      string   `json:"name"`
	Severity  string   `json:"severity"`
	Certainty string   `json:"certainty"`
	Action    string   `json:"action"`
	Object    Object   `json:"object"`
	Subject   string   `json:"subject"`
	Field     string   `json:"field"`
	Message   string   `json:"message"`
	Fix       string   `json:"fix"`
	Path      []string `json:"path"`
	File      string   `json:"file"`
	Line      int      `json:"line"` // 1-based; 0 when not known

	// Attack says what an attacker gets.
	Attack string `json:"-"`

	// ObjectLine is where the object of the finding begins.
	ObjectLine int `json:"-"`

	// Known says that the baseline holds the finding already.
	Known bool `json:"-"`

	// Fails says that the finding fails the run.
	Fails bool `json:"-"`
}

// Summary counts. Objects are those that were judged, Denied the findings
// whose action is deny, Undetermined those whose check could not decide.
type Summary struct {
	Objects      int `json:"objects"`
	Findings     int `json:"findings"`
	Denied       int `json:"denied"`
	Undetermined int `json:"undetermined"`
}

// NewFinding makes the JSON form of a judged finding. Place is the file and
// the line of its field.
func NewFinding(j policy.Judged, at Judged, line int) Finding {
	return Finding{
		Check: j.Check, Name: j.Name, Severity: j.Severity.String(), Certainty: j.Certainty.String(), Action: j.Action.String(),
		Object: at.Object, Subject: j.Subject, Field: j.Field, Message: j.Message, Fix: j.Fix,
		Path: append([]string{}, j.Path...), File: at.File, Line: line,
		Attack: j.Attack, ObjectLine: at.Line,
	}
}

// NewObject names an object of a kind.
func NewObject(apiVersion string, k inventory.Key) Object {
	return Object{APIVersion: apiVersion, Kind: k.Kind.Kind, Namespace: k.Namespace, Name: k.Name}
}

// Finish orders the findings and counts them. It must be called before the
// report is written.
func (r *Report) Finish() {
	r.APIVersion = APIVersion
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	slices.SortStableFunc(r.Findings, compareFindings)
	r.Summary = Summary{Objects: len(r.Objects), Findings: len(r.Findings)}
	for i := range r.Findings {
		if r.Findings[i].Action == checks.Deny.String() {
			r.Summary.Denied++
		}
		if r.Findings[i].Certainty == checks.Undetermined.String() {
			r.Summary.Undetermined++
		}
	}
}

// Failed reports whether a finding fails the run.
func (r *Report) Failed() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Fails })
}

// compareFindings orders by file and object, and within an object as policy
// orders a verdict: the strictest action first, then the most severe.
func compareFindings(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.File, b.File),
		cmp.Compare(a.ObjectLine, b.ObjectLine),
		compareObjects(a.Object, b.Object),
		cmp.Compare(rankOf(a), rankOf(b)),
		cmp.Compare(severityOf(b), severityOf(a)),
		cmp.Compare(a.Check, b.Check),
		cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Subject, b.Subject),
		cmp.Compare(a.Message, b.Message),
	)
}

func compareObjects(a, b Object) int {
	return cmp.Or(
		cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.APIVersion, b.APIVersion),
	)
}

// rankOf is the action of a finding as a number; what is no action sorts first,
// as a denial.
func rankOf(f Finding) checks.Action {
	a, _ := checks.ParseAction(f.Action)
	return a
}

func severityOf(f Finding) checks.Severity {
	s, _ := checks.ParseSeverity(f.Severity)
	return s
}
