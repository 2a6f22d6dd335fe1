// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CheckPolicyKind is the kind as it stands in a file.
const CheckPolicyKind = "CheckPolicy"

// CheckPolicyName is the only name that a CheckPolicy may have: one cluster has
// one policy, so nobody has to know how several would be merged.
const CheckPolicyName = "default"

// CheckPolicy says which checks apply in the cluster, what happens to their
// findings, and what Gatehouse cannot see by itself. Only the object named
// `default` exists. Without it every check applies with its own actions.
//
// A policy with a fault is refused as a whole: the last good one stays in force,
// and the conditions say so.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,path=checkpolicies,shortName=checkpol,categories=gatehouse
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].status`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Generation",type=integer,JSONPath=`.metadata.generation`,description="What is written"
// +kubebuilder:printcolumn:name="Active",type=integer,JSONPath=`.status.activeGeneration`,description="What applies"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name == 'default'",message="the only CheckPolicy of a cluster is named default",reason=FieldValueForbidden,fieldPath=".metadata"
type CheckPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what the owners of the cluster want. Empty: every default.
	// +optional
	Spec CheckPolicySpec `json:"spec,omitzero"`

	// Status is written by Gatehouse only.
	// +optional
	Status CheckPolicyStatus `json:"status,omitzero"`
}

// CheckPolicyList is a list of CheckPolicies, of which there is at most one.
//
// +kubebuilder:object:root=true
type CheckPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []CheckPolicy `json:"items"`
}

// Action is what to do about a finding.
//
// +kubebuilder:validation:Enum=deny;warn;audit;ignore
type Action string

// The actions, from the strictest to none.
const (
	ActionDeny   Action = "deny"   // refuse the request
	ActionWarn   Action = "warn"   // accept it and tell the user
	ActionAudit  Action = "audit"  // accept it and record the finding
	ActionIgnore Action = "ignore" // the check is off
)

// Severity grades what an attacker gains by a finding.
//
// +kubebuilder:validation:Enum=info;low;medium;high;critical
type Severity string

// CheckPolicySpec is the wanted policy. What is absent keeps its default.
type CheckPolicySpec struct {
	// Checks sets the actions of single checks. An entry wins over severities and
	// over the check's own actions, and `ignore` turns the check off. A check is
	// named once, by its id (EXP-001) or its name (node-port); an unknown one is a
	// fault. Default: none. At most 256 entries.
	// +optional
	// +listType=map
	// +listMapKey=check
	// +kubebuilder:validation:MaxItems=256
	Checks []CheckRule `json:"checks,omitempty"`

	// CustomChecks are checks of your own, in CEL. They are taken like those of
	// Gatehouse: checks and severities set their actions, Exemptions cover them.
	// Default: none. At most 64.
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule="self.all(a, self.exists_one(b, b.name == a.name))",message="each name is there once"
	CustomChecks []CustomCheck `json:"customChecks,omitempty"`

	// Severities sets the actions of findings by their severity, for checks that
	// are not named in checks. What is more severe is never treated more mildly: an
	// entry with a milder action than one below it is a fault, and without an entry
	// a finding gets at least the action of less severe ones of the same check. A
	// check that is off in a profile by its own default stays off. Default: none;
	// each check has its own actions.
	// +optional
	// +listType=map
	// +listMapKey=severity
	// +kubebuilder:validation:MaxItems=5
	Severities []SeverityRule `json:"severities,omitempty"`

	// Undetermined limits what happens to a finding when a check could not decide,
	// because something it needs is missing or unreadable: the milder of this and
	// of the check's action is taken. Default: warn in the baseline profile, deny
	// in the strict one.
	// +optional
	Undetermined UndeterminedActions `json:"undetermined,omitzero"`

	// ClusterMode is how cluster-scoped objects are taken, which have no namespace
	// that could opt in: `enforce` refuses what is to be denied, `warn` turns it
	// into a warning, `audit` only records, `off` does not judge. Default: warn.
	// +optional
	// +kubebuilder:default=warn
	ClusterMode Mode `json:"clusterMode,omitempty"`

	// Exemptions bound the Exemptions of the cluster.
	// +optional
	Exemptions ExemptionRules `json:"exemptions,omitzero"`

	// Parameters are the facts about the cluster that no object states.
	// +optional
	Parameters Parameters `json:"parameters,omitzero"`
}

// Mode is how findings are taken.
//
// +kubebuilder:validation:Enum=enforce;warn;audit;off
type Mode string

// CheckRule sets the actions of one check: action for both profiles, or
// baseline and strict. A profile that is left out keeps the check's own action.
//
// +kubebuilder:validation:XValidation:rule="has(self.action) != (has(self.baseline) || has(self.strict))",message="set either action, or baseline and strict"
type CheckRule struct {
	// Check is the id or the name of a check: EXP-001 or node-port. 1 to 63 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^([A-Z]{2,8}-[0-9]{3}|[a-z][a-z0-9]*(-[a-z0-9]+)*)$`
	Check string `json:"check"`

	// Action is for both profiles; `ignore` turns the check off. Default: none.
	// +optional
	Action Action `json:"action,omitempty"`

	// Baseline is the action in namespaces with the baseline profile. Default: the
	// check's own.
	// +optional
	Baseline Action `json:"baseline,omitempty"`

	// Strict is the action in namespaces with the strict profile. Default: the
	// check's own.
	// +optional
	Strict Action `json:"strict,omitempty"`
}

