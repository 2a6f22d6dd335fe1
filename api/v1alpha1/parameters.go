// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// CIDR is a network in CIDR notation with all host bits zero, such as
// 10.0.0.0/8 or 2001:db8::/32. IPv4-mapped IPv6 networks, zones and /0 are
// refused: the first two compare unequal to what they mean, the last would trust
// every address.
//
// +kubebuilder:validation:MinLength=4
// +kubebuilder:validation:MaxLength=43
// +kubebuilder:validation:XValidation:rule="isCIDR(self) && cidr(self).masked() == cidr(self) && cidr(self).prefixLength() > 0",message="must be a network such as 10.0.0.0/8 or 2001:db8::/32, with host bits zero and not /0"
type CIDR string

// Username is the user of a request as the API server knows it, such as
// system:serviceaccount:kube-system:cloud-controller-manager. 1 to 253 bytes
// without blanks; there are no patterns.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^[^\s*?]+$`
// +kubebuilder:validation:XValidation:rule="self != 'system:anonymous' && self != 'system:unauthenticated'",message="must not be an unauthenticated user"
type Username string

// NamespaceName is the name of a namespace: a DNS label, 1 to 63 bytes.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
type NamespaceName string

// ObjectName is the name of an object: a DNS subdomain, 1 to 253 bytes.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
type ObjectName string

// Parameters are the facts about a cluster that no object states.
//
// +kubebuilder:validation:XValidation:rule="!has(self.mutation) || !has(self.mutation.injectParentRefs) || self.mutation.injectParentRefs != 'Enabled' || (has(self.gateway) && has(self.gateway.parentGateways) && size(self.gateway.parentGateways) > 0)",message="mutation.injectParentRefs needs gateway.parentGateways"
type Parameters struct {
	// ClusterDomain is the domain under which Services are resolved, lower case,
	// without a dot at either end. 1 to 253 bytes. Default: cluster.local.
	// +optional
	// +kubebuilder:default="cluster.local"
	ClusterDomain ObjectName `json:"clusterDomain,omitempty"`

	// Gateway says how the bundled gateway is recognised: what is attached to it is
	// not an exposure finding.
	// +optional
	Gateway Gateway `json:"gateway,omitzero"`

	// LoadBalancers tunes how a load balancer is told to be public or internal.
	// +optional
	LoadBalancers LoadBalancers `json:"loadBalancers,omitzero"`

	// AllowedExternalIPs are the networks from which spec.externalIPs of a Service
	// may come. Default: none, every external IP is a finding. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	AllowedExternalIPs []CIDR `json:"allowedExternalIPs,omitempty"`

	// SensitivePorts changes the built-in table of ports that must not be exposed.
	// +optional
	SensitivePorts SensitivePorts `json:"sensitivePorts,omitzero"`

	// StatusWriters are users, besides the controllers of Kubernetes itself, that
	// may write the load balancer status of Services and Ingresses: the load
	// balancer and ingress controllers of the cluster. Default: none. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	StatusWriters []Username `json:"statusWriters,omitempty"`

	// EndpointWriters are users, besides the controllers of Kubernetes itself, that
	// may write Endpoints and EndpointSlices of Services that they do not own.
	// Default: none. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	EndpointWriters []Username `json:"endpointWriters,omitempty"`

	// Mutation says what the mutating webhook adds to objects in namespaces that
	// opted in. It never changes a value that is there.
	// +optional
	Mutation Mutation `json:"mutation,omitzero"`
}

// Gateway says how the bundled gateway is recognised. An empty list means its
// default.
type Gateway struct {
	// Namespaces are where the gateway runs; its own Services live there. Default:
	// gatehouse-system. At most 16.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:default={"gatehouse-system"}
	Namespaces []NamespaceName `json:"namespaces,omitempty"`

	// GatewayClasses are GatewayClasses that the gateway serves, besides those whose
	// controllerName is gatehouse.sh/gateway. Default: gatehouse, unless the class of
	// that name has another controller. At most 16.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:default={"gatehouse"}
	GatewayClasses []ObjectName `json:"gatewayClasses,omitempty"`

	// IngressClasses are IngressClasses that the gateway serves, besides those whose
	// controller is gatehouse.sh/gateway. Default: gatehouse, unless the class of that
	// name has another controller. At most 16.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:default={"gatehouse"}
	IngressClasses []ObjectName `json:"ingressClasses,omitempty"`

	// ParentGateways are the Gateways that routes may attach to. Default: none
	// named, which means every Gateway of gatewayClasses in namespaces. At most 64.
	// +optional
	// +listType=map
	// +listMapKey=namespace
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	ParentGateways []ParentGateway `json:"parentGateways,omitempty"`

	// PrivilegeThreshold is the least severe privilege that a workload which is
	// published through the gateway may not have: permissions of its
	// ServiceAccount, a cloud identity, a way out of its containers. What can be
	// reached past the gateway may have none from medium on. Default: high.
	// +optional
	// +kubebuilder:default=high
	PrivilegeThreshold PrivilegeThreshold `json:"privilegeThreshold,omitempty"`
}

// PrivilegeThreshold is a severity that counts as a privilege.
//
// +kubebuilder:validation:Enum=medium;high;critical
type PrivilegeThreshold string

