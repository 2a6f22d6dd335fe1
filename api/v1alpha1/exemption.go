// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ExemptionKind is the kind as it stands in a file.
const ExemptionKind = "Exemption"

// The bounds of how long an exemption may last.
const (
	// DefaultExemptionDuration applies where a CheckPolicy names none: a quarter of
	// a year, so that somebody looks at each risk four times a year.
	DefaultExemptionDuration = 90 * 24 * time.Hour
	// MinExemptionDuration and MaxExemptionDuration bound what a CheckPolicy may
	// name: an hour, and a leap year.
	MinExemptionDuration = time.Hour
	MaxExemptionDuration = 366 * 24 * time.Hour
)

// Exemption is a risk that somebody has taken responsibility for until a certain
// moment: the findings that it covers are recorded and refuse nothing.
//
// In the namespace of Gatehouse it may be about every object of the cluster. In
// any other namespace it is about objects of that namespace only, and only a
// member of the CheckPolicy's spec.exemptions.approvers may write it. One with a
// fault covers nothing; its conditions say why.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,path=exemptions,categories=gatehouse
// +kubebuilder:printcolumn:name="Checks",type=string,JSONPath=`.spec.checks`
// +kubebuilder:printcolumn:name="Owner",type=string,JSONPath=`.spec.owner`
// +kubebuilder:printcolumn:name="Expires",type=string,format=date-time,JSONPath=`.spec.expiresAt`
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].status`
// +kubebuilder:printcolumn:name="Expired",type=string,JSONPath=`.status.conditions[?(@.type=="Expired")].reason`
// +kubebuilder:printcolumn:name="Used",type=string,JSONPath=`.status.conditions[?(@.type=="Used")].status`
// +kubebuilder:printcolumn:name="Ticket",type=string,priority=1,JSONPath=`.spec.ticket`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.spec.reason`
type Exemption struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what is exempt, why, by whom and until when.
	// +required
	Spec ExemptionSpec `json:"spec"`

	// Status is written by Gatehouse only.
	// +optional
	Status ExemptionStatus `json:"status,omitzero"`
}

// ExemptionList is a list of Exemptions.
//
// +kubebuilder:object:root=true
type ExemptionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Exemption `json:"items"`
}

// ExemptionSpec says what is exempt.
type ExemptionSpec struct {
	// Checks are those whose findings are exempt, by id (EXP-001) or name
	// (node-port); an unknown one is a fault. 1 to 64.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^([A-Z]{2,8}-[0-9]{3}|[a-z][a-z0-9]*(-[a-z0-9]+)*)$`
	Checks []string `json:"checks"`

	// Objects select what is exempt: an object is when one entry matches it. There
	// is no selection by labels, for whoever may write an object may label it.
	// 1 to 64.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Objects []ExemptionSelector `json:"objects"`

	// Subjects limit the exemption to some faults of the objects, as the reports
	// name them (port/8080), or their beginning and *. Default: every fault. At
	// most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	Subjects []SubjectPattern `json:"subjects,omitempty"`

	// Reason says why the risk is acceptable. 1 to 1024 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`\S`
	Reason string `json:"reason"`

	// Owner is who answers for it and is asked before it expires: a person or a
	// team, best with an address. 1 to 253 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`\S`
	Owner string `json:"owner"`

	// Ticket is where it was agreed upon: a number or an address. Default: none.
	// At most 253 bytes.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Ticket string `json:"ticket,omitempty"`

	// ExpiresAt is the moment from which it is as if the exemption were not there.
	// It may not be further away than spec.exemptions.maxDuration of the
	// CheckPolicy.
	// +required
	ExpiresAt metav1.Time `json:"expiresAt"`
}

