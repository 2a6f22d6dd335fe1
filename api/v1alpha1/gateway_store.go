// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// GatewayStore is where replicas count together the limits of TrafficPolicies whose scope
// is Gateway. Policies only ask for it: which addresses gateways connect to, and with
// whose credentials, is for administrators to say.
type GatewayStore struct {
	// Redis is a server that speaks its protocol.
	// +required
	Redis GatewayRedis `json:"redis"`
}

// GatewayRedis is a Redis or Valkey: a single one, or one of a cluster.
type GatewayRedis struct {
	// Address is host:port. 3 to 260 bytes.
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=260
	// +kubebuilder:validation:Pattern=`^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$`
	Address string `json:"address"`

	// TLS is how the server is known. Default: it is spoken to in clear.
	// +optional
	TLS *GatewayStoreTLS `json:"tls,omitempty"`

	// SecretRef is a Secret with password, and username unless it is the default user's. Its
	// secret, if there is one, is that of digests: without it who reads the store can find
	// addresses of clients by trying all of them. Default: nobody's, and none.
	// +optional
	SecretRef *GatewayReference `json:"secretRef,omitempty"`

	// Database is the number of a database. Default: 0. At most 65535.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	Database int32 `json:"database,omitempty"`

	// Prefix is what all keys begin with; namespace and name of the Gateway follow. Clusters
	// that share a store need one each. Default: gatehouse. At most 63 bytes.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$`
	Prefix string `json:"prefix,omitempty"`

	// Timeout is how long a request waits for the store. Default: 100ms. At most 10s.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(s|ms)){1,2}$`
	Timeout metav1.Duration `json:"timeout,omitzero"`
}

// GatewayStoreTLS is how a store is known, and what it is shown.
type GatewayStoreTLS struct {
	// CARef is a ConfigMap with ca.crt, the authorities that are believed. Default: those of
	// the system.
	// +optional
	CARef *GatewayReference `json:"caRef,omitempty"`

	// ServerName is the name in the certificate. Default: the host of the address. At most
	// 253 bytes.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	ServerName string `json:"serverName,omitempty"`

	// ClientCertificateRef is a Secret of type kubernetes.io/tls that the server is shown.
	// Default: none.
	// +optional
	ClientCertificateRef *GatewayReference `json:"clientCertificateRef,omitempty"`
}

// GatewayReference names what Gateways need. One of another namespace than the Gateway's
// has to be granted there to its Gateways, by a ReferenceGrant: who runs Pods in the
// namespace of a Gateway can read what it is handed.
type GatewayReference struct {
	// Namespace is where it is. Default: that of each Gateway, so that each can have one of
	// its own.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// Name is its name. 1 to 253 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}
