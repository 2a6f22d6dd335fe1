// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NetworkPlanKind is the kind as it stands in a file.
const NetworkPlanKind = "NetworkPlan"

// NetworkPlanName is the only name that a NetworkPlan may have: one namespace has
// one plan, so nobody has to know how several would be merged.
const NetworkPlanName = "default"

// NetworkLabel opts a namespace in; its value is a NetworkMode. Where it is set,
// it counts, and not spec.mode of the plan: whoever owns the cluster labels
// namespaces, whoever owns a namespace writes its plan.
const NetworkLabel = "gatehouse.sh/network"

// NetworkPlan says which connections the pods of its namespace need, and its
// status says what follows: the policies that would be or are in force, what they
// change and what they would drop. Only the object named `default` exists. A
// namespace with the label `gatehouse.sh/network` that has none gets an empty one.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,path=networkplans,shortName=netplan,categories=gatehouse
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.status.mode`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Workloads",type=integer,JSONPath=`.status.counts.workloads`
// +kubebuilder:printcolumn:name="Connections",type=integer,JSONPath=`.status.counts.connections`
// +kubebuilder:printcolumn:name="Policies",type=integer,JSONPath=`.status.counts.policies`
// +kubebuilder:printcolumn:name="Problems",type=integer,JSONPath=`.status.counts.problems`
// +kubebuilder:printcolumn:name="Drops",type=integer,JSONPath=`.status.counts.drops`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.message`
// +kubebuilder:validation:XValidation:rule="self.metadata.name == 'default'",message="the only NetworkPlan of a namespace is named default",reason=FieldValueForbidden,fieldPath=".metadata"
type NetworkPlan struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what the owners of the namespace want. Empty: every default.
	// +optional
	Spec NetworkPlanSpec `json:"spec,omitzero"`

	// Status is written by Gatehouse only.
	// +optional
	Status NetworkPlanStatus `json:"status,omitzero"`
}

// NetworkPlanList is a list of NetworkPlans.
//
// +kubebuilder:object:root=true
type NetworkPlanList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []NetworkPlan `json:"items"`
}

// NetworkMode is how far a plan goes.
//
// +kubebuilder:validation:Enum=preview;apply
type NetworkMode string

// The modes. Without one, nothing is done, and what was applied is withdrawn.
const (
	NetworkPreview NetworkMode = "preview" // say what would be; what was applied is withdrawn
	NetworkApply   NetworkMode = "apply"   // keep the policies in force
)

// NetworkSource is where connections are learned from, besides spec.allow and
// spec.templates. What was seen of the traffic is none: it ends with the process that
// saw it, and whoever connects would open the way for good.
//
// +kubebuilder:validation:Enum=none;manifests
type NetworkSource string

// The sources.
const (
	NetworkNone      NetworkSource = "none"      // only what somebody asked for
	NetworkManifests NetworkSource = "manifests" // what the objects of the cluster declare
)

// NetworkDirection is a side of connections, seen from the pods of the namespace.
//
// +kubebuilder:validation:Enum=ingress;egress
type NetworkDirection string

// The directions.
const (
	NetworkIngress NetworkDirection = "ingress"
	NetworkEgress  NetworkDirection = "egress"
)

// NetworkDomains is what becomes of connections to domain names, which a
// NetworkPolicy cannot express.
//
// +kubebuilder:validation:Enum=refuse;external
type NetworkDomains string

// What becomes of domain names.
const (
	DomainsRefuse   NetworkDomains = "refuse"   // the plan is refused while there is one
	DomainsExternal NetworkDomains = "external" // every address outside of the cluster, on the port of the connection
)

// NetworkPlanSpec is what a namespace needs.
type NetworkPlanSpec struct {
	// Mode counts where the namespace has no label `gatehouse.sh/network`. Default:
	// preview.
	// +optional
	// +kubebuilder:default=preview
	Mode NetworkMode `json:"mode,omitempty"`

	// Paused leaves everything as it is until it is taken back: nothing is applied
	// and nothing is withdrawn. Default: false.
	// +optional
	Paused bool `json:"paused,omitempty"`

	// Directions are those in which the pods are cut off from what is not allowed.
	// Default: both.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	Directions []NetworkDirection `json:"directions,omitempty"`

	// Learn is where connections are learned from. Default: manifests.
	// +optional
	// +kubebuilder:default=manifests
	Learn NetworkSource `json:"learn,omitempty"`

	// TrustedNamespaces are those whose objects may open this namespace: a workload
	// there that declares a connection hither is let in, and one of here that is
	// named there may go thither. Names, or their beginning and *. Default: none; a
	// connection between namespaces needs a word of each. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	TrustedNamespaces []NamePattern `json:"trustedNamespaces,omitempty"`

	// Domains is what becomes of connections to domain names, which a NetworkPolicy
	// cannot express. Default: refuse.
	// +optional
	// +kubebuilder:default=refuse
	Domains NetworkDomains `json:"domains,omitempty"`

	// Allow are connections that are needed and that nothing else says. One end of
	// each is pods of this namespace. At most 256.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	Allow []NetworkIntent `json:"allow,omitempty"`

	// Templates are presets of connections, by name. At most 32.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Templates []NetworkTemplate `json:"templates,omitempty"`
}

