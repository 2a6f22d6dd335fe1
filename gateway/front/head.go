// SPDX-License-Identifier: Apache-2.0

package front

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/internal/header"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// head is what the lines of one request say about its framing and its authority.
type head struct {
	old       bool   // HTTP/1.0
	authority string // of an absolute target
	absolute  bool
	host      string // of an absolute target's request
	hosts     int
	length    int64
	lengths   int
	codings   int
	chunked   bool
}

// request reads the request line: three words with one space between each two.
func (h *head) request(line []byte) Fault {
	method, rest, one := bytes.Cut(line, []byte{' '})
	target, version, two := bytes.Cut(rest, []byte{' '})
	if !one || !two || !header.IsToken(method) || len(target) == 0 {
		return BadRequestLine
	}
	for _, c := range target {
		if c <= ' ' || c == 0x7f {
			return BadRequestLine
		}
	}
	switch string(version) {
	case "HTTP/1.1":
	case "HTTP/1.0":
		h.old = true
	default:
		return BadVersion
	}
	if scheme, after, found := bytes.Cut(target, []byte("://")); found && target[0] != '/' {
		if s := strings.ToLower(string(scheme)); s != "http" && s != "https" {
			return BadRequestLine
		}
		if end := bytes.IndexAny(after, "/?#"); end >= 0 {
			after = after[:end]
		}
		h.absolute, h.authority = true, string(after)
	}
	if !isTarget(method, target) {
		return BadTarget
	}
	return ""
}

// isTarget tells whether net/http reads a target: what begins with a slash it does,
// unless there is an escape that is none.
func isTarget(method, target []byte) bool {
	if target[0] == '/' && bytes.IndexByte(target, '%') < 0 {
		return true
	}
	raw := string(target)
	if string(method) == http.MethodConnect && target[0] != '/' {
		raw = "http://" + raw // an authority
	}
	_, err := url.ParseRequestURI(raw)
	return err == nil
}

// field reads one header line.
func (h *head) field(line []byte) Fault {
	name, value, fault := field(line)
	if fault != "" {
		return fault
	}
	switch {
	case is(name, "host"):
		h.hosts++
		if !isHost(value) {
			return BadHosts
		}
		if h.absolute {
			h.host = string(value)
		}
	case is(name, "content-length"):
		h.lengths++
		return h.setLength(value)
	case is(name, "transfer-encoding"):
		h.codings++
		h.chunked = is(value, "chunked")
		if !h.chunked || h.old {
			return BadCoding
		}
	case is(name, "expect"):
		if !is(value, "100-continue") {
			return BadExpectation
		}
	case is(name, "trailer"):
		return announced(value)
	case folds(name, "content-length"), folds(name, "transfer-encoding"):
		return FramingAlias
	}
	return ""
}

// isHost tells whether a value has only bytes of names, addresses and ports.
func isHost(value []byte) bool {
	for _, c := range value {
		if !hostByte[c] {
			return false
		}
	}
	return true
}

var hostByte = func() (t [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:[]") {
		t[c] = true
	}
	return t
}()

// announced judges the names of lines that are to come after the body.
func announced(value []byte) Fault {
	for name := range bytes.SplitSeq(value, []byte{','}) {
		name = bytes.Trim(name, " \t")
		if is(name, "content-length") || is(name, "transfer-encoding") || is(name, "trailer") {
			return BadTrailer
		}
	}
	return ""
}

func (h *head) setLength(value []byte) Fault {
	if len(value) == 0 || len(value) > 18 {
		return BadLength
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return BadLength
		}
		h.length = h.length*10 + int64(c-'0')
	}
	return ""
}

// end judges the head as a whole.
func (h *head) end() Fault {
	switch {
	case h.lengths > 1:
		return BadLength
	case h.codings > 1:
		return BadCoding
	case h.lengths > 0 && h.codings > 0:
		return TwoFramings
	case h.hosts != 1:
		return BadHosts
	case h.absolute && !sameAuthority(h.authority, h.host):
		return BadHosts
	}
	return ""
}

func sameAuthority(a, b string) bool {
	host, port, refusal := request.Host(a)
	other, otherPort, otherRefusal := request.Host(b)
	return refusal == nil && otherRefusal == nil && host == other && port == otherPort
}

// trailer judges a line after the last chunk. What frames or routes a message, or
// says who asks, cannot come after it (RFC 9110, section 6.5.1).
func trailer(line []byte) Fault {
	name, _, fault := field(line)
	if fault != "" {
		return fault
	}
	for _, n := range []string{"content-length", "transfer-encoding", "host", "trailer", "authorization", "cookie", "connection", "content-type", "content-encoding", "te", "expect"} {
		if folds(name, n) {
			return BadTrailer
		}
	}
	return ""
}

// field divides a line into its name and its value without the space around it.
func field(line []byte) (name, value []byte, fault Fault) {
	if line[0] == ' ' || line[0] == '\t' {
		return nil, nil, FoldedLine
	}
	name, value, found := bytes.Cut(line, []byte{':'})
	if !found || !header.IsToken(name) {
		return nil, nil, BadFieldName
	}
	if !header.IsValue(value) {
		return nil, nil, BadFieldValue
	}
	return name, bytes.Trim(value, " \t"), ""
}

// is compares without case.
func is(s []byte, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i, c := range s {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// folds compares without case, and takes every character that is neither letter
// nor digit for "-", as gateways of application servers do with some.
func folds(s []byte, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i, c := range s {
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case (c < 'a' || c > 'z') && (c < '0' || c > '9'):
			c = '-'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
