// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// TrafficPolicyKind is the kind as it stands in a file.
const TrafficPolicyKind = "TrafficPolicy"

// TrafficPolicy says how many requests may come to its targets, and how many may be
// under way. All targets of a policy at one Gateway are counted together, by each
// replica for itself unless a limit's scope is Gateway. What is passed on without being read (TCP, UDP, TLS) has no
// requests. A policy that is at fault has every request of its targets answered 503.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:metadata:labels="gateway.networking.k8s.io/policy=Inherited"
// +kubebuilder:resource:scope=Namespaced,path=trafficpolicies,shortName=trafpol,categories=gatehouse
// +kubebuilder:printcolumn:name="Kind",type=string,JSONPath=`.spec.targetRefs[0].kind`
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.targetRefs[0].name`
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.mode`
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.ancestors[0].conditions[?(@.type=="Accepted")].reason`
// +kubebuilder:printcolumn:name="Effective",type=string,JSONPath=`.status.ancestors[0].conditions[?(@.type=="Effective")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.ancestors[0].conditions[?(@.type=="Effective")].message`
type TrafficPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what the owners of the targets want.
	// +required
	Spec TrafficPolicySpec `json:"spec"`

	// Status is written by Gatehouse only.
	// +optional
	Status gatewayv1.PolicyStatus `json:"status,omitzero"`
}

// TrafficPolicyList is a list of TrafficPolicies.
//
// +kubebuilder:object:root=true
type TrafficPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []TrafficPolicy `json:"items"`
}

// TrafficPolicySpec is how much.
//
// +kubebuilder:validation:XValidation:rule="has(self.rateLimits) || has(self.concurrency)",message="says nothing: give rateLimits or concurrency"
// +kubebuilder:validation:XValidation:rule="has(self.onStoreFailure) || !(has(self.rateLimits) && self.rateLimits.exists(l, has(l.scope) && l.scope == 'Gateway'))",message="a limit whose scope is Gateway needs onStoreFailure: Deny or Local"
// +kubebuilder:validation:XValidation:rule="!has(self.onStoreFailure) || (has(self.rateLimits) && self.rateLimits.exists(l, has(l.scope) && l.scope == 'Gateway'))",message="onStoreFailure is for limits whose scope is Gateway, and there is none"
type TrafficPolicySpec struct {
	// TargetRefs are what the policy is for. With a Gateway or a listener it is for what
	// has no route, too; with a Service for every rule that sends anything to it. 1 to 16.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(t, t.kind == 'Service' ? t.group == '' && !has(t.sectionName) : t.group == 'gateway.networking.k8s.io')",message="group is gateway.networking.k8s.io, or \"\" of a Service, which has no sectionName"
	TargetRefs []PolicyTarget `json:"targetRefs"`

	// Mode is Enforced, which makes it a floor, or Default. Default: Enforced.
	// +optional
	// +kubebuilder:default=Enforced
	Mode PolicyMode `json:"mode,omitempty"`

	// RateLimits are all kept: a request counts in each, or in none. Default: none. At most
	// 16.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	RateLimits []RateLimit `json:"rateLimits,omitempty"`

	// OnStoreFailure is what limits whose scope is Gateway do while the store does not
	// answer: Deny answers 503, Local has each replica count by itself. With such limits it
	// must be given.
	// +optional
	OnStoreFailure StoreFailure `json:"onStoreFailure,omitempty"`

	// Concurrency bounds what is under way. Default: none.
	// +optional
	Concurrency *Concurrency `json:"concurrency,omitempty"`
}

// StoreFailure says what limits do that cannot be counted together.
//
// +kubebuilder:validation:Enum=Deny;Local
type StoreFailure string

// There is no default.
const (
	StoreFailureDeny  StoreFailure = "Deny"  // requests are answered 503
	StoreFailureLocal StoreFailure = "Local" // each replica counts by itself, from an empty count
)

// LimitScope says who counts together.
//
// +kubebuilder:validation:Enum=Replica;Gateway
type LimitScope string

// The zero value is ScopeReplica.
const (
	ScopeReplica LimitScope = "Replica" // each replica of the Gateway for itself
	ScopeGateway LimitScope = "Gateway" // all replicas, in the store of the GatewayParameters
)

// RateLimit is a number of requests for each key.
type RateLimit struct {
	// Name is told to clients and in logs. 1 to 63 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$`
	Name string `json:"name"`

	// Key are what requests have in common that are counted together: client.ip, host,
	// method, path, header:NAME, principal, claim:NAME, or cel: and an expression. Default:
	// none, all count together. At most 8.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MaxLength=4096
	Key []string `json:"key,omitempty"`

	// Limit holds where no tier fits and no schedule is on.
	// +required
	Limit Limit `json:"limit"`

	// Tiers hold for requests that they fit, the first that does. Default: none. At most
	// 32.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Tiers []Tier `json:"tiers,omitempty"`

	// Schedules hold at their time, the first that is on. Default: none. At most 32.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Schedules []Schedule `json:"schedules,omitempty"`

	// Scope is who counts together: Replica (default), or Gateway, which is all replicas of
	// a Gateway, in the store that its GatewayParameters name. Without one, requests are
	// answered 503.
	// +optional
	Scope LimitScope `json:"scope,omitempty"`

	// OnExceed is what becomes of a request too many. Default: it is answered 429.
	// +optional
	OnExceed OnExceed `json:"onExceed,omitzero"`
}

