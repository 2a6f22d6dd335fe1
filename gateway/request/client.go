// SPDX-License-Identifier: Apache-2.0

package request

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/internal/network"
)

// ForwardedHeader is the field in which trusted proxies say whom they speak for.
// A gateway takes one of them only: what one proxy writes another one lets pass.
type ForwardedHeader uint8

// XForwardedFor is the zero value, since nearly every proxy writes it.
const (
	XForwardedFor ForwardedHeader = iota
	Forwarded                     // RFC 7239
)

// client finds who asks, and by which protocol. From the right, each address was
// written by the one after it, so the first that is not a trusted proxy is the client,
// and all that stands before it is the client's own claim.
func (f *Form) client(h http.Header, o *Options) *Refusal {
	f.Client = f.Peer
	if !network.Contain(o.Trusted, f.Peer) {
		return nil
	}
	f.Trusted = true
	field, read := "X-Forwarded-For", plainElement
	if o.Forwarded == Forwarded {
		field, read = "Forwarded", namedElement
	} else if proto := h["X-Forwarded-Proto"]; len(proto) > 0 {
		last := proto[len(proto)-1]
		if !f.scheme(strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])) {
			return refuse(BadForwarded)
		}
	}
	values := h[field]
	for _, rest := range slices.Backward(values) {
		for rest != "" {
			at := strings.LastIndexByte(rest, ',')
			e, ok := read(strings.TrimSpace(rest[at+1:]))
			if !ok || e.proto != "" && !f.scheme(e.proto) {
				return refuse(BadForwarded)
			}
			f.Client = e.addr
			if !network.Contain(o.Trusted, e.addr) {
				return nil
			}
			rest = rest[:max(at, 0)]
		}
	}
	return nil
}

// scheme takes a protocol over that a trusted proxy says.
func (f *Form) scheme(proto string) bool {
	switch proto = strings.ToLower(proto); proto {
	case "http", "https":
		f.Scheme = proto
		return true
	}
	return false
}

// element is what one proxy says: who asked it, and by which protocol, "" if it does not
// say.
type element struct {
	addr  netip.Addr
	proto string
}

// plainElement reads one of X-Forwarded-For.
func plainElement(s string) (element, bool) {
	a, ok := addressOf(s)
	return element{addr: a}, ok
}

// namedElement reads one of Forwarded (RFC 7239, section 4): parameters between
// semicolons, none of them twice, of which "for" is an address, quoted when it has a
// colon. A proxy may quote what a client sent, such as its host: a quote that is not
// around a whole value, as one is that has a comma or a semicolon, makes all unreadable.
func namedElement(s string) (element, bool) {
	addr, proto := "", ""
	for p := range strings.SplitSeq(s, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if inner := strings.TrimSuffix(strings.TrimPrefix(value, `"`), `"`); strings.ContainsAny(inner, `"\\`) || len(value)-len(inner) == 1 {
			return element{}, false
		}
		var to *string
		switch strings.ToLower(name) {
		case "for":
			to = &addr
		case "proto":
			to = &proto
		default:
			continue
		}
		if value = strings.Trim(value, `"`); *to != "" || value == "" {
			return element{}, false
		}
		*to = value
	}
	a, ok := addressOf(addr)
	return element{a, proto}, ok
}

// addressOf reads an address with or without a port.
func addressOf(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}
