// SPDX-License-Identifier: Apache-2.0

package request

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// Form is the one form of a request. Nothing behind it reads http.Request for
// what is here. It is not changed once it is made.
type Form struct {
	Method string // upper case
	Scheme string // http or https: what the client spoke, as far as that is known
	Host   string // lower case, without port and final dot; an IPv6 address in brackets
	Port   string // digits as sent, "" for none
	Path   string // see Path
	Query  string // without "?", see Query

	// Header is the request's own map, without what concerns one connection only,
	// without what only the gateway may say, and with each name in one spelling.
	Header http.Header

	Peer   netip.Addr // who opened the connection
	Client netip.Addr // who asks: Peer, unless trusted proxies say who they speak for

	Trusted   bool // Peer is a trusted proxy, whose word about the request counts
	WebSocket bool // the client asks to switch to this protocol
	Trailers  bool // the client takes trailers (TE), as gRPC needs
}

// Authority is the host and, if one was sent, the port.
func (f *Form) Authority() string {
	if f.Port == "" {
		return f.Host
	}
	return f.Host + ":" + f.Port
}

// Target is the path and the query as the backend gets them.
func (f *Form) Target() string {
	if f.Query == "" {
		return f.Path
	}
	return f.Path + "?" + f.Query
}

// DefaultMaxTarget is 8 KiB, which RFC 9112, section 3, recommends to accept.
const DefaultMaxTarget = 8 << 10

// DefaultMaxHeaders is 100 lines, as Apache httpd's LimitRequestFields has it.
const DefaultMaxHeaders = 100

// Options say how requests are brought into their form. The zero value trusts
// nobody.
type Options struct {
	TLS        bool // the connection is by TLS
	Path       PathOptions
	Headers    *HeaderRules // nil is NewHeaderRules(HeaderOptions{})
	MaxTarget  int          // bytes of path and query, 0 means DefaultMaxTarget
	MaxHeaders int          // lines, 0 means DefaultMaxHeaders
	Trusted    []netip.Prefix
	Forwarded  ForwardedHeader // what a trusted peer says its client in
}

// Parse returns the form of a request that came over a connection of peer.
// It takes the header map of r over and changes it.
func Parse(r *http.Request, peer netip.Addr, o *Options) (Form, *Refusal) {
	f := Form{Method: r.Method, Scheme: "http", Header: r.Header, Peer: peer.Unmap()}
	if o.TLS {
		f.Scheme = "https"
	}
	if refusal := method(r.Method); refusal != nil {
		return Form{}, refusal
	}
	path, query, refusal := target(r.RequestURI, o)
	if refusal != nil {
		return Form{}, refusal
	}
	if f.Path, refusal = Path(path, o.Path); refusal != nil {
		return Form{}, refusal
	}
	if f.Query, refusal = Query(query); refusal != nil {
		return Form{}, refusal
	}
	if f.Host, f.Port, refusal = Host(r.Host); refusal != nil {
		return Form{}, refusal
	}
	for _, other := range r.Header["Host"] { // of HTTP/2, beside :authority (RFC 9113, section 8.3.1)
		if host, port, refusal := Host(other); refusal != nil || host != f.Host || port != f.Port {
			return Form{}, refuse(BadHost)
		}
	}
	if !lengthHolds(r) {
		return Form{}, refuse(BadLength)
	}
	if refusal := f.headers(r, o); refusal != nil {
		return Form{}, refusal
	}
	return f, nil
}

// lengthHolds tells whether what is said of the body's length is one number, which
// net/http does not ask of HTTP/2 (RFC 9113, section 8.1.1).
func lengthHolds(r *http.Request) bool {
	said := r.Header["Content-Length"]
	if len(said) == 0 {
		return true
	}
	n, err := strconv.ParseInt(said[0], 10, 64)
	return len(said) == 1 && err == nil && n == r.ContentLength && said[0][0] >= '0' // and no sign
}

// maxMethod is nearly twice the longest that is registered, UPDATEREDIRECTREF.
const maxMethod = 32

// method takes upper-case tokens only: "get" is another method than GET (RFC
// 9110, section 9.1), which some servers do not know.
func method(m string) *Refusal {
	switch m {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodHead, http.MethodDelete, http.MethodPatch, http.MethodOptions:
		return nil
	case http.MethodConnect, http.MethodTrace, "TRACK":
		return &Refusal{Status: http.StatusMethodNotAllowed, Reason: ForbiddenMethod}
	}
	if m == "" || len(m) > maxMethod {
		return refuse(BadMethod)
	}
	for i := range len(m) {
		if c := m[i]; (c < 'A' || c > 'Z') && c != '-' {
			return refuse(BadMethod)
		}
	}
	return nil
}

// target divides a request target, of which only the path and the query remain.
func target(raw string, o *Options) (path, query string, refusal *Refusal) {
	limit := o.MaxTarget
	if limit == 0 {
		limit = DefaultMaxTarget
	}
	if len(raw) > limit {
		return "", "", &Refusal{Status: http.StatusRequestURITooLong, Reason: TooLong}
	}
	if raw == "" || raw[0] != '/' {
		_, after, absolute := strings.Cut(raw, "://")
		if !absolute {
			return "", "", refuse(BadTarget) // "*" and an authority, too
		}
		from := strings.IndexAny(after, "/?")
		switch {
		case from < 0:
			return "/", "", nil
		case after[from] == '?':
			raw = "/" + after[from:]
		default:
			raw = after[from:]
		}
	}
	path, query, _ = strings.Cut(raw, "?")
	return path, query, nil
}
