// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NetworkPhase is how far a plan has come.
type NetworkPhase string

// The phases.
const (
	NetworkPreviewed NetworkPhase = "Previewed" // the plan is made and proved; nothing is applied
	NetworkWaiting   NetworkPhase = "Waiting"   // it will be applied when it is its turn
	NetworkApplying  NetworkPhase = "Applying"  // some of its policies are there
	NetworkApplied   NetworkPhase = "Applied"   // all of them are
	NetworkRefused   NetworkPhase = "Refused"   // it has a fault; what was applied last stays
	NetworkPaused    NetworkPhase = "Paused"    // nothing is changed until somebody says so
	NetworkWithdrawn NetworkPhase = "Withdrawn" // wanted traffic was dropped after it was applied: nothing is denied any more
)

// The conditions of a NetworkPlan, besides ConditionAccepted.
const (
	// ConditionProven says whether the policies allow every connection of the plan.
	ConditionProven = "Proven"
	// ConditionApplied says whether the policies of the plan are in force.
	ConditionApplied = "Applied"
)

// The reasons of the conditions of a NetworkPlan, besides ReasonAccepted,
// ReasonInvalid and ReasonInForce.
const (
	ReasonExact       = "Exact"       // Proven=True: and nothing else
	ReasonMore        = "More"        // Proven=True: and what status.extra lists
	ReasonWouldCut    = "WouldCut"    // Proven=False: a connection would be refused
	ReasonNotMade     = "NotMade"     // Proven=Unknown: the plan cannot be made
	ReasonPreviewOnly = "PreviewOnly" // Applied=False
	ReasonQueued      = "Queued"      // Applied=False: other namespaces are being applied
	ReasonInProgress  = "InProgress"  // Applied=False
	ReasonOlderPlan   = "OlderPlan"   // Applied=False: an older plan is in force, since the newest is refused
	ReasonHeld        = "Held"        // Applied=False: paused before this plan was applied
	ReasonDrops       = "Drops"       // Applied=False: withdrawn, since wanted traffic was dropped
	ReasonForbidden   = "Forbidden"   // Applied=False: the API server refused a policy
)

// NetworkPlanStatus is what Gatehouse makes of a plan. One replica writes it.
type NetworkPlanStatus struct {
	// ObservedGeneration is the metadata.generation that the status is about.
	// +optional
	// +kubebuilder:validation:Minimum=0
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Mode is the one in force: that of the namespace's label, else that of the
	// plan.
	// +optional
	Mode NetworkMode `json:"mode,omitempty"`

	// Phase is how far the plan has come.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Phase NetworkPhase `json:"phase,omitempty"`

	// Message says in words what the phase means here, and what to do.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	Message string `json:"message,omitempty"`

	// Counts are whole, also where the lists below are cut.
	// +optional
	Counts NetworkCounts `json:"counts,omitzero"`

	// Connections are those of the plan, ordered. At most 250.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=250
	Connections []NetworkConnection `json:"connections,omitempty"`

	// Gained are connections that the plan allows and that are refused now; Lost are
	// those that are allowed now and would be refused. At most 50 each.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Gained []string `json:"gained,omitempty"`
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Lost []string `json:"lost,omitempty"`

	// Extra are connections that are allowed and not in the plan, with who allows
	// them. At most 50.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Extra []string `json:"extra,omitempty"`

	// Problems are pieces of evidence of which no connection came, and why. At most
	// 50.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Problems []string `json:"problems,omitempty"`

	// Drops are connections that were seen and that the plan refuses, the most
	// frequent first: predicted before it is applied, refused since. At most 50.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Drops []NetworkDrop `json:"drops,omitempty"`

	// Conflicts are connections about which the sources disagree: declared but never
	// seen, or in manifests but not seen, where somebody looked for a day; seen but
	// not declared. They are in the plan, the last sort excepted. At most 50.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Conflicts []string `json:"conflicts,omitempty"`

	// Policies are the names of those that the plan is written in, in the order in
	// which they are applied. At most 250.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=250
	Policies []string `json:"policies,omitempty"`

	// Plan is the digest of the policies of the plan.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Plan string `json:"plan,omitempty"`

	// Applied is the digest of the policies that were applied as a whole last, and
	// AppliedAt is when that was. Empty: none are.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Applied string `json:"applied,omitempty"`
	// +optional
	AppliedAt *metav1.Time `json:"appliedAt,omitempty"`

	// FirstAppliedAt is when the namespace was denied for the first time since it was
	// opted in.
	// +optional
	FirstAppliedAt *metav1.Time `json:"firstAppliedAt,omitempty"`

	// Withdrawn is the digest of the plan that was withdrawn because wanted traffic
	// was dropped. It is not applied again before spec changes.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Withdrawn string `json:"withdrawn,omitempty"`

	// Conditions are Accepted, Proven and Applied. At most 8.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// NetworkCounts are how many there are of each.
type NetworkCounts struct {
	// Workloads of the namespace, pods on the network of their node left out.
	Workloads int32 `json:"workloads"`
	// Connections of the plan.
	Connections int32 `json:"connections"`
	// Policies of the plan.
	Policies int32 `json:"policies"`
	// Problems met.
	Problems int32 `json:"problems"`
	// Extra connections that are allowed.
	Extra int32 `json:"extra"`
	// Gained connections.
	Gained int32 `json:"gained"`
	// Lost connections.
	Lost int32 `json:"lost"`
	// Drops, predicted or seen.
	Drops int32 `json:"drops"`
	// Conflicts between what was declared and what was seen.
	// +optional
	Conflicts int32 `json:"conflicts,omitempty"`
}

// NetworkConnection is who may connect to whom.
type NetworkConnection struct {
	// From opens the connection.
	// +kubebuilder:validation:MaxLength=512
	From string `json:"from"`
	// To accepts it.
	// +kubebuilder:validation:MaxLength=512
	To string `json:"to"`
	// Port is that of the accepting pods.
	// +kubebuilder:validation:MaxLength=64
	Port string `json:"port"`
	// Because is the best evidence for it.
	// +kubebuilder:validation:MaxLength=512
	Because string `json:"because"`
}

// NetworkDrop is a connection that was seen and that a plan refuses.
type NetworkDrop struct {
	// From opened it.
	// +kubebuilder:validation:MaxLength=512
	From string `json:"from"`
	// To is whom it was for.
	// +kubebuilder:validation:MaxLength=512
	To string `json:"to"`
	// Port is that of the accepting pods.
	// +kubebuilder:validation:MaxLength=64
	Port string `json:"port"`
	// Flows is how many were seen, rounded down to the first digit.
	// +kubebuilder:validation:Minimum=0
	Flows int64 `json:"flows"`
	// LastSeen is when, to the minute.
	// +optional
	LastSeen *metav1.Time `json:"lastSeen,omitempty"`
	// Wanted says that the connection is in the plan, and was dropped all the same.
	// +optional
	Wanted bool `json:"wanted,omitempty"`
}
