// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"iter"
	"time"
)

// APIVersion is the version of the JSON form. Fields may be added to it; none is removed
// and none changes its meaning.
const APIVersion = "gatehouse.sh/exposure/v1"

// Report is every endpoint, in order. Its JSON form is docs/schema/exposure-v1.json.
type Report struct {
	APIVersion string      `json:"apiVersion"`
	Endpoints  []Endpoint  `json:"endpoints"`
	NotServed  []NotServed `json:"notServed"`
	Assumed    []string    `json:"assumed"` // what stands in for what is not among the objects
	Summary    Summary     `json:"summary"`
}

// Summary counts.
type Summary struct {
	Endpoints       int `json:"endpoints"`
	PastTheGateway  int `json:"pastTheGateway"`
	Unauthenticated int `json:"unauthenticated"` // of those that send anything to a backend
	WithoutTLS      int `json:"withoutTLS"`
	NotServed       int `json:"notServed"`
}

// NotServed is an object that asks for more than it gets.
type NotServed struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Part      string `json:"part"` // "listener https", or ""
	Reason    string `json:"reason"`
	Message   string `json:"message"`
}

// Endpoint is one way from outside to something inside: a host and some paths at a
// listener, or a port of a Service or a node.
type Endpoint struct {
	Through  Through  `json:"through"`
	Listener Listener `json:"listener"`
	Host     string   `json:"host"`    // "*" is every one; empty where no host is asked for
	Matches  []string `json:"matches"` // in words, any of them; none: every request
	Route    *Route   `json:"route"`   // null without one

	TLS            TLS            `json:"tls"`
	Authentication Authentication `json:"authentication"`
	Authorization  []string       `json:"authorization"` // rules in words, with the policy's name before them
	Limits         []string       `json:"limits"`        // in words
	Answer         string         `json:"answer"`        // what becomes of requests: one of the Answer constants
	Detail         string         `json:"detail"`        // of the answer: "to https, port 443"
	Backends       []Backend      `json:"backends"`
	Findings       []Finding      `json:"findings"` // of the objects on the way
}

// What becomes of requests.
const (
	AnswerBackends  = "backends"
	AnswerRedirect  = "redirect"
	AnswerRefused   = "refused" // answered 5xx: what is asked for cannot be had
	AnswerUncertain = "unknown"
)

// Through is what is between outside and the backend.
type Through struct {
	Gateway   bool   `json:"gateway"` // the gateway of Gatehouse
	From      string `json:"from"`    // where callers stand: "internet", "internal network", "any node address"
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Class     string `json:"class"` // of a Gateway or an Ingress; empty where there is none
	By        string `json:"by"`    // in words: "Service shop/web (NodePort)"
}

// Listener is where connections come in.
type Listener struct {
	Name      string   `json:"name"`      // as the Gateway has it, or "namespace/set/name" of a ListenerSet; empty where there is none
	Addresses []string `json:"addresses"` // none: not known
	Port      int      `json:"port"`      // 0: not known
	Protocol  string   `json:"protocol"`  // HTTP, HTTPS, TLS, TCP, UDP, SCTP; empty: not known
}

// Route is the rule that sends requests on.
type Route struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Rule      int    `json:"rule"` // position; -1 where there are none
}

// TLS is how connections are protected.
type TLS struct {
	State              string        `json:"state"`              // one of the TLS constants
	MinVersion         string        `json:"minVersion"`         // "1.2"; empty where it is not terminated here
	ClientCertificates string        `json:"clientCertificates"` // Require, Optional, or empty: nobody is asked
	Certificates       []Certificate `json:"certificates"`
}

// What is known of the TLS of an endpoint.
const (
	TLSNone       = "none"
	TLSTerminated = "terminated" // at the gateway
	TLSPassed     = "passed-on"  // to the backend, as it is
	TLSUnknown    = "unknown"
)

// Certificate is one that is presented.
type Certificate struct {
	Secret   string     `json:"secret"` // namespace/name
	State    string     `json:"state"`  // one of the Certificate constants
	Why      string     `json:"why"`    // that it is unknown, or not as it should be
	Names    []string   `json:"names"`
	NotAfter *time.Time `json:"notAfter"` // null: unknown
}

