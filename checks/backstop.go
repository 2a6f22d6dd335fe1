// SPDX-License-Identifier: Apache-2.0

package checks

import "k8s.io/apimachinery/pkg/runtime/schema"

// Backstop says in CEL what a check finds by looking at one object alone, so that
// the API server can enforce it without the webhook (internal/backstop makes
// ValidatingAdmissionPolicies of it). What it finds the check finds too; what
// only the check sees, because other objects decide it, is left to the webhook.
type Backstop struct {
	// Partial names what of the check is left to the webhook, because other objects
	// decide it or CEL cannot read it: one clause without verb and final stop. Empty
	// when the backstop finds all that the check does.
	Partial string

	// Rules returns the rules for a cluster's parameters, in a fixed order. None
	// is an answer: under these parameters nothing can be said of one object alone.
	Rules func(*Parameters) []BackstopRule

	// Policy is set in place of Rules for a custom check, which is written in CEL.
	Policy *BackstopPolicy
}

// BackstopPolicy is a custom check as a ValidatingAdmissionPolicy says it.
type BackstopPolicy struct {
	Conditions  []BackstopVariable // all are true of what is judged
	Variables   []BackstopVariable // each may read those before it
	Validations []BackstopValidation

	// OlderConditions are the expressions of Conditions about the older object.
	OlderConditions []string
}

// BackstopValidation is an expression that must be true.
type BackstopValidation struct {
	Subject, Field             string // of the finding
	Expression                 string
	Message, MessageExpression string // the expression may be empty

	// Change says that the validation judges a change, so that no fault of it was
	// there before. Older is Expression about the older object; empty where there is
	// none, and then updates are left to the webhook.
	Change bool
	Older  string
}

// BackstopRule is a part of a check whose findings have one severity and one
// certainty. Exactly one of Faults, Step and Added is set.
//
// The expressions see what those of a ValidatingAdmissionPolicy see (request,
// object, oldObject) as untyped values, and none of the libraries that came after
// Kubernetes 1.30. An expression that fails refuses the request: every field that
// may be absent is read as optional.
type BackstopRule struct {
	// Kinds are those of the check that the rule is about; empty: all of them.
	Kinds []schema.GroupKind

	Severity  Severity // unset: the check's own
	Certainty Certainty

	// Faults is a CEL expression over one object, named self, whose value is the
	// list of the subjects (strings) of its faults, as in Finding.Subject. It is
	// evaluated over the new and over the old object: a fault that was there before
	// an update refuses nothing.
	Faults string

	// Step is a CEL expression over object and oldObject with the same value, which
	// is evaluated for updates only.
	Step string

	// Added is a CEL expression over the whole request with the same value, for what
	// cannot be told by comparing subjects: the faults that the request adds.
	Added string

	// Shared are expressions that the rule reads as variables.NAME, those that others
	// read first. Rules may share one: it is evaluated once for them all.
	Shared []BackstopVariable

	// Reading is an expression over one object, named self, that several rules need.
	// It is evaluated once for the new and once for the old object: Faults reads the
	// value for its object as "reading", Step reads variables.NAME, the list of the
	// value for object and that for oldObject. Without a name there is none.
	Reading BackstopVariable

	// Each is a cluster-scoped kind, all objects of which are tried as params; zero
	// for none. The request is refused when Faults is not empty for one of them.
	Each schema.GroupVersionKind
}

// BackstopVariable is an expression with a name. A name means the same expression
// in every rule about kinds with a namespace, and in every one about those without.
type BackstopVariable struct{ Name, Expression string }
