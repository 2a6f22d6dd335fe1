// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AccessAuthentication is how it is known who asks.
type AccessAuthentication struct {
	// AnyOf are asked in their order: the first that finds a credential of its kind
	// decides. 1 to 16.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(a, !has(a.anonymous) || a.name == self[self.size() - 1].name)",message="anonymous must be the last, since those after it would never be asked"
	AnyOf []Authenticator `json:"anyOf"`
}

// Authenticator looks for one kind of credential.
//
// +kubebuilder:validation:XValidation:rule="[has(self.jwt), has(self.apiKey), has(self.basic), has(self.clientCertificate), has(self.anonymous)].filter(is, is).size() == 1",message="set exactly one of jwt, apiKey, basic, clientCertificate and anonymous"
type Authenticator struct {
	// Name stands before subjects in principals, and in logs. 1 to 63 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$`
	Name string `json:"name"`

	// JWT takes signed tokens of one issuer.
	// +optional
	JWT *JWT `json:"jwt,omitempty"`

	// APIKey takes random texts of a header line.
	// +optional
	APIKey *APIKey `json:"apiKey,omitempty"`

	// Basic takes names and passwords.
	// +optional
	Basic *Basic `json:"basic,omitempty"`

	// ClientCertificate takes the certificate of the connection, which the Gateway has to
	// ask for (its tls.frontend).
	// +optional
	ClientCertificate *ClientCertificate `json:"clientCertificate,omitempty"`

	// Anonymous takes who sends no credential at all: {}.
	// +optional
	Anonymous *Anonymous `json:"anonymous,omitempty"`
}

// Anonymous has no settings.
type Anonymous struct{}

// JWT is a signed token (RFC 7519) of one issuer.
//
// +kubebuilder:validation:XValidation:rule="has(self.audiences) != (has(self.anyAudience) && self.anyAudience)",message="set either audiences, or anyAudience: true"
type JWT struct {
	// Issuer is who the token must be of. 1 to 1024 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Issuer string `json:"issuer"`

	// Audiences are whom a token may be for: one of them. 1 to 32.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1024
	Audiences []string `json:"audiences,omitempty"`

	// AnyAudience takes tokens whoever they are for. Default: false.
	// +optional
	AnyAudience bool `json:"anyAudience,omitempty"`

	// JWKS is where the keys come from. Default: where the issuer says (OpenID Connect
	// Discovery 1.0), which has to be an https URL then.
	// +optional
	JWKS JWKS `json:"jwks,omitzero"`

	// Algorithms that are taken. Symmetric ones (HS256) need jwks.secretRef and no others
	// beside them. Default: all that are not symmetric. At most 16.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=16
	Algorithms []string `json:"algorithms,omitempty"`

	// Typ is that of the token's head, such as at+jwt. Default: at+jwt, JWT, or none.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Typ string `json:"typ,omitempty"`

	// ClockSkew is forgiven. Default: 0s. At most 5m.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	ClockSkew metav1.Duration `json:"clockSkew,omitzero"`

	// MaxAge is since the token was issued. Default: none.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	MaxAge metav1.Duration `json:"maxAge,omitzero"`

	// ScopesClaim has the scopes. Default: scope, or scp if there is none.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	ScopesClaim string `json:"scopesClaim,omitempty"`

	// From is where the token is. Default: Authorization: Bearer.
	// +optional
	From TokenSource `json:"from,omitzero"`
}

// JWKS is where keys come from: one of URI and SecretRef, or where the issuer says.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.uri) && has(self.secretRef))",message="uri and secretRef exclude each other"
// +kubebuilder:validation:XValidation:rule="!has(self.secretRef) || !(has(self.caRef) || has(self.refresh) || has(self.cooldown) || has(self.staleIfError))",message="keys of a Secret are not fetched"
type JWKS struct {
	// URI is that of a JWK Set (RFC 7517), by https. Default: what the issuer says.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^https://`
	URI string `json:"uri,omitempty"`

	// SecretRef has the keys in jwks: a JWK Set, a JWK, or public keys as PEM.
	// +optional
	SecretRef *PolicyReference `json:"secretRef,omitempty"`

	// CARef is a ConfigMap that has the authorities to trust, as PEM, in ca.crt. Default:
	// those of the system.
	// +optional
	CARef *PolicyReference `json:"caRef,omitempty"`

	// Refresh is after which keys are fetched again when the answer does not say. Default:
	// 5m.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	Refresh metav1.Duration `json:"refresh,omitzero"`

	// Cooldown is at least between fetches for unknown keys. Default: 10s.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	Cooldown metav1.Duration `json:"cooldown,omitzero"`

	// StaleIfError is how long old keys are used when none can be fetched. Default: 24h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	StaleIfError metav1.Duration `json:"staleIfError,omitzero"`
}