// What is known of a certificate.
const (
	CertificateValid   = "valid"
	CertificateSoon    = "ends-soon" // in fewer than SoonDays days
	CertificateEnded   = "ended"
	CertificateEarly   = "not-yet-valid"
	CertificateUnfit   = "other-name" // it is not for the host
	CertificateUnknown = "unknown"
)

// SoonDays is when a certificate is told to end soon: what is renewed at two thirds of 90
// days, as ACME clients do, has never fewer than 30 left.
const SoonDays = 21

// Authentication is how it is known who asks.
type Authentication struct {
	State    string   `json:"state"` // one of the Authentication constants
	Why      string   `json:"why"`   // where it is unknown, or nobody gets in
	Methods  []string `json:"methods"`
	Policies []Held   `json:"policies"` // access policies that hold, in the order in which they are asked
}

// What is known of authentication.
const (
	AuthenticationRequired = "required"
	AuthenticationOptional = "optional" // who sends no credential gets in as well, as far as the rules let him
	AuthenticationNone     = "none"
	AuthenticationRefused  = "refused" // a policy cannot be kept: nobody gets in
	AuthenticationUnknown  = "unknown" // something that is not Gatehouse's is before it
)

// Held is a policy that holds.
type Held struct {
	Name string `json:"name"` // as the gateway's log has it: "accesspolicy/shop/keys"
	Mode string `json:"mode"` // Enforced, Default
	From string `json:"from"` // gateway, host, route
}

// Backend is where requests go.
type Backend struct {
	Namespace string     `json:"namespace"` // of the Service; empty for a workload without one
	Service   string     `json:"service"`
	Port      int        `json:"port"` // of the Service; 0: not known
	Share     string     `json:"share"`
	TLS       string     `json:"tls"` // the name that its certificate must have; empty: in clear, or not known
	Workloads []Workload `json:"workloads"`
}

// Workload is what answers.
type Workload struct {
	Kind      string  `json:"kind"`
	Namespace string  `json:"namespace"`
	Name      string  `json:"name"`
	Network   Network `json:"network"`
	Account   Account `json:"account"`
}

// Network says who may connect to a workload on the port of an endpoint.
type Network struct {
	State string   `json:"state"` // one of the Network constants
	Why   string   `json:"why"`
	Who   []string `json:"who"`  // else than the gateway; at most maxWho of them
	More  int      `json:"more"` // that are left out of Who
}

// Who may connect, from the fewest to the most.
const (
	NetworkGateway   = "gateway"   // the gateway's pods and nobody else
	NetworkNobody    = "nobody"    // not even the gateway
	NetworkSome      = "some"      // workloads that Who names
	NetworkNamespace = "namespace" // every pod of its namespace
	NetworkCluster   = "cluster"   // every pod of the cluster
	NetworkEveryone  = "everyone"  // addresses outside of the cluster as well
	NetworkUnknown   = "unknown"
)

// Account is what a workload runs as.
type Account struct {
	Name   string   `json:"name"`
	Token  string   `json:"token"` // mounted, not-mounted, unknown
	Power  string   `json:"power"` // the severity of what it can do: none, info, low, medium, high, critical
	Path   []string `json:"path"`  // to the worst that it can do
	Clouds []string `json:"clouds"`
}

// Finding is what a check has against an object on the way.
type Finding struct {
	Check     string `json:"check"`
	Severity  string `json:"severity"`
	Action    string `json:"action"`
	Certainty string `json:"certainty"`
	Object    string `json:"object"`
	Message   string `json:"message"`

	// Path is the way in that the check shows. A finding whose way leads to other Services
	// than those of an endpoint is not about it.
	Path []string `json:"-"`
}

// workloads are those behind an endpoint.
func (e *Endpoint) workloads() iter.Seq[*Workload] {
	return func(yield func(*Workload) bool) {
		for i := range e.Backends {
			for k := range e.Backends[i].Workloads {
				if !yield(&e.Backends[i].Workloads[k]) {
					return
				}
			}
		}
	}
}
