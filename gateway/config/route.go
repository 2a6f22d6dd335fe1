// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"
	"slices"
)

// Route sends requests to backends.
type Route struct {
	Name      string   `yaml:"name"`
	Listeners []string `yaml:"listeners,omitempty"` // none: all that do not redirect
	// Hosts are names in lower case, or "*." and a name, which fits names with one
	// or more labels more, or "?." and a name, which fits names with one label more, or
	// "*". None is "*".
	Hosts   []string `yaml:"hosts,omitempty"`
	Matches []Match  `yaml:"matches,omitempty"` // any of them fits; none: every request
	// Traffic are policies by name, beside those of the listener.
	Traffic []string `yaml:"traffic,omitempty"`
	// Access are policies by name, all of which must let a request in, beside those of
	// the listener.
	Access []string `yaml:"access,omitempty"`
	// AccessBeside are policies that are asked after those of Access, or of the listener's
	// Default ones, which do not give way to them as they do to Access.
	AccessBeside []string `yaml:"accessBeside,omitempty"`

	Target `yaml:",inline"`
}

// guards are the access policies that the route names.
func (r *Route) guards() []string {
	if len(r.AccessBeside) == 0 {
		return r.Access
	}
	return slices.Concat(r.Access, r.AccessBeside)
}

// Match is what a request must have, all of it.
type Match struct {
	Path    PathMatch    `yaml:"path,omitempty"`
	Method  string       `yaml:"method,omitempty"`
	Headers []ValueMatch `yaml:"headers,omitempty"`
	Query   []ValueMatch `yaml:"query,omitempty"`
}

// PathMatch is how a path must be. One of them is set, or none: every path.
type PathMatch struct {
	Exact  string `yaml:"exact,omitempty"`
	Prefix string `yaml:"prefix,omitempty"` // whole segments: /a fits /a and /a/b, not /ab
	Regex  string `yaml:"regex,omitempty"`  // RE2, of the whole path
}

// ValueMatch is how a header line or a parameter must be: one of Exact and Regex
// is set. It fits when one value of that name does.
type ValueMatch struct {
	Name  string `yaml:"name"`
	Exact string `yaml:"exact,omitempty"`
	Regex string `yaml:"regex,omitempty"`
}

// Target is what becomes of a request: it goes to a backend, or is answered here.
type Target struct {
	Backends []Weighted `yaml:"backends,omitempty"`
	Redirect *Redirect  `yaml:"redirect,omitempty"`
	Rewrite  *Rewrite   `yaml:"rewrite,omitempty"`
	Request  HeaderEdit `yaml:"requestHeaders,omitempty"`
	Response HeaderEdit `yaml:"responseHeaders,omitempty"`
	// Timeout is until the response is whole, all attempts together, and AttemptTimeout
	// from a request to the head of its response, of each. 0 is none.
	Timeout        Duration `yaml:"timeout,omitempty"`
	AttemptTimeout Duration `yaml:"attemptTimeout,omitempty"`
	// BodyBytes is how long the body of a request may be: 0 is what the listener takes,
	// which no route exceeds.
	BodyBytes int64 `yaml:"bodyBytes,omitempty"`
	// Mirrors get copies of requests; what they answer is read by nobody.
	Mirrors []Mirror `yaml:"mirrors,omitempty"`
	Retry   *Retry   `yaml:"retry,omitempty"` // nil: twice after a connect-failure
	CORS    *CORS    `yaml:"cors,omitempty"`  // nil: backends say it themselves
}

// Weighted is what becomes of a share of the requests of a route: a backend gets them,
// or they are answered with a status.
type Weighted struct {
	Name   string `yaml:"name,omitempty"`
	Weight *int   `yaml:"weight,omitempty"` // nil is 1; 0 gets none
	// Status stands in the place of a backend that could not be had: 500 to 599.
	Status int `yaml:"status,omitempty"`
	// Request and Response are changed after what the route changes.
	Request  HeaderEdit `yaml:"requestHeaders,omitempty"`
	Response HeaderEdit `yaml:"responseHeaders,omitempty"`
}

// Mirror is a backend that gets copies of a part of the requests: Numerator of
// Denominator. Bodies of more than 64 KiB, and WebSockets, are not copied.
type Mirror struct {
	Backend     string `yaml:"backend"`
	Numerator   *int   `yaml:"numerator,omitempty"`   // nil: all
	Denominator int    `yaml:"denominator,omitempty"` // 0 is 100
}

// Redirect answers with another place. What is empty stays as it was asked.
type Redirect struct {
	Scheme string `yaml:"scheme,omitempty"`
	Host   string `yaml:"host,omitempty"`
	Port   uint16 `yaml:"port,omitempty"`
	Path   string `yaml:"path,omitempty"`
	Prefix string `yaml:"prefix,omitempty"` // put in the place of the prefix that fitted
	Status int    `yaml:"status,omitempty"` // 301, 302 (default), 303, 307, 308
}

// Rewrite is what a backend is asked for instead.
type Rewrite struct {
	Host   string `yaml:"host,omitempty"`
	Path   string `yaml:"path,omitempty"`
	Prefix string `yaml:"prefix,omitempty"` // put in the place of the prefix that fitted
}

// HeaderEdit changes header lines: first Remove, then Set, then Add.
type HeaderEdit struct {
	Set    map[string]string `yaml:"set,omitempty"`
	Add    map[string]string `yaml:"add,omitempty"`
	Remove []string          `yaml:"remove,omitempty"`
}

// Backend is a set of addresses that answer alike.
type Backend struct {
	Name      string           `yaml:"name"`
	Endpoints []netip.AddrPort `yaml:"endpoints,omitempty"` // none: every request is answered 503
	Protocol  string           `yaml:"protocol,omitempty"`  // http1 (default), h2c, or with TLS h2
	TLS       *BackendTLS      `yaml:"tls,omitempty"`       // nil: in clear

	Balance      string          `yaml:"balance,omitempty"` // LeastRequest (default: of two by chance), RoundRobin, Random
	Timeouts     BackendTimeouts `yaml:"timeouts,omitempty"`
	Breaker      Breaker         `yaml:"breaker,omitempty"`
	Outlier      *Outlier        `yaml:"outlier,omitempty"`
	Health       *Health         `yaml:"health,omitempty"`
	AllUnhealthy string          `yaml:"allUnhealthy,omitempty"` // Serve (default: as if all were well), Refuse (503)
}
