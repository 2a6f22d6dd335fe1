// SPDX-License-Identifier: Apache-2.0

package config

import "net/netip"

// AccessPolicy says who may do what. Where one is named, only what it allows is
// done.
type AccessPolicy struct {
	Name           string         `yaml:"name"`
	Mode           Mode           `yaml:"mode,omitempty"`
	Authentication Authentication `yaml:"authentication"`
	Authorization  Authorization  `yaml:"authorization"`
	Forward        Forward        `yaml:"forward,omitempty"`
	ExternalAuth   *ExternalAuth  `yaml:"externalAuth,omitempty"`

	// Unresolved is why something that the policy needs could not be had: every
	// request is answered 503 then. A file never says it.
	Unresolved string `yaml:"-"`
}

// Authentication is how it is known who asks: the first authenticator that finds a
// credential decides.
type Authentication struct {
	AnyOf []Authenticator `yaml:"anyOf"`
}

// Authenticator looks for one kind of credential: one of the fields is set.
type Authenticator struct {
	Name              string             `yaml:"name"` // without "/"
	JWT               *JWT               `yaml:"jwt,omitempty"`
	APIKey            *APIKey            `yaml:"apiKey,omitempty"`
	Basic             *Basic             `yaml:"basic,omitempty"`
	ClientCertificate *ClientCertificate `yaml:"clientCertificate,omitempty"`
	// Anonymous takes who sends no credential at all. It is the last.
	Anonymous *Anonymous `yaml:"anonymous,omitempty"`
}

// JWT is a signed token (RFC 7519) of one issuer.
type JWT struct {
	Issuer    string   `yaml:"issuer"`
	Audiences []string `yaml:"audiences,omitempty"` // one of them must be meant
	// AnyAudience takes tokens whoever they are for, instead of Audiences.
	AnyAudience bool        `yaml:"anyAudience,omitempty"`
	KeySet      string      `yaml:"keySet"`
	Algorithms  []string    `yaml:"algorithms,omitempty"`  // that are taken; none: all that are not symmetric
	Typ         string      `yaml:"typ,omitempty"`         // of the head, such as at+jwt; "" is that, JWT, or none
	ClockSkew   Duration    `yaml:"clockSkew,omitempty"`   // that is forgiven; 0 is none
	MaxAge      Duration    `yaml:"maxAge,omitempty"`      // since it was issued; 0 is none
	ScopesClaim string      `yaml:"scopesClaim,omitempty"` // "" is scope, or scp if there is none
	From        TokenSource `yaml:"from,omitempty"`
}

// TokenSource is where a token is. None of both is Authorization: Bearer.
type TokenSource struct {
	Header string `yaml:"header,omitempty"`
	Scheme string `yaml:"scheme,omitempty"` // before the token, such as Bearer
	Cookie string `yaml:"cookie,omitempty"`
}

// APIKey is a random text that a client sends.
type APIKey struct {
	From     HeaderSource `yaml:"from"`
	KeysFile string       `yaml:"keysFile,omitempty"` // see package apikey
	Keys     Secret       `yaml:"-"`
}

// HeaderSource is a header line.
type HeaderSource struct {
	Header string `yaml:"header"`
}

// Basic is a name and a password.
type Basic struct {
	Realm     string `yaml:"realm,omitempty"`     // what browsers ask the password for
	UsersFile string `yaml:"usersFile,omitempty"` // see package basic
	Users     Secret `yaml:"-"`
}

// ClientCertificate is the certificate of the connection, which the listener must
// ask for.
type ClientCertificate struct {
	Subject      string   `yaml:"subject"`                // SPIFFE, URI, DNS, Email, DistinguishedName
	TrustDomains []string `yaml:"trustDomains,omitempty"` // of SPIFFE; none: all
}

// Anonymous has no settings.
type Anonymous struct{}

// Authorization is what who is known may do. Nothing is allowed that no rule
// allows, and nothing that one denies.
type Authorization struct {
	Rules []AccessRule `yaml:"rules"`
}

// AccessRule allows or denies: one of both is set.
type AccessRule struct {
	Name  string     `yaml:"name"`
	Allow *Condition `yaml:"allow,omitempty"`
	Deny  *Condition `yaml:"deny,omitempty"`
}