// SeverityRule sets the actions of the findings of one severity: action for both
// profiles, or baseline and strict.
//
// +kubebuilder:validation:XValidation:rule="has(self.action) != (has(self.baseline) || has(self.strict))",message="set either action, or baseline and strict"
type SeverityRule struct {
	// Severity is that of the finding, which may be lower than that of its check.
	// +required
	Severity Severity `json:"severity"`

	// Action is for both profiles. Default: none.
	// +optional
	Action Action `json:"action,omitempty"`

	// Baseline is the action in namespaces with the baseline profile. Default: each
	// check's own.
	// +optional
	Baseline Action `json:"baseline,omitempty"`

	// Strict is the action in namespaces with the strict profile. Default: each
	// check's own.
	// +optional
	Strict Action `json:"strict,omitempty"`
}

// UndeterminedAction is an Action without `ignore`: what is not known is at least
// recorded.
//
// +kubebuilder:validation:Enum=deny;warn;audit
type UndeterminedAction string

// UndeterminedActions limits what happens when a check could not decide.
type UndeterminedActions struct {
	// Baseline is the limit in namespaces with the baseline profile. Default: warn.
	// +optional
	// +kubebuilder:default=warn
	Baseline UndeterminedAction `json:"baseline,omitempty"`

	// Strict is the limit in namespaces with the strict profile. Default: deny.
	// +optional
	// +kubebuilder:default=deny
	Strict UndeterminedAction `json:"strict,omitempty"`
}

// The conditions of a CheckPolicy.
const (
	// ConditionAccepted says whether the generation that was looked at is without
	// a fault; the message names all faults.
	ConditionAccepted = "Accepted"
	// ConditionReady says whether that generation is in force.
	ConditionReady = "Ready"
)

// The reasons of the conditions.
const (
	ReasonAccepted        = "Accepted"        // Accepted=True
	ReasonInvalid         = "Invalid"         // Accepted=False: the message names the faults
	ReasonInForce         = "InForce"         // Ready=True
	ReasonLastGoodInForce = "LastGoodInForce" // Ready=False: an earlier generation applies
	ReasonDefaultsInForce = "DefaultsInForce" // Ready=False: no generation was good since the start
)

// CheckPolicyStatus is what Gatehouse found. One replica writes it.
type CheckPolicyStatus struct {
	// ObservedGeneration is the metadata.generation that was looked at last.
	// +optional
	// +kubebuilder:validation:Minimum=0
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// ActiveGeneration is the metadata.generation that is in force; 0: the built-in
	// defaults are.
	// +optional
	// +kubebuilder:validation:Minimum=0
	ActiveGeneration int64 `json:"activeGeneration,omitempty"`

	// Conditions are Accepted and Ready. At most 8.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
