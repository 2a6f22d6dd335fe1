// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// ClientPolicyKind is the kind as it stands in a file.
const ClientPolicyKind = "ClientPolicy"

// ClientPolicy says what a Gateway takes from clients, and what they are told. It is for
// whole ports, since it is read before it is known which of the listeners of a port is
// meant: the oldest policy of one of them holds for the port, or else the oldest of the
// Gateway. When it is at fault, requests are answered 503 there.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:metadata:labels="gateway.networking.k8s.io/policy=Direct"
// +kubebuilder:resource:scope=Namespaced,path=clientpolicies,shortName=clipol,categories=gatehouse
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.targetRefs[0].name`
// +kubebuilder:printcolumn:name="Listener",type=string,JSONPath=`.spec.targetRefs[0].sectionName`
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.ancestors[0].conditions[?(@.type=="Accepted")].reason`
// +kubebuilder:printcolumn:name="Effective",type=string,JSONPath=`.status.ancestors[0].conditions[?(@.type=="Effective")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.ancestors[0].conditions[?(@.type=="Effective")].message`
type ClientPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what the owners of the Gateway want.
	// +required
	Spec ClientPolicySpec `json:"spec"`

	// Status is written by Gatehouse only.
	// +optional
	Status gatewayv1.PolicyStatus `json:"status,omitzero"`
}

// ClientPolicyList is a list of ClientPolicies.
//
// +kubebuilder:object:root=true
type ClientPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ClientPolicy `json:"items"`
}

// ClientPolicySpec is what is taken from clients. A setting that a listener's protocol
// knows nothing of is for the other listeners of the Gateway.
type ClientPolicySpec struct {
	// TargetRefs are Gateways, or listeners of them. 1 to 16.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(t, t.kind == 'Gateway' && t.group == 'gateway.networking.k8s.io')",message="a ClientPolicy is for Gateways"
	TargetRefs []PolicyTarget `json:"targetRefs"`

	// TLS is of HTTPS.
	// +optional
	TLS ClientTLS `json:"tls,omitzero"`

	// HSTS tells browsers to come by TLS only (RFC 6797). Of HTTPS. Default: nothing is
	// said.
	// +optional
	HSTS *HSTS `json:"hsts,omitempty"`

	// RedirectToHTTPS is the port that clients of HTTP are sent to, whatever they ask for:
	// no route is asked then. Default: none. 1 to 65535.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	RedirectToHTTPS int32 `json:"redirectToHTTPS,omitempty"`

	// Path is how paths are brought into one form. Of HTTP and HTTPS.
	// +optional
	Path ClientPath `json:"path,omitzero"`

	// Headers say which lines of clients are deleted. Of HTTP and HTTPS.
	// +optional
	Headers ClientHeaders `json:"headers,omitzero"`

	// TrustedProxies are those whose word about their clients counts. Of HTTP and HTTPS.
	// Default: nobody's. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	TrustedProxies []PolicyCIDR `json:"trustedProxies,omitempty"`

	// ForwardedBy is the line in which trusted proxies tell of their clients. Default:
	// X-Forwarded-For.
	// +optional
	// +kubebuilder:validation:Enum=X-Forwarded-For;Forwarded
	ForwardedBy string `json:"forwardedBy,omitempty"`

	// ProxyProtocolFrom are addresses whose connections begin with a header of the PROXY
	// protocol, and nothing else. Not of UDP. Default: nobody's. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	ProxyProtocolFrom []PolicyCIDR `json:"proxyProtocolFrom,omitempty"`

	// Limits bound what clients may do.
	// +optional
	Limits ClientLimits `json:"limits,omitzero"`
}

// ClientTLS is how clients come by TLS.
type ClientTLS struct {
	// MinVersion is the oldest version that is spoken. Default: 1.2.
	// +optional
	// +kubebuilder:validation:Enum="1.2";"1.3"
	MinVersion string `json:"minVersion,omitempty"`
}

