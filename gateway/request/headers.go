// SPDX-License-Identifier: Apache-2.0

package request

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/internal/header"
)

// OtherNames is what becomes of header names with other characters than letters,
// digits and "-".
type OtherNames uint8

// Dropped is the zero value: CGI, WSGI and servlets read X_User as X-User.
const (
	DropOtherNames OtherNames = iota
	KeepOtherNames
)

// HeaderOptions say which header lines of a client are deleted.
type HeaderOptions struct {
	// Identity are the names in which the gateway tells backends who asks. A
	// client's own are deleted, also those that a backend may take for them.
	Identity []string
	// Keep are names out of Overrides that clients may send after all.
	Keep  []string
	Other OtherNames
}

// Overrides ask a backend to take another path or method than those of the
// request line, which are what was judged. They are deleted unless kept.
var Overrides = []string{"X-Original-Url", "X-Rewrite-Url", "X-Http-Method", "X-Http-Method-Override", "X-Method-Override"}

// forwarded tell who the client is, and are the gateway's to say. Every name that
// begins with X-Forwarded- is one of them.
var forwarded = []string{"Forwarded", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip", "X-Envoy-External-Address", "X-Original-Forwarded-For", "Via"}

const forwardedPrefix = "X-Forwarded-"

// connection are the fields of one connection (RFC 9110, section 7.6.1), and what
// is said to a proxy.
var connection = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings"}

// OfConnection tells whether a name is that of a field of one connection, of the
// framing, or of the host: what neither a client nor a route has a say in.
func OfConnection(name string) bool {
	known := fold(name)
	return slices.Contains(connection, known) || known == "Host" || known == "Content-Length"
}

// single may come once. A server that takes the last of two Authorization lines
// answers another user than the gateway checked that took the first.
var single = []string{"Authorization", "Content-Type", "Origin", "Content-Encoding", "Content-Range"}

// HeaderRules are HeaderOptions made ready. They do not change.
type HeaderRules struct {
	drop  map[string]bool // by canonical name
	other OtherNames
}

// NewHeaderRules makes rules. The zero options are the strictest.
func NewHeaderRules(o HeaderOptions) *HeaderRules {
	rules := &HeaderRules{drop: map[string]bool{}, other: o.Other}
	for _, n := range slices.Concat(forwarded, Overrides) {
		rules.drop[fold(n)] = true
	}
	for _, n := range o.Keep {
		for _, known := range Overrides {
			if fold(n) == known {
				delete(rules.drop, known)
			}
		}
	}
	for _, n := range slices.Concat(o.Identity, connection) { // which nothing keeps
		rules.drop[fold(n)] = true
	}
	return rules
}

var strictest = NewHeaderRules(HeaderOptions{})

// fold is the name that a backend may take a name for: some servers put "_" in the place
// of "-" (RFC 3875, section 4.1.18), some in that of all but letters and digits.
func fold(name string) string {
	return textproto.CanonicalMIMEHeaderKey(strings.Map(func(c rune) rune {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return '-'
		}
		return c
	}, name))
}

// Arrives tells whether a client's line of a name may be seen behind the front at all.
func Arrives(name string) bool {
	return !strictest.gone(textproto.CanonicalMIMEHeaderKey(name)) && !OfConnection(name)
}

// plain tells whether a name has letters, digits and "-" only.
func plain(name string) bool {
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return name != ""
}

// gone tells whether a name is deleted.
func (h *HeaderRules) gone(name string) bool {
	known := name
	if !plain(name) {
		if h.other == DropOtherNames {
			return true
		}
		if known = fold(name); OfConnection(known) {
			return true // the front has seen to it for HTTP/1 only
		}
	}
	return h.drop[known] || strings.HasPrefix(known, forwardedPrefix)
}

// Identity are names of header lines in which backends are told who asks.
type Identity map[string]bool

// NewIdentity makes ready the names that tell some backends who asks; nil of none.
func NewIdentity(names []string) Identity {
	if len(names) == 0 {
		return nil
	}
	out := make(Identity, len(names))
	for _, n := range names {
		out[fold(n)] = true
	}
	return out
}

// Drop deletes what a client says in those lines, also in such as a backend may take for
// them. It may be called of nil.
func (i Identity) Drop(h http.Header) {
	if len(i) == 0 {
		return
	}
	for name := range h {
		if i[name] || i.Has(name) {
			delete(h, name)
		}
	}
}

// Has tells whether a backend may take a line of a name for one of those. It may be called
// of nil.
func (i Identity) Has(name string) bool { return i[fold(name)] }

// Prune deletes from the trailers of a request what no client may send, and what
// means something before a body only (RFC 9110, section 6.5.1): a backend may put
// trailers beside the header lines.
func (h *HeaderRules) Prune(trailers http.Header) {
	if h == nil {
		h = strictest
	}
	for name := range trailers {
		if h.gone(name) || OfConnection(name) || slices.Contains(single, name) || name == "Cookie" || name == "X-Request-Id" {
			delete(trailers, name)
		}
	}
}

// headers brings the header lines of a request into form.
func (f *Form) headers(r *http.Request, o *Options) *Refusal {
	rules, limit := o.Headers, o.MaxHeaders
	if rules == nil {
		rules = strictest
	}
	if limit == 0 {
		limit = DefaultMaxHeaders
	}
	h, lines := f.Header, 0
	for _, values := range h {
		lines += len(values)
	}
	if lines > limit {
		return &Refusal{Status: http.StatusRequestHeaderFieldsTooLarge, Reason: TooManyHeaders}
	}
	for _, name := range single {
		if len(h[name]) > 1 {
			return refuse(DoubleHeader)
		}
	}
	if refusal := f.client(h, o); refusal != nil {
		return refusal
	}
	f.WebSocket = upgrades(r)
	f.Trailers = header.Has(h["Te"], "trailers")
	for _, value := range h["Connection"] {
		for token := range strings.SplitSeq(value, ",") {
			h.Del(strings.TrimSpace(token))
		}
	}
	for name := range h {
		if rules.gone(name) {
			delete(h, name)
		}
	}
	if cookies := h["Cookie"]; len(cookies) > 1 {
		h["Cookie"] = []string{strings.Join(cookies, "; ")} // RFC 9113, section 8.2.3
	}
	return nil
}

// upgrades tells whether a request asks for a WebSocket (RFC 6455, section 4.1).
// Other protocols are not offered: the field is deleted, and the request is
// answered as if it were not there (RFC 9110, section 7.8).
func upgrades(r *http.Request) bool {
	up := r.Header["Upgrade"]
	return r.ProtoMajor == 1 && r.ProtoMinor == 1 && r.Method == http.MethodGet && r.ContentLength == 0 &&
		len(up) == 1 && strings.EqualFold(up[0], "websocket") && header.Has(r.Header["Connection"], "upgrade")
}
