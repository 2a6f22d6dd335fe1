// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"net/http"
	"net/textproto"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/header"
)

// The numbers of fields are those of envoy/service/auth/v3/external_auth.proto and
// attribute_context.proto, envoy/config/core/v3/{address,base}.proto,
// envoy/type/v3/http_status.proto and google/rpc/status.proto. The messages are
// written by hand: their packages bring two megabytes, for a dozen fields.

// appendQuestion appends a CheckRequest.
func appendQuestion(b []byte, r *auth.Request, names []string) []byte {
	f := r.Form
	request := field(nil, 2, []byte(clean(f.Method)))
	add := func(name, value string) {
		request = field(request, 3, field(field(nil, 1, []byte(name)), 2, []byte(clean(value))))
	}
	for _, n := range names {
		if values := f.Header[n]; len(values) > 0 {
			add(strings.ToLower(n), strings.Join(values, ","))
		}
	}
	for _, l := range [][2]string{{"x-forwarded-for", f.Client.String()}, {"x-forwarded-proto", f.Scheme}} {
		add(l[0], l[1])
	}
	for _, part := range []struct {
		number protowire.Number
		text   string
	}{{4, f.Target()}, {5, f.Authority()}, {6, f.Scheme}} {
		request = field(request, part.number, []byte(clean(part.text)))
	}
	request = protowire.AppendVarint(protowire.AppendTag(request, 9, protowire.VarintType), ^uint64(0)) // of the body: -1 is not known
	socket := field(nil, 2, []byte(f.Client.String()))
	source := field(nil, 1, field(nil, 1, socket))
	at := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(r.Now.Unix()))     //nolint:gosec // as protobuf writes an int64
	at = protowire.AppendVarint(protowire.AppendTag(at, 2, protowire.VarintType), uint64(r.Now.Nanosecond())) //nolint:gosec // below a thousand million
	attributes := field(field(nil, 1, source), 4, field(field(nil, 1, at), 2, request))
	return field(b, 1, attributes)
}

func field(b []byte, number protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), content)
}

// clean is UTF-8, which protobuf's texts must be.
func clean(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

// answer is what a CheckResponse says.
type answer struct {
	allowed bool
	status  int // of the refusal; 0: none was given
	header  http.Header
	remove  []string
}

// readAnswer reads a CheckResponse. What asks for more than can be done is no
// answer, since the service relies on it.
func readAnswer(b []byte) (a answer, ok bool) {
	a.header = http.Header{}
	code, known := uint64(0), false
	ok = fields(b, func(n int, v value) bool {
		switch n {
		case 1: // google.rpc.Status; without a code it is 0, OK
			known = true
			return v.message && fields(v.bytes, func(n int, v value) bool {
				if n == 1 {
					code = v.number
				}
				return n != 1 || !v.message
			})
		case 2:
			return v.message && a.denied(v.bytes)
		case 3:
			return v.message && a.granted(v.bytes)
		}
		return true
	})
	a.allowed = ok && known && code == 0 && a.status == 0
	return a, ok && known
}

func (a *answer) denied(b []byte) bool {
	a.status = http.StatusForbidden
	return fields(b, func(n int, v value) bool {
		switch n {
		case 1:
			return v.message && fields(v.bytes, func(n int, v value) bool {
				if n == 1 && v.number > 0 && v.number < 600 {
					a.status = int(v.number)
				}
				return true
			})
		case 2:
			return v.message && a.line(v.bytes)
		}
		return true
	})
}

func (a *answer) granted(b []byte) bool {
	return fields(b, func(n int, v value) bool {
		switch n {
		case 2:
			return v.message && a.line(v.bytes)
		case 5:
			a.remove = append(a.remove, string(v.bytes))
			return v.message
		case 7, 8: // other parameters of the query: the backend gets those that were judged
			return false
		}
		return true
	})
}

// line reads a HeaderValueOption.
func (a *answer) line(b []byte) bool {
	var name, text string
	ok := fields(b, func(n int, v value) bool {
		return n != 1 || v.message && fields(v.bytes, func(n int, v value) bool {
			switch {
			case n == 1:
				name = string(v.bytes)
			case n == 2, n == 3 && text == "": // or as bytes
				text = string(v.bytes)
			}
			return true
		})
	})
	if !ok || !header.IsValue(text) {
		return false
	}
	name = textproto.CanonicalMIMEHeaderKey(name)
	a.header[name] = append(a.header[name], text)
	return true
}

// value is the content of a field.
type value struct {
	message bool // or text: bytes is set
	bytes   []byte
	number  uint64
}

// fields calls f with each field of a message until it returns false, and tells
// whether all were read.
func fields(b []byte, f func(int, value) bool) bool {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return false
		}
		b = b[n:]
		var v value
		if v.message = kind == protowire.BytesType; v.message {
			v.bytes, n = protowire.ConsumeBytes(b)
		} else if kind == protowire.VarintType {
			v.number, n = protowire.ConsumeVarint(b)
		} else {
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 || !f(int(number), v) {
			return false
		}
		b = b[n:]
	}
	return true
}