// ParentGateway names a Gateway object.
type ParentGateway struct {
	// Namespace is that of the Gateway.
	// +required
	Namespace NamespaceName `json:"namespace"`

	// Name is that of the Gateway.
	// +required
	Name ObjectName `json:"name"`
}

// Scheme says who can reach a load balancer.
//
// +kubebuilder:validation:Enum=Public;Internal;Unknown
type Scheme string

// The schemes.
const (
	SchemePublic   Scheme = "Public"   // the internet
	SchemeInternal Scheme = "Internal" // a private network
	SchemeUnknown  Scheme = "Unknown"  // cannot be told, which is treated as Public
)

// LoadBalancers tunes how a load balancer is told to be public or internal.
type LoadBalancers struct {
	// DefaultScheme is the scheme of a load balancer that nothing else decides. It
	// also replaces the default of controllers whose default is a setting of their
	// installation. Default: Unknown, which is treated as Public.
	// +optional
	// +kubebuilder:default=Unknown
	DefaultScheme Scheme `json:"defaultScheme,omitempty"`

	// Providers names the load balancer controllers of the cluster, so that the
	// annotations of others, which have no effect here, are not believed. The names
	// are those of the provider table. Default: none named, which means that any
	// may be there. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Providers []string `json:"providers,omitempty"`

	// Classes gives the scheme of values of spec.loadBalancerClass. Default: none.
	// At most 64.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Classes []LoadBalancerClass `json:"classes,omitempty"`

	// ExtraKeys are annotations that decide in this cluster and that the built-in
	// table does not have; they are read before it. Default: none. At most 64.
	// +optional
	// +listType=map
	// +listMapKey=annotation
	// +kubebuilder:validation:MaxItems=64
	ExtraKeys []ExtraKey `json:"extraKeys,omitempty"`

	// TrustedPools are networks whose addresses count as internal although they are
	// not private by registration (RFC 1918, RFC 6598, RFC 4193). Default: none.
	// At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	TrustedPools []CIDR `json:"trustedPools,omitempty"`
}

// LoadBalancerClass gives the scheme of one class.
type LoadBalancerClass struct {
	// Name is the value of spec.loadBalancerClass: example.com/internal. 1 to 317
	// bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`
	Name string `json:"name"`

	// Scheme of the load balancers of the class.
	// +required
	Scheme Scheme `json:"scheme"`
}

// Comparison is how values are compared.
//
// +kubebuilder:validation:Enum=Exact;IgnoreCase
type Comparison string

// The comparisons.
const (
	CompareExact      Comparison = "Exact"      // byte by byte
	CompareIgnoreCase Comparison = "IgnoreCase" // under Unicode case folding
)

// ExtraKey is an annotation that decides whether a load balancer is internal. A
// value in neither list means Unknown; an absent annotation says nothing.
//
// +kubebuilder:validation:XValidation:rule="(has(self.internalValues) && size(self.internalValues) > 0) || (has(self.publicValues) && size(self.publicValues) > 0)",message="give internalValues, publicValues or both"
// +kubebuilder:validation:XValidation:rule="!has(self.internalValues) || !has(self.publicValues) || !self.internalValues.exists(v, v in self.publicValues)",message="a value cannot be both internal and public"
type ExtraKey struct {
	// Annotation is its key. 1 to 317 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`
	Annotation string `json:"annotation"`

	// InternalValues mean that the load balancer is internal. Default: none. At
	// most 16 of 1 to 256 bytes.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	InternalValues []string `json:"internalValues,omitempty"`

	// PublicValues mean that the load balancer is public. Default: none. At most 16
	// of 1 to 256 bytes.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	PublicValues []string `json:"publicValues,omitempty"`

	// Comparison is how the annotation's value is compared with the lists. Default:
	// Exact.
	// +optional
	// +kubebuilder:default=Exact
	Comparison Comparison `json:"comparison,omitempty"`

	// Provider is the row of the provider table whose default this key replaces, or
	// a name of your own for a controller that the table does not have. Messages
	// show it. Default: none. At most 63 bytes.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Provider string `json:"provider,omitempty"`
}

// SensitivePorts changes the built-in table of ports that must not be exposed.
//
// +kubebuilder:validation:XValidation:rule="!has(self.add) || !has(self.remove) || self.add.all(a, !(a.port in self.remove))",message="a port cannot be both added and removed"
type SensitivePorts struct {
	// Add puts ports into the table, or renames those that are in it. Default:
	// none. At most 256.
	// +optional
	// +listType=map
	// +listMapKey=port
	// +kubebuilder:validation:MaxItems=256
	Add []SensitivePort `json:"add,omitempty"`

	// Remove takes ports out of the table; one that is not in it is no fault, so
	// that a policy outlives a change of the table. Default: none. At most 256.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:Minimum=1
	// +kubebuilder:validation:items:Maximum=65535
	Remove []int32 `json:"remove,omitempty"`
}

// SensitivePort is a port and what usually listens there.
type SensitivePort struct {
	// Port is the number, 1 to 65535, of any protocol.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port"`

	// Name is what usually listens there, as messages show it: "etcd client". 1 to
	// 63 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9]([-A-Za-z0-9 ._/+]*[A-Za-z0-9+])?$`
	Name string `json:"name"`
}