// Limit is so many requests in a time, evenly.
type Limit struct {
	// Requests may come in the time. 1 to 1000000000.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000000
	Requests int32 `json:"requests"`

	// Per is the time: 1s, 1m, 24h. At most 8784h.
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	Per metav1.Duration `json:"per"`

	// Burst may come at once. Default: as many as requests. At most 1000000000.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000000
	Burst int32 `json:"burst,omitempty"`
}

// Tier is the limit of requests for which an expression is true.
type Tier struct {
	Limit `json:",inline"`

	// When is an expression in CEL. 1 to 4096 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	When string `json:"when"`
}

// Schedule is the limit of a time that comes again: days, from and to, or cron and for.
//
// +kubebuilder:validation:XValidation:rule="has(self.cron) == has(self.for)",message="cron and for belong together"
// +kubebuilder:validation:XValidation:rule="has(self.cron) != (has(self.from) && has(self.to))",message="give from and to, or cron and for"
type Schedule struct {
	Limit `json:",inline"`

	// Days are Mon to Sun. Default: all.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=7
	// +kubebuilder:validation:items:Enum=Mon;Tue;Wed;Thu;Fri;Sat;Sun
	Days []string `json:"days,omitempty"`

	// From is when it begins, 00:00 to 23:59.
	// +optional
	// +kubebuilder:validation:Pattern=`^[0-2][0-9]:[0-5][0-9]$`
	From string `json:"from,omitempty"`

	// To is when it ends, 00:01 to 24:00.
	// +optional
	// +kubebuilder:validation:Pattern=`^[0-2][0-9]:[0-5][0-9]$`
	To string `json:"to,omitempty"`

	// Cron is when it begins, in five fields.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Cron string `json:"cron,omitempty"`

	// For is how long it lasts.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	For metav1.Duration `json:"for,omitzero"`

	// TimeZone is whose clocks are meant, such as Europe/Berlin. Default: UTC.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	TimeZone string `json:"timeZone,omitempty"`
}

// OnExceed is what becomes of a request too many.
//
// +kubebuilder:validation:XValidation:rule="(has(self.action) && self.action == 'Queue') == has(self.maxWait)",message="maxWait is for Queue, which needs it"
// +kubebuilder:validation:XValidation:rule="!has(self.maxQueued) || has(self.maxWait)",message="maxQueued is for Queue"
type OnExceed struct {
	// Action is Reject (429), Queue, or Shadow, which lets it pass and tells of it.
	// Default: Reject.
	// +optional
	// +kubebuilder:validation:Enum=Reject;Queue;Shadow
	Action string `json:"action,omitempty"`

	// MaxWait is how long a request may wait for its turn. 1ms to 5m.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	MaxWait metav1.Duration `json:"maxWait,omitzero"`

	// MaxQueued is how many requests of one key may wait. Default: 100.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	MaxQueued int32 `json:"maxQueued,omitempty"`
}

// Concurrency is how many requests of each key may be under way.
type Concurrency struct {
	// Requests are those under way, WebSockets and those that wait too. 1 to 1000000000.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000000
	Requests int32 `json:"requests"`

	// Key is as of a rate limit. Default: none, all count together. At most 8.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MaxLength=4096
	Key []string `json:"key,omitempty"`
}