// Condition holds if all of its fields that are set do.
type Condition struct {
	Methods []string `yaml:"methods,omitempty"` // one of them
	// Paths are one or more segments: "*" is any one, "**" at the end any number of
	// them, also none.
	Paths  []string            `yaml:"paths,omitempty"`
	Scopes []string            `yaml:"scopes,omitempty"` // all of them
	Claims map[string][]string `yaml:"claims,omitempty"` // each has one of the values; of a list one entry does
	// Principals are the name of an authenticator, "/", and a subject, or "*".
	Principals   []string       `yaml:"principals,omitempty"`
	SourceRanges []netip.Prefix `yaml:"sourceRanges,omitempty"` // the client's address is in one
	When         string         `yaml:"when,omitempty"`         // CEL, see package condition
}

// Forward is what the backend is told.
type Forward struct {
	// ClaimsToHeaders are names of header lines by claim. "sub" is the subject, of
	// whatever credential. No client can send these lines, on no listener.
	ClaimsToHeaders map[string]string `yaml:"claimsToHeaders,omitempty"`
	Credentials     string            `yaml:"credentials,omitempty"` // Strip (default), Keep
}

// ExternalAuth is a service that is asked about every request that the rules let
// in. Without its yes, nothing is done.
type ExternalAuth struct {
	HTTP *ExternalHTTP `yaml:"http,omitempty"` // one of both is set
	GRPC *ExternalGRPC `yaml:"grpc,omitempty"`
	// Timeout is 2 s if it is 0.
	Timeout Duration `yaml:"timeout,omitempty"`
	// Concurrency is how many requests may wait for the service; 0 is 256.
	Concurrency int `yaml:"concurrency,omitempty"`
}

// ExternalHTTP is a service that is asked by HTTP.
type ExternalHTTP struct {
	Backend string `yaml:"backend"`
	// Path is what is asked for, by GET; or else PathPrefix and the path of the request,
	// by its method, as Gateway API's ExternalAuth filter has it.
	Path       string `yaml:"path,omitempty"`
	PathPrefix string `yaml:"pathPrefix,omitempty"`
	// Statuses are those that are a yes, of 200 to 299; none: all of these.
	Statuses        []int `yaml:"statuses,omitempty"`
	ExternalHeaders `yaml:",inline"`
}

// ExternalGRPC is a service that is asked by gRPC: envoy.service.auth.v3.
type ExternalGRPC struct {
	Backend string `yaml:"backend"` // whose protocol is h2c or h2
	// Lines are those of the client that the service gets: "" is RequestHeaders and
	// Authorization, Named is RequestHeaders alone, All is all.
	Lines string `yaml:"lines,omitempty"`
	// Unnamed is what becomes of an answer with lines for the backend that are not in
	// ResponseHeaders: they are dropped (Drop, default), or it is none (Refuse).
	Unnamed         string `yaml:"unnamed,omitempty"`
	ExternalHeaders `yaml:",inline"`
}

// Words of an ExternalGRPC.
const (
	NamedLines    = "Named"
	AllLines      = "All"
	DropUnnamed   = "Drop"
	RefuseUnnamed = "Refuse"
)

// ExternalHeaders are header lines that go beyond the question.
type ExternalHeaders struct {
	// RequestHeaders are lines of the client that the service gets beside Authorization.
	RequestHeaders []string `yaml:"requestHeaders,omitempty"`
	// ResponseHeaders are lines of the service that the backend gets. No client can send
	// them, on no listener.
	ResponseHeaders []string `yaml:"responseHeaders,omitempty"`
	// ClientHeaders are lines of a refusal that the client gets beside Location,
	// Set-Cookie and WWW-Authenticate.
	ClientHeaders []string `yaml:"clientHeaders,omitempty"`
}

// KeySet is where the keys of tokens come from: one of URL, Issuer and File is
// set.
type KeySet struct {
	Name   string `yaml:"name"`
	URL    string `yaml:"url,omitempty"`    // of a JWK Set, by https
	Issuer string `yaml:"issuer,omitempty"` // which says where its JWK Set is (OpenID Connect Discovery 1.0)
	File   string `yaml:"file,omitempty"`   // a JWK Set, a JWK, or public keys as PEM
	CAFile string `yaml:"caFile,omitempty"` // authorities to trust; "" is those of the system
	// Plaintext allows http://, where whoever is on the way can put his own keys in their
	// place: "Allow", or "".
	Plaintext    string   `yaml:"plaintext,omitempty"`
	Refresh      Duration `yaml:"refresh,omitempty"`      // when the answer does not say: 5m
	Cooldown     Duration `yaml:"cooldown,omitempty"`     // at least between fetches for unknown keys: 10s
	StaleIfError Duration `yaml:"staleIfError,omitempty"` // for which old keys are used: 24h
	Keys         Secret   `yaml:"-"`                      // of File; may be symmetric
	CA           []byte   `yaml:"-"`
}