// HSTS is a Strict-Transport-Security header.
type HSTS struct {
	// MaxAge is how long browsers remember, in whole seconds; at least 1s.
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	MaxAge metav1.Duration `json:"maxAge"`

	// IncludeSubDomains says it of all names below, too. Default: false.
	// +optional
	IncludeSubDomains bool `json:"includeSubDomains,omitempty"`

	// Preload is for the lists of browsers, which want includeSubDomains and a year.
	// Default: false.
	// +optional
	Preload bool `json:"preload,omitempty"`
}

// ClientPath is how paths are brought into one form.
type ClientPath struct {
	// EscapedSlashes are %2F and %5C. Default: Reject.
	// +optional
	// +kubebuilder:validation:Enum=Reject;Decode;Keep
	EscapedSlashes string `json:"escapedSlashes,omitempty"`

	// EmptySegments are between two slashes. Default: Merge.
	// +optional
	// +kubebuilder:validation:Enum=Merge;Reject;Keep
	EmptySegments string `json:"emptySegments,omitempty"`

	// DotSegments are . and .. between slashes. Default: Resolve.
	// +optional
	// +kubebuilder:validation:Enum=Resolve;Reject
	DotSegments string `json:"dotSegments,omitempty"`

	// Parameters are what follows a semicolon. Default: Reject.
	// +optional
	// +kubebuilder:validation:Enum=Reject;Keep
	Parameters string `json:"parameters,omitempty"`
}

// ClientHeaders say which header lines of clients are deleted.
type ClientHeaders struct {
	// Identity are names by which backends are told who asks. Default: those of the
	// AccessPolicies of the Gateway, which are always deleted. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=100
	Identity []string `json:"identity,omitempty"`

	// KeepOverrides are of X-HTTP-Method-Override and the like. Default: none. At most 16.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=100
	KeepOverrides []string `json:"keepOverrides,omitempty"`

	// OtherNames are names with _ and the like. Default: Drop.
	// +optional
	// +kubebuilder:validation:Enum=Drop;Keep
	OtherNames string `json:"otherNames,omitempty"`
}

// ClientLimits bound what clients may do. What is left out has its default.
type ClientLimits struct {
	// HeaderBytes are of the request line and all lines. Default: 65536.
	// +optional
	// +kubebuilder:validation:Minimum=1024
	// +kubebuilder:validation:Maximum=1048576
	HeaderBytes int32 `json:"headerBytes,omitempty"`

	// HeaderLines are of one request. Default: 100.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	HeaderLines int32 `json:"headerLines,omitempty"`

	// TargetBytes are of path and query. Default: 8192.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1048576
	TargetBytes int32 `json:"targetBytes,omitempty"`

	// BodyBytes are of the body of one request. Default: no limit.
	// +optional
	// +kubebuilder:validation:Minimum=1
	BodyBytes int64 `json:"bodyBytes,omitempty"`

	// HeaderTimeout is from the first byte of a head to the last, and for the handshake.
	// Default: 10s.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	HeaderTimeout metav1.Duration `json:"headerTimeout,omitzero"`

	// IdleTimeout is between requests. Default: 2m; of what is passed on unread, 1h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	IdleTimeout metav1.Duration `json:"idleTimeout,omitzero"`

	// WebSocketIdleTimeout is that of a WebSocket over which nothing is said. Default: 1h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	WebSocketIdleTimeout metav1.Duration `json:"webSocketIdleTimeout,omitzero"`

	// BodyBytesRate are bytes a second at which bodies must come on average, after 5 s.
	// Default: 240.
	// +optional
	// +kubebuilder:validation:Minimum=1
	BodyBytesRate int64 `json:"bodyBytesRate,omitempty"`

	// ConnectionsPerAddress are those of one address at once. Default: 1000.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	ConnectionsPerAddress int32 `json:"connectionsPerAddress,omitempty"`

	// Connections are all at once. Default: 20000; clients of UDP 4096.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	Connections int32 `json:"connections,omitempty"`

	// Requests are those under way at once. Default: 20000.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	Requests int32 `json:"requests,omitempty"`

	// RequestsPerAddress are those of one client. Default: 2000.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	RequestsPerAddress int32 `json:"requestsPerAddress,omitempty"`

	// Streams are those of a connection of HTTP/2 at once. Default: 100.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	Streams int32 `json:"streams,omitempty"`
}
