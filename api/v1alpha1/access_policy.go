// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// AccessPolicyKind is the kind as it stands in a file.
const AccessPolicyKind = "AccessPolicy"

// AccessPolicy says who may do what of its targets: Gateways, routes, and Services that
// routes send to. What no rule allows is refused. When anything that the policy needs
// cannot be had, or it is at fault, every request of its targets is answered 503.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:metadata:labels="gateway.networking.k8s.io/policy=Inherited"
// +kubebuilder:resource:scope=Namespaced,path=accesspolicies,shortName=accpol,categories=gatehouse
// +kubebuilder:printcolumn:name="Kind",type=string,JSONPath=`.spec.targetRefs[0].kind`
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.targetRefs[0].name`
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.mode`
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.ancestors[0].conditions[?(@.type=="Accepted")].reason`
// +kubebuilder:printcolumn:name="Effective",type=string,JSONPath=`.status.ancestors[0].conditions[?(@.type=="Effective")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.ancestors[0].conditions[?(@.type=="Effective")].message`
type AccessPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what the owners of the targets want.
	// +required
	Spec AccessPolicySpec `json:"spec"`

	// Status is written by Gatehouse only.
	// +optional
	Status gatewayv1.PolicyStatus `json:"status,omitzero"`
}

// AccessPolicyList is a list of AccessPolicies.
//
// +kubebuilder:object:root=true
type AccessPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []AccessPolicy `json:"items"`
}

// AccessPolicySpec is who may do what.
type AccessPolicySpec struct {
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

	// Authentication is how it is known who asks.
	// +required
	Authentication AccessAuthentication `json:"authentication"`

	// Authorization is what who is known may do.
	// +required
	Authorization AccessAuthorization `json:"authorization"`

	// Forward is what the backend is told. Default: nothing, and no credential.
	// +optional
	Forward AccessForward `json:"forward,omitzero"`

	// ExternalAuth is a service that has to agree to every request that the rules allow.
	// Default: none.
	// +optional
	ExternalAuth *ExternalAuth `json:"externalAuth,omitempty"`
}

// AccessAuthorization allows nothing that no rule allows, and nothing that one denies.
type AccessAuthorization struct {
	// Rules are asked together: those that deny come first. 1 to 64.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Rules []AccessRule `json:"rules"`
}

// AccessRule allows or denies.
//
// +kubebuilder:validation:XValidation:rule="has(self.allow) != has(self.deny)",message="set one of allow and deny: allow: {} lets in whoever is known"
type AccessRule struct {
	// Name is told in logs. 1 to 63 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$`
	Name string `json:"name"`

	// Allow lets in what it fits; {} fits whoever is known. Default: none.
	// +optional
	Allow *AccessCondition `json:"allow,omitempty"`

	// Deny keeps out what it fits. Default: none.
	// +optional
	Deny *AccessCondition `json:"deny,omitempty"`
}

// AccessCondition fits if all of its fields that are set do.
type AccessCondition struct {
	// Methods are those of the request, in capitals. Default: any. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:Pattern=`^[A-Z-]{1,32}$`
	Methods []string `json:"methods,omitempty"`

	// Paths are one or more whole segments: * is any one, ** at the end any number.
	// Default: any. At most 64, of 1 to 1024 bytes.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=1024
	// +kubebuilder:validation:items:Pattern=`^/`
	Paths []string `json:"paths,omitempty"`

	// Scopes are all needed. Default: none. At most 64, of 1 to 256 bytes (RFC 6749,
	// section 3.3).
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:Pattern=`^[!#-\[\]-~]{1,256}$`
	Scopes []string `json:"scopes,omitempty"`

	// Claims have one of the values each; of a list, one entry has. Default: none. At most
	// 64.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Claims map[string]ClaimValues `json:"claims,omitempty"`

	// Principals are the name of an authenticator of the policy, a slash, and a subject or
	// *. Default: any. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=1024
	// +kubebuilder:validation:items:Pattern=`^[^/]+/.`
	Principals []string `json:"principals,omitempty"`

	// SourceRanges have the client's address. Default: any. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	SourceRanges []PolicyCIDR `json:"sourceRanges,omitempty"`

	// When is an expression in CEL over request, client, principal, claims and now.
	// Default: none. At most 4096 bytes.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	When string `json:"when,omitempty"`
}

// ClaimValues are values of a claim. 1 to 64.
//
// +listType=set
// +kubebuilder:validation:MinItems=1
// +kubebuilder:validation:MaxItems=64
// +kubebuilder:validation:items:MaxLength=1024
type ClaimValues []string

// AccessForward is what the backend is told of who asks.
type AccessForward struct {
	// ClaimsToHeaders are names of header lines by claim; sub is the subject of whatever
	// credential. No client can send these lines to what the policy is for, nor to anything
	// of the Gateway that leads to Services of the same namespaces, by whichever listener.
	// Default: none. At most 32.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	ClaimsToHeaders map[string]string `json:"claimsToHeaders,omitempty"`

	// Credentials tells whether the backend gets those of the client. Default: Strip.
	// +optional
	// +kubebuilder:default=Strip
	// +kubebuilder:validation:Enum=Strip;Keep
	Credentials string `json:"credentials,omitempty"`
}