// ExemptionSelector picks objects. A list that is absent picks everything; one
// at least must be there.
//
// +kubebuilder:validation:XValidation:rule="(has(self.kinds) && size(self.kinds) > 0) || (has(self.namespaces) && size(self.namespaces) > 0) || (has(self.names) && size(self.names) > 0)",message="selects everything: give kinds, namespaces or names"
type ExemptionSelector struct {
	// Kinds are those of the objects: Kind (of every group), or Kind.group.
	// Default: every kind. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=317
	// +kubebuilder:validation:items:Pattern=`^[A-Za-z][A-Za-z0-9]*(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	Kinds []string `json:"kinds,omitempty"`

	// Namespaces are names of namespaces, or their beginning and *. Default: every
	// namespace, and cluster-scoped objects. Outside the namespace of Gatehouse
	// only the exemption's own may be named. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	Namespaces []NamePattern `json:"namespaces,omitempty"`

	// Names are names of objects, or their beginning and *. Default: every name.
	// At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	Names []NamePattern `json:"names,omitempty"`
}

// NamePattern is a name, or the beginning of one followed by *. 1 to 254 bytes.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=254
// +kubebuilder:validation:Pattern=`^[^*]*\*?$`
type NamePattern string

// SubjectPattern is the subject of a finding, or the beginning of one followed
// by *. 1 to 600 bytes.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=600
// +kubebuilder:validation:Pattern=`^[^*]*\*?$`
type SubjectPattern string

// The conditions of an Exemption, besides ConditionAccepted.
const (
	// ConditionExpired says whether the exemption still counts, and by its reason
	// how close the end is.
	ConditionExpired = "Expired"
	// ConditionUsed says whether it covers a finding of an object that is there.
	ConditionUsed = "Used"
)

// The reasons of the conditions of an Exemption, besides ReasonAccepted and
// ReasonInvalid.
const (
	ReasonNotApproved   = "NotApproved"   // Accepted=False: outside the namespace of Gatehouse, and nobody approved it
	ReasonTooLong       = "TooLong"       // Accepted=False: it ends later than the CheckPolicy allows
	ReasonNotYet        = "NotYet"        // Expired=False: more than 7 days are left
	ReasonWithin7Days   = "Within7Days"   // Expired=False
	ReasonWithin1Day    = "Within1Day"    // Expired=False
	ReasonExpired       = "Expired"       // Expired=True
	ReasonCoversFinding = "CoversFinding" // Used=True
	ReasonCoversNothing = "CoversNothing" // Used=False
)

// ExemptionStatus is what Gatehouse found. One replica writes it.
type ExemptionStatus struct {
	// ObservedGeneration is the metadata.generation that was looked at last.
	// +optional
	// +kubebuilder:validation:Minimum=0
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// LastUsed is the day, in UTC, on which it covered a finding last. Absent: never
	// since it is watched.
	// +optional
	LastUsed *metav1.Time `json:"lastUsed,omitempty"`

	// Conditions are Accepted, Expired and Used. At most 8.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// ExemptionRules bound the Exemptions of a cluster.
type ExemptionRules struct {
	// Approvers are the groups whose members may write Exemptions outside the
	// namespace of Gatehouse. Default: none, such Exemptions are refused and those
	// that are there do not count. Groups that everybody is in, such as
	// system:authenticated, cannot be named. At most 16.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	Approvers []UserGroup `json:"approvers,omitempty"`

	// MaxDuration is how far away the end of an Exemption may be: one that ends
	// later does not count yet. 1h to 8784h. Default: 2160h, which are 90 days.
	// +optional
	// +kubebuilder:default="2160h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(h|m|s))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1h') && duration(self) <= duration('8784h')",message="must be 1h to 8784h"
	MaxDuration *metav1.Duration `json:"maxDuration,omitempty"`
}

// UserGroup is a group of users as the API server knows it, such as
// oidc:security. 1 to 253 bytes without blanks; there are no patterns.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^[^\s*?]+$`
// +kubebuilder:validation:XValidation:rule="!(self in ['system:authenticated', 'system:unauthenticated', 'system:serviceaccounts'])",message="must not be a group that everybody is in"
type UserGroup string
