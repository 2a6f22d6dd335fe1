// SPDX-License-Identifier: Apache-2.0

// Package checks is the rule engine: pure functions from one object and an
// inventory to findings.
//
// A check reports; what to do about it is decided by internal/policy. The
// webhook, the background scan and the command line evaluate the same Set, so
// their verdicts on the same objects are equal.
package checks

import (
	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Certainty says whether a check could decide. The zero value is the safe one:
// a finding that forgets to set it counts as a violation.
type Certainty uint8

// The certainties.
const (
	Violation    Certainty = iota // the object breaks the rule
	Undetermined                  // something needed to decide is missing or unreadable
)

// String returns "violation" or "undetermined", the words of the JSON output.
func (c Certainty) String() string {
	if c == Undetermined {
		return "undetermined"
	}
	return "violation"
}

// Severity grades what an attacker gains. The zero value means "the check's
// own" in a Finding and is refused in a Check.
type Severity uint8

// The severities, from none to the worst.
const (
	SeverityUnset Severity = iota
	Info
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"unset", "info", "low", "medium", "high", "critical"}

// String returns the lower-case name.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return severityNames[SeverityUnset]
}

// ParseSeverity reads a name that String returns, "unset" excepted.
func ParseSeverity(name string) (Severity, bool) {
	for i := Info; i <= Critical; i++ {
		if severityNames[i] == name {
			return i, true
		}
	}
	return SeverityUnset, false
}

// Action is what to do about a finding. The zero value denies.
type Action uint8

// The actions, from the strictest to none.
const (
	Deny   Action = iota // refuse the request
	Warn                 // accept and tell the user
	Audit                // accept and record
	Ignore               // the check is off
)

var actionNames = [...]string{"deny", "warn", "audit", "ignore"}

// String returns the lower-case name.
func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return actionNames[Deny]
}

// ParseAction reads a name that String returns.
func ParseAction(name string) (Action, bool) {
	for i, n := range actionNames {
		if n == name {
			return Action(i), true
		}
	}
	return Deny, false
}

// Softer returns the next milder action; Audit and Ignore stay.
func (a Action) Softer() Action {
	if a < Audit {
		return a + 1
	}
	return a
}

// Behind is the place of a fault that the write of another object opens.
type Behind struct {
	Object  inventory.Key
	Subject string // as the finding has it when that object is judged
}

// Finding is one problem of one object.
type Finding struct {
	Check     string    // id, set by Set.Evaluate
	Name      string    // the check's name, set by Set.Evaluate
	Severity  Severity  // set to the check's own by Set.Evaluate when unset
	Certainty Certainty // zero: Violation

	// Subject is the stable identity of the fault inside the object, such as
	// "port/8080" or "container/app": exemptions and the ratchet compare it. It
	// must not contain list indexes or anything that changes without the fault
	// changing.
	Subject string

	// Field is the path of the fault: "spec.ports[0].nodePort"; empty for the
	// whole object.
	Field string

	// Message is one clause without final stop: "opens port 30080 on every node".
	Message string

	// Fix says what to change here; Set.Evaluate fills it from the check's Doc
	// when it is empty.
	Fix string

	// Attack says what an attacker gets; Set.Evaluate fills it from the check's
	// Doc when it is empty.
	Attack string

	// Affects are the namespaces whose workloads the finding is about, where the
	// object under judgement has none itself: they say how it is taken.
	Affects []string

	// Behind is the object whose own fault is found where the write of another one opens
	// it: an exemption of that object covers it here. nil: the fault is of the object under
	// judgement alone.
	Behind *Behind

	// Path is the chain an attacker would follow, outermost first, such as
	// ["internet", "Service shop/web (LoadBalancer)", "Deployment shop/web"].
	Path []string
}

// Operation is what a request does. The zero value is a creation.
type Operation uint8

// The operations that are judged.
const (
	Create Operation = iota
	Update
	Delete // the object is the one that goes
)

// Request is what is known of the write that brings the object. The zero value
// is what a file stands for: a person creates the object.
type Request struct {
	Operation   Operation
	Subresource string // "status", "ephemeralcontainers", "scale"; empty for the object itself
	User        string
	Groups      []string

	// Metadata says that a write to a subresource changes labels or annotations
	// of the object too, so that every check judges it.
	Metadata bool

	// Stored says that nobody writes: the object is in the cluster already, and a
	// scan looks at it.
	Stored bool

	// Before says that Object is what an update replaces: what is found in it is only
	// compared with what is found in the update.
	Before bool

	// Admission is what an API server says of the write besides the objects, for the
	// expressions of custom checks. It must not be changed. nil: none asks, as for a
	// file, or no custom check judges the object.
	Admission *admissionv1.AdmissionRequest
}

// Input is everything a check may look at. Checks must not change any of it.
type Input struct {
	Object     inventory.Object
	Old        inventory.Object     // before the update; nil otherwise
	Inventory  *inventory.Inventory // holds Object in place of its older self
	Parameters *Parameters
	Request    Request

	scratch *scratch // nil unless made by Sharing
}

// Doc explains a check; its documentation page and its messages are made of it.
type Doc struct {
	Title   string   // "Services do not open ports on nodes"
	Why     string   // paragraphs: what the rule is about and what it does not cover
	Attack  string   // one clause: what an attacker gets; empty for a custom check
	Fix     string   // one clause in the imperative: "set spec.type to ClusterIP and ..."
	Exempt  string   // when an exemption is reasonable; one sentence
	Sources []string // URLs that back the rule
}

// Actions are the defaults of a check.
type Actions struct {
	Baseline Action
	Strict   Action
}

// Softening says how much milder a finding is treated that is less severe than
// its check. The zero value is the stricter one.
type Softening uint8

// The softenings.
const (
	OneStep      Softening = iota // one action softer, however much less severe
	StepPerGrade                  // one action softer for each grade between the two
)

// Check is one rule.
type Check struct {
	ID       string // "EXP-001"
	Name     string // "node-port": lower case, explains itself
	Severity Severity
	Actions  Actions
	Softens  Softening
	Kinds    []schema.GroupKind
	Doc      Doc

	// OnStatus checks judge writes to the status subresource, which no other
	// check sees unless they change labels or annotations (Request.Metadata).
	OnStatus bool

	// OnDelete checks judge deletions as well, which no other check sees.
	OnDelete bool

	// Custom checks come from a CheckPolicy. They judge objects as they are written:
	// of what is stored, not all that they may read is kept, so a scan leaves them
	// out (Request.Stored).
	Custom bool

	// Run is pure, and cannot fail: what it cannot decide it reports as
	// Undetermined.
	Run func(Input) []Finding

	// Backstop is what of the check the API server can enforce by itself; nil where
	// other objects decide everything.
	Backstop *Backstop

	// Fix changes the object so that Run finds nothing more; nil where no change
	// is safe. It is idempotent and touches only what it must.
	Fix func(inventory.Object)
}
