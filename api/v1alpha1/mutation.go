// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// GatewayAnnotation is what MUT-001 puts on Services, Ingresses and routes: the
// class of the gateway through which the object is meant to be reached. The prefix
// gatehouse.sh/ belongs to Gatehouse.
const GatewayAnnotation = "gatehouse.sh/gateway"

// ManagedLabel is what MUT-001 puts on Services and routes, with the value
// "true": the object belongs behind the bundled gateway.
const ManagedLabel = "gatehouse.sh/managed"

// Toggle turns something on or off.
//
// +kubebuilder:validation:Enum=Enabled;Disabled
type Toggle string

// The positions of a Toggle.
const (
	Enabled  Toggle = "Enabled"
	Disabled Toggle = "Disabled"
)

// Mutation says what the mutating webhook adds to objects that lack it. A value
// that a user wrote is never changed, the gateway's own namespaces are left
// alone, and every addition is told as a warning.
type Mutation struct {
	// InjectGateway ties Services, Ingresses, HTTPRoutes and GRPCRoutes to the
	// gateway (MUT-001): all get the annotation gatehouse.sh/gateway with the first
	// of parameters.gateway.gatewayClasses, injectAnnotations and injectLabels; a
	// published Service also gets the redirect to HTTPS, and all get the label
	// gatehouse.sh/managed. Disabled, none of that is added. Default: Enabled.
	// +optional
	// +kubebuilder:default=Enabled
	InjectGateway Toggle `json:"injectGateway,omitempty"`

	// InjectAnnotations are added besides the gateway's own (MUT-001). Default:
	// none. At most 16; keys of at most 317 bytes outside gatehouse.sh/, values of
	// at most 1024.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) <= 317 && !k.startsWith('gatehouse.sh/'))",message="keys have at most 317 bytes and do not begin with gatehouse.sh/"
	InjectAnnotations map[string]AnnotationValue `json:"injectAnnotations,omitempty"`

	// InjectLabels are added likewise (MUT-001). Default: none. At most 16; keys of
	// at most 317 bytes outside gatehouse.sh/, values of at most 63.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) <= 317 && !k.startsWith('gatehouse.sh/'))",message="keys have at most 317 bytes and do not begin with gatehouse.sh/"
	InjectLabels map[string]LabelValue `json:"injectLabels,omitempty"`

	// InjectParentRefs gives an Ingress without any class the first of
	// parameters.gateway.ingressClasses, and attaches HTTPRoutes and GRPCRoutes
	// without parentRefs to the first of parameters.gateway.parentGateways, which
	// must not be empty then (MUT-001). Default: Disabled.
	// +optional
	// +kubebuilder:default=Disabled
	InjectParentRefs Toggle `json:"injectParentRefs,omitempty"`

	// DefaultAutomount sets automountServiceAccountToken: false on the creation of
	// a workload that a Service exposes, where neither it nor its ServiceAccount
	// says anything (MUT-002). It breaks exposed workloads that use the API of the
	// cluster and do not say so. Default: Disabled.
	// +optional
	// +kubebuilder:default=Disabled
	DefaultAutomount Toggle `json:"defaultAutomount,omitempty"`

	// DefaultNodePorts sets allocateLoadBalancerNodePorts: false on the creation of
	// a Service of type LoadBalancer that does not carry the annotation
	// gatehouse.sh/keep-node-ports (MUT-003). It breaks load balancers that reach
	// pods through node ports. Default: Disabled.
	// +optional
	// +kubebuilder:default=Disabled
	DefaultNodePorts Toggle `json:"defaultNodePorts,omitempty"`
}

// AnnotationValue is the value of an annotation, at most 1024 bytes.
//
// +kubebuilder:validation:MaxLength=1024
type AnnotationValue string

// LabelValue is the value of a label: at most 63 bytes, empty or beginning and
// ending with a letter or digit.
//
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$`
type LabelValue string