// NetworkIntent is a connection that somebody asks for.
//
// +kubebuilder:validation:XValidation:rule="has(self.from) || has(self.to)",message="says nothing: give from, to or both"
type NetworkIntent struct {
	// From opens the connection. Default: every pod of this namespace.
	// +optional
	From *NetworkPeer `json:"from,omitempty"`

	// To accepts it. Default: every pod of this namespace.
	// +optional
	To *NetworkPeer `json:"to,omitempty"`

	// Ports are those of the accepting pods, or of the Service: 8080, UDP/53,
	// TCP/8080-8090, TCP/http. Default: those of the Service or of the group;
	// towards another peer they are needed. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=32
	// +kubebuilder:validation:items:Pattern=`^((TCP|UDP|SCTP)/)?([0-9]{1,5}(-[0-9]{1,5})?|[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?)$|^(TCP|UDP|SCTP)$`
	Ports []string `json:"ports,omitempty"`

	// HTTP are the requests that it is for: any of them. Only policies of Cilium can ask
	// for requests; elsewhere every one is allowed, and a problem says so. Default: every
	// one. At most 16.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	HTTP []NetworkRequest `json:"http,omitempty"`

	// Reason says what it is for; it stands beside the rule. 1 to 1024 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`\S`
	Reason string `json:"reason"`

	// ExpiresAt is the moment from which it is as if the entry were not there.
	// Default: never.
	// +optional
	ExpiresAt *metav1.Time `json:"expiresAt,omitempty"`
}

// NetworkRequest is requests of HTTP: of any of the methods, to any of the paths.
//
// +kubebuilder:validation:MinProperties=1
type NetworkRequest struct {
	// Methods are written in capitals: GET. Default: any. At most 16.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=32
	// +kubebuilder:validation:items:Pattern=`^[A-Z][A-Z-]*$`
	Methods []string `json:"methods,omitempty"`

	// Paths are those of requests without their query; /carts/* is every one that begins
	// with /carts/. Default: any. At most 32.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:Pattern=`^/[!"$-)+->@-~]*[*]?$`
	Paths []string `json:"paths,omitempty"`
}

// NetworkPeer is one end of a connection; exactly one field is set.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:MaxProperties=1
type NetworkPeer struct {
	// Workload is the pods of one workload.
	// +optional
	Workload *WorkloadReference `json:"workload,omitempty"`

	// Service is what a Service leads to.
	// +optional
	Service *ServiceReference `json:"service,omitempty"`

	// Namespace is every pod of a namespace, also those to come.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// CIDR is a block of addresses outside of the cluster, or one address.
	// +optional
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=49
	// +kubebuilder:validation:XValidation:rule="isCIDR(self) || isIP(self)",message="must be an address or a block of addresses such as 192.0.2.0/24"
	CIDR string `json:"cidr,omitempty"`

	// Domain is whatever addresses a domain name has; the first label may be *.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^(\*\.)?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.?$`
	Domain string `json:"domain,omitempty"`

	// Group is what the cluster says it is: its name servers (dns), API server
	// (api-server), nodes, ingress gateway, monitoring, every pod (cluster), or every
	// address outside of the cluster and its private networks (external).
	// +optional
	// +kubebuilder:validation:Enum=dns;api-server;nodes;gateway;monitoring;cluster;external
	Group string `json:"group,omitempty"`
}

// WorkloadReference names a workload.
type WorkloadReference struct {
	// Kind is that of the workload. Default: Deployment.
	// +optional
	// +kubebuilder:default=Deployment
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind,omitempty"`

	// Namespace is where it is. Default: that of the plan.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// Name is its name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// ServiceReference names a Service.
type ServiceReference struct {
	// Namespace is where it is. Default: that of the plan.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// Name is its name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
}

// NetworkTemplate names a preset of connections.
type NetworkTemplate struct {
	// Name is that of the template, such as database-port-only.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// Parameters are the values of the template's parameters, as YAML. At most 32.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	Parameters map[string]string `json:"parameters,omitempty"`
}
