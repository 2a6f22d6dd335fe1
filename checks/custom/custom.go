// SPDX-License-Identifier: Apache-2.0

// Package custom makes checks of what the owners of a cluster write in CEL.
//
// The language, its libraries, the variables and the cost limits are those of
// Kubernetes' ValidatingAdmissionPolicy, compiled by Kubernetes' own packages; a
// test holds the verdicts against those of its admission plugin. Two variables are
// absent, so that no expression reads anything by itself: params, which is another
// object, and authorizer, which asks another server. The inventory is not to be
// seen either.
//
// It is pure. internal/policy calls Compile and adds the result to the catalogue;
// from there on a custom check is a check like any other.
package custom

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// Definition is a check as it is written. Compile looks at its expressions only;
// that names, kinds and texts are in order is the caller's to know.
type Definition struct {
	ID       string // "CUSTOM-001"
	Name     string // "no-latest-image"
	Title    string // one sentence
	Fix      string // one clause in the imperative
	Severity checks.Severity
	Kinds    []schema.GroupKind

	// MatchConditions must all be true for the check to judge an object.
	MatchConditions []Named

	// Variables are evaluated when they are first used, at most once for an object.
	// Each may use those before it.
	Variables []Named

	Validations []Validation
}

// Named is an expression with a name.
type Named struct{ Name, Expression string }

// Validation is one thing that must be true.
type Validation struct {
	Name              string // becomes the finding's subject; unique in its check
	Expression        string // of type bool
	Message           string // what the finding says; empty: the expression
	MessageExpression string // of type string; empty, or failing: Message says it
	Field             string // becomes the finding's field; may be empty
}

// Fault is something wrong with an expression.
type Fault struct {
	Path    string // of the expression in the definition: "validations[0].expression"
	Message string // "1:14: undeclared reference to 'foo' (in container '')"
}

// docs is where the form and the limits are described.
const docs = "https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/"

// Compile makes a check of a definition. With any fault the check must not be used.
func Compile(d *Definition) (checks.Check, []Fault) {
	c, faults := compile(d)
	var behind *checks.Backstop
	if len(faults) == 0 {
		behind = c.backstop(d)
	}
	return checks.Check{
		ID: d.ID, Name: d.Name, Severity: d.Severity, Actions: defaultActions(d.Severity), Kinds: d.Kinds, Custom: true,
		Doc: checks.Doc{
			Title:   d.Title,
			Why:     why(d),
			Fix:     d.Fix,
			Exempt:  "When the owners of this cluster's CheckPolicy agree.",
			Sources: []string{docs},
		},
		Run:      c.run,
		Backstop: behind,
	}, faults
}

// defaultActions are what most checks of the catalogue with the severity have.
func defaultActions(s checks.Severity) checks.Actions {
	switch s {
	case checks.Info:
		return checks.Actions{Baseline: checks.Audit, Strict: checks.Audit}
	case checks.Low:
		return checks.Actions{Baseline: checks.Warn, Strict: checks.Warn}
	case checks.Medium:
		return checks.Actions{Baseline: checks.Warn, Strict: checks.Deny}
	case checks.SeverityUnset, checks.High, checks.Critical:
	}
	return checks.Actions{}
}

// why says where the check comes from and what it asks for.
func why(d *Definition) string {
	var b strings.Builder
	b.WriteString("This is a custom check of the cluster's CheckPolicy. It judges objects when they are created and updated, and manifests; a scan of what is stored leaves it out.")
	for _, m := range d.MatchConditions {
		b.WriteString("\nIt judges objects for which this is true (" + m.Name + "): " + oneLine(m.Expression))
	}
	for _, v := range d.Variables {
		b.WriteString("\nvariables." + v.Name + " is: " + oneLine(v.Expression))
	}
	for _, v := range d.Validations {
		b.WriteString("\nThis must be true (" + v.Name + "): " + oneLine(v.Expression))
	}
	return b.String()
}

// oneLine writes an expression in one line.
func oneLine(expression string) string { return strings.Join(strings.Fields(expression), " ") }
