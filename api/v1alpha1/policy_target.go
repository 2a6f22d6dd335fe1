// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// PolicyMode is what a policy is to the policies of what is below its target: a
// Gateway is above its listeners, these above routes, these above their rules, and
// these above the Services that they send to.
//
// +kubebuilder:validation:Enum=Enforced;Default
type PolicyMode string

// The modes. The zero value is PolicyEnforced as well.
const (
	PolicyEnforced PolicyMode = "Enforced" // a floor: what is below can add, and never take away
	PolicyDefault  PolicyMode = "Default"  // holds where nothing below has a policy of the kind
)

// PolicyTarget names what a policy is for, in the namespace of the policy (GEP-713).
type PolicyTarget struct {
	// Group is gateway.networking.k8s.io, or "" of a Service.
	// +required
	// +kubebuilder:validation:Enum="";gateway.networking.k8s.io
	Group string `json:"group"`

	// Kind is that of the target.
	// +required
	// +kubebuilder:validation:Enum=Gateway;HTTPRoute;GRPCRoute;Service
	Kind string `json:"kind"`

	// Name is that of the target. 1 to 253 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// SectionName is a listener of a Gateway, or a rule of a route. Default: all of them. A
	// Service has none.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	SectionName string `json:"sectionName,omitempty"`
}

// PolicyReference names an object that a policy needs. One of another namespace has to
// be granted there, by a ReferenceGrant.
type PolicyReference struct {
	// Namespace is where it is. Default: that of the policy.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// Name is its name. 1 to 253 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// PolicyBackend names a port of a Service. One of another namespace has to be granted
// there, by a ReferenceGrant.
type PolicyBackend struct {
	PolicyReference `json:",inline"`

	// Port is that of the Service. 1 to 65535.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port"`
}

// PolicyCIDR is a block of addresses without bits beyond its length, such as 192.0.2.0/24 or 2001:db8::/32.
//
// +kubebuilder:validation:MinLength=2
// +kubebuilder:validation:MaxLength=43
// +kubebuilder:validation:XValidation:rule="isCIDR(self) && cidr(self) == cidr(self).masked()",message="must be a block of addresses such as 192.0.2.0/24, without bits beyond its length"
type PolicyCIDR string

// The conditions of AccessPolicies, TrafficPolicies and ClientPolicies at each Gateway,
// beside Accepted and ResolvedRefs of GEP-713.
const (
	// ConditionEffective says where a policy is in force; the message counts and names
	// routes.
	ConditionEffective = "Effective"
	// ConditionOverridden is there when something below the target has a policy of its
	// own in the place of a Default; the message counts and names routes.
	ConditionOverridden = "Overridden"
)

// The reasons of the conditions of policies, beside those of GEP-713.
const (
	ReasonEffective    = "Effective"    // Effective=True
	ReasonOverridden   = "Overridden"   // Effective=False, and Overridden=True
	ReasonRefusing     = "Refusing"     // Effective=False: the policy cannot be kept, so its requests are answered 503
	ReasonNothing      = "NothingThere" // Effective=False: no Gateway and no route of ours is concerned
	ReasonRefNotFound  = "RefNotFound"  // ResolvedRefs=False
	ReasonInvalidRef   = "InvalidRef"   // ResolvedRefs=False: it is there, and not what is needed
	ReasonNotPermitted = "RefNotPermitted"
)