// TokenSource is where a token is.
//
// +kubebuilder:validation:XValidation:rule="!has(self.cookie) || !(has(self.header) || has(self.scheme))",message="cookie excludes header and scheme"
type TokenSource struct {
	// Header is the name of a line. Default: Authorization.
	// +optional
	// +kubebuilder:validation:MaxLength=100
	Header string `json:"header,omitempty"`

	// Scheme is before the token. Default: Bearer in Authorization, or else none.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Scheme string `json:"scheme,omitempty"`

	// Cookie is the name of one. Default: none.
	// +optional
	// +kubebuilder:validation:MaxLength=100
	Cookie string `json:"cookie,omitempty"`
}

// APIKey is a random text that a client sends.
type APIKey struct {
	// SecretRefs have lines NAME:SHA256 in keys, as docs/gateway.md has them. 1 to 8.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	SecretRefs []PolicyReference `json:"secretRefs"`

	// From is where the key is.
	// +required
	From HeaderSource `json:"from"`
}

// HeaderSource is a header line.
type HeaderSource struct {
	// Header is its name, such as X-API-Key. 1 to 100 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	Header string `json:"header"`
}

// Basic is a name and a password (RFC 7617).
type Basic struct {
	// SecretRefs have lines of htpasswd with bcrypt in auth. 1 to 8.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	SecretRefs []PolicyReference `json:"secretRefs"`

	// Realm is what browsers ask the password for. Default: gateway. At most 100 bytes of
	// ASCII.
	// +optional
	// +kubebuilder:validation:MaxLength=100
	Realm string `json:"realm,omitempty"`
}

// ClientCertificate is the certificate of a connection.
type ClientCertificate struct {
	// Subject is the name in it that stands for the client.
	// +required
	// +kubebuilder:validation:Enum=SPIFFE;URI;DNS;Email;DistinguishedName
	Subject string `json:"subject"`

	// TrustDomains are those of SPIFFE that are taken. Default: all. At most 32.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=255
	TrustDomains []string `json:"trustDomains,omitempty"`
}

// ExternalAuth is a service that is asked; without its yes, nothing is done.
//
// +kubebuilder:validation:XValidation:rule="has(self.http) != has(self.grpc)",message="set one of http and grpc"
type ExternalAuth struct {
	// HTTP asks by HTTP: any status of 200 to 299 is a yes.
	// +optional
	HTTP *ExternalHTTP `json:"http,omitempty"`

	// GRPC asks envoy.service.auth.v3.
	// +optional
	GRPC *ExternalGRPC `json:"grpc,omitempty"`

	// Timeout is that of the answer. Default: 2s.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	Timeout metav1.Duration `json:"timeout,omitzero"`

	// Concurrency is how many requests may wait for the service. Default: 256. 1 to
	// 100000.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	Concurrency int32 `json:"concurrency,omitempty"`
}

// ExternalHTTP is a service that is asked by HTTP.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.path) && has(self.pathPrefix))",message="path and pathPrefix exclude each other"
type ExternalHTTP struct {
	ExternalHeaders `json:",inline"`

	// BackendRef is the service.
	// +required
	BackendRef PolicyBackend `json:"backendRef"`

	// Path is what is asked for, by GET. Default: /.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^/`
	Path string `json:"path,omitempty"`

	// PathPrefix is put before the path of the request, which is asked for by its own
	// method. Default: none.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^/`
	PathPrefix string `json:"pathPrefix,omitempty"`
}

// ExternalGRPC is a service that is asked by gRPC, in clear (h2c) unless a
// BackendTLSPolicy says otherwise.
type ExternalGRPC struct {
	ExternalHeaders `json:",inline"`

	// BackendRef is the service.
	// +required
	BackendRef PolicyBackend `json:"backendRef"`
}

// ExternalHeaders are header lines that go beyond the question.
type ExternalHeaders struct {
	// RequestHeaders are lines of the client that the service gets beside Authorization.
	// Default: none. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=100
	RequestHeaders []string `json:"requestHeaders,omitempty"`

	// ResponseHeaders are lines of the service that the backend gets. No client can send
	// them, where it can send none of forward.claimsToHeaders. Default: none. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=100
	ResponseHeaders []string `json:"responseHeaders,omitempty"`

	// ClientHeaders are lines of a refusal that the client gets beside Location,
	// Set-Cookie and WWW-Authenticate. Default: none. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=100
	ClientHeaders []string `json:"clientHeaders,omitempty"`
}
