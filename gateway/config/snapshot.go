// SPDX-License-Identifier: Apache-2.0

package config

import "net/netip"

// Snapshot is one complete configuration. It must not change once it was handed
// to a server. Names are unique within each list; what one thing calls another by
// is its name.
type Snapshot struct {
	Listeners    []Listener    `yaml:"listeners"`
	Certificates []Certificate `yaml:"certificates,omitempty"`
	Routes       []Route       `yaml:"routes,omitempty"` // where two fit a request as well, the first is taken
	Streams      []Stream      `yaml:"streams,omitempty"`
	Backends     []Backend     `yaml:"backends,omitempty"`

	TrafficPolicies []TrafficPolicy `yaml:"trafficPolicies,omitempty"`
	AccessPolicies  []AccessPolicy  `yaml:"accessPolicies,omitempty"`
	KeySets         []KeySet        `yaml:"keySets,omitempty"`
	Stores          []Store         `yaml:"stores,omitempty"`

	Telemetry Telemetry `yaml:"telemetry,omitempty"`
}

// Listener is an address on which clients are listened to.
type Listener struct {
	Name     string         `yaml:"name"`
	Address  netip.AddrPort `yaml:"address"` // port 0 lets the system choose
	Protocol Protocol       `yaml:"protocol"`
	HTTP2    HTTP2          `yaml:"http2,omitempty"`
	// Hosts keep names apart, as Route.Hosts has them: what is asked for one of them is
	// not served by routes of a less specific one.
	Hosts []string `yaml:"hosts,omitempty"`
	TLS   *TLS     `yaml:"tls,omitempty"` // of HTTPS only
	// Redirect answers every request with a redirection to https on this port,
	// and nothing else. Of HTTP only; 0 is none.
	Redirect uint16 `yaml:"redirectToHTTPS,omitempty"`
	// HSTS is what browsers are told of this host: to come by TLS only. Of HTTPS only.
	HSTS   *HSTS  `yaml:"hsts,omitempty"`
	Client Client `yaml:"client,omitempty"`
	// Traffic are policies by name, for every route.
	Traffic []string `yaml:"traffic,omitempty"`
	// Access are policies by name, for every route, and for what has none.
	Access []string `yaml:"access,omitempty"`
	// ForHosts are policies beside those, for what is asked for one of Hosts.
	ForHosts []HostPolicies `yaml:"forHosts,omitempty"`
}

// HostPolicies are for what is asked for a host of a listener and for no more specific
// one of its Hosts. Those whose mode is Default hold in the place of the listener's.
type HostPolicies struct {
	Host    string   `yaml:"host"` // one of the listener's Hosts
	Traffic []string `yaml:"traffic,omitempty"`
	Access  []string `yaml:"access,omitempty"`
}

// Protocol is what a listener speaks. There is no default.
type Protocol string

// The protocols of listeners.
const (
	HTTP        Protocol = "HTTP"
	HTTPS       Protocol = "HTTPS"
	TCP         Protocol = "TCP" // whatever is said
	Passthrough Protocol = "TLS" // by the name that a client asks for, and left as it is
	UDP         Protocol = "UDP"
)

// Stream tells whether a listener passes on what it does not read.
func (p Protocol) Stream() bool { return p == TCP || p == Passthrough || p == UDP }

// HTTP2 tells whether clients may speak HTTP/2 to a listener.
type HTTP2 string

// Auto, the zero value, is what clients of the protocol expect: with TLS they
// choose (ALPN), without it they speak HTTP/1.1 only.
const (
	HTTP2Auto HTTP2 = ""
	HTTP2Off  HTTP2 = "off"
	HTTP2On   HTTP2 = "on" // without TLS: a client that begins with HTTP/2 may (RFC 9113, section 3.3)
)

// Client is what a listener takes from clients. The zero value is strict.
type Client struct {
	Path           Path           `yaml:"path,omitempty"`
	Headers        Headers        `yaml:"headers,omitempty"`
	TrustedProxies []netip.Prefix `yaml:"trustedProxies,omitempty"` // whose word about their clients counts; none
	ForwardedBy    string         `yaml:"forwardedBy,omitempty"`    // "X-Forwarded-For" (default) or "Forwarded"
	// ProxyProtocol are addresses whose connections begin with a header of the PROXY
	// protocol, version 1 or 2, and nothing else. Connections of others never do.
	ProxyProtocol []netip.Prefix `yaml:"proxyProtocolFrom,omitempty"`
	Limits        Limits         `yaml:"limits,omitempty"`
}

// Path is how paths are brought into one form, see package request. Each word's
// default comes first.
type Path struct {
	EscapedSlashes string `yaml:"escapedSlashes,omitempty"` // Reject, Decode, Keep
	EmptySegments  string `yaml:"emptySegments,omitempty"`  // Merge, Reject, Keep
	DotSegments    string `yaml:"dotSegments,omitempty"`    // Resolve, Reject
	Parameters     string `yaml:"parameters,omitempty"`     // Reject, Keep
}

// Headers say which header lines of clients are deleted.
type Headers struct {
	Identity   []string `yaml:"identity,omitempty"`      // names by which backends are told who asks
	Keep       []string `yaml:"keepOverrides,omitempty"` // of X-HTTP-Method-Override and the like
	OtherNames string   `yaml:"otherNames,omitempty"`    // Drop (default), Keep: names with "_" and the like
}

// Limits bound what a client may send. The zero of each is its default.
type Limits struct {
	HeaderBytes   int      `yaml:"headerBytes,omitempty"`           // of the request line and all lines: 64 Ki
	HeaderLines   int      `yaml:"headerLines,omitempty"`           // 100
	TargetBytes   int      `yaml:"targetBytes,omitempty"`           // of path and query: 8 Ki
	BodyBytes     int64    `yaml:"bodyBytes,omitempty"`             // of one request: 0 is no limit
	HeaderTimeout Duration `yaml:"headerTimeout,omitempty"`         // from the first byte to the last of a head, and for the handshake: 10 s
	IdleTimeout   Duration `yaml:"idleTimeout,omitempty"`           // between requests: 2 min
	TunnelIdle    Duration `yaml:"webSocketIdleTimeout,omitempty"`  // of a WebSocket over which nothing is said, not even a PING: 1 h
	BodyBytesRate int64    `yaml:"bodyBytesRate,omitempty"`         // bytes a second at which bodies must come on average and responses be read, after 5 s: 240
	PerAddress    int      `yaml:"connectionsPerAddress,omitempty"` // 0 is 1000
	Connections   int      `yaml:"connections,omitempty"`           // 0 is 20,000
	Requests      int      `yaml:"requests,omitempty"`              // that are under way at once: 20,000
	// RequestsPerAddress is how many of them may be one client's, as trusted proxies tell of
	// it, or a /64's of IPv6: 2,000.
	RequestsPerAddress int    `yaml:"requestsPerAddress,omitempty"`
	Streams            uint32 `yaml:"streams,omitempty"` // that a connection of HTTP/2 has at once: 100
}
