// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GatewayParametersKind is the kind as it stands in a file.
const GatewayParametersKind = "GatewayParameters"

// GatewayParameters say how the Gateways of a GatewayClass are deployed: the class names
// them as its parametersRef. They are for administrators, since they decide what a
// namespace with a Gateway makes the cluster run.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,path=gatewayparameters,shortName=gwparams,categories=gatehouse
// +kubebuilder:printcolumn:name="Deployment",type=string,JSONPath=`.spec.deployment`
// +kubebuilder:printcolumn:name="Service",type=string,JSONPath=`.spec.service.type`
// +kubebuilder:printcolumn:name="Min",type=integer,JSONPath=`.spec.replicas.min`
// +kubebuilder:printcolumn:name="Max",type=integer,JSONPath=`.spec.replicas.max`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type GatewayParameters struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what the administrator wants.
	// +required
	Spec GatewayParametersSpec `json:"spec"`
}

// GatewayParametersList is a list of GatewayParameters.
//
// +kubebuilder:object:root=true
type GatewayParametersList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []GatewayParameters `json:"items"`
}

// GatewayParametersSpec is how Gateways are deployed.
//
// +kubebuilder:validation:XValidation:rule="self.deployment == 'PerGateway' || !has(self.service) && !has(self.replicas) && !has(self.resources)",message="only PerGateway has a service, replicas and resources"
type GatewayParametersSpec struct {
	// Deployment says what serves a Gateway: PerGateway (default), a Deployment of its own
	// whose Pods hold no credentials of the API server, or Shared, the process that reads
	// the cluster. Where that was not told to hand anything over (--hand-over), it serves all.
	// +optional
	// +kubebuilder:default=PerGateway
	Deployment GatewayDeployment `json:"deployment,omitempty"`

	// Service is what leads clients to the Pods of a Gateway.
	// +optional
	Service GatewayService `json:"service,omitzero"`

	// Replicas are how many Pods a Gateway has.
	// +optional
	Replicas GatewayReplicas `json:"replicas,omitzero"`

	// Resources are what each Pod asks for.
	// +optional
	Resources GatewayResources `json:"resources,omitzero"`

	// Store is where the replicas of each Gateway count together. Default: none, and what a
	// TrafficPolicy with a limit of scope Gateway is for is answered 503.
	// +optional
	Store *GatewayStore `json:"store,omitempty"`
}

// GatewayDeployment says what serves a Gateway.
//
// +kubebuilder:validation:Enum=PerGateway;Shared
type GatewayDeployment string

// The zero value is PerGateway.
const (
	GatewayPerGateway GatewayDeployment = "PerGateway"
	GatewayShared     GatewayDeployment = "Shared"
)

// GatewayService is a Service.
//
// +kubebuilder:validation:XValidation:rule="!has(self.externalTrafficPolicy) || !has(self.type) || self.type != 'ClusterIP'",message="a Service of type ClusterIP has no externalTrafficPolicy"
type GatewayService struct {
	// Type is LoadBalancer (default), NodePort or ClusterIP.
	// +optional
	// +kubebuilder:validation:Enum=LoadBalancer;NodePort;ClusterIP
	Type string `json:"type,omitempty"`

	// ExternalTrafficPolicy is that of the Service: Cluster (default), or Local, with which
	// the Pods see the addresses of clients.
	// +optional
	// +kubebuilder:validation:Enum=Cluster;Local
	ExternalTrafficPolicy string `json:"externalTrafficPolicy,omitempty"`
}

// GatewayReplicas bound how many Pods a Gateway has. Between them the CPU decides: there
// are more when 80 % of what they ask for is used.
//
// +kubebuilder:validation:XValidation:rule="(has(self.min) ? self.min : 2) <= (has(self.max) ? self.max : 10)",message="min (2 unless it says otherwise) is at most max (10 unless it says otherwise)"
type GatewayReplicas struct {
	// Min is how many there are at least: 2. 1 to 100.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Min *int32 `json:"min,omitempty"`

	// Max is how many there are at most: 10. 1 to 100. When it is Min, there is no autoscaler.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Max *int32 `json:"max,omitempty"`
}

// GatewayResources are what a Pod asks for.
type GatewayResources struct {
	// CPU is asked for: 100m. There is no limit: one would slow requests down while others
	// leave theirs unused.
	// +optional
	CPU *resource.Quantity `json:"cpu,omitempty"`

	// Memory is asked for, and is the limit: 256Mi.
	// +optional
	Memory *resource.Quantity `json:"memory,omitempty"`
}
