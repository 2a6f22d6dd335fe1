// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/internal/header"
)

// Bounds of one head; 1xx responses and trailers count to it.
const (
	maxHead    = 256 << 10
	maxLines   = 1000
	maxInforms = 16
)

// head is what the head of a response says of the response.
type head struct {
	minor   int // HTTP/1.minor
	status  int
	length  int64 // -1: it does not say
	chunked bool
	closing bool // the connection ends after it
	trailer http.Header
}

// block finds the head at the beginning of b: all up to and with the empty line. from
// is where to go on looking. It returns 0 if more must come.
func block(b []byte, from int) (end, next int, fault Fault) {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return 0, from, ""
		}
		at := from + i
		if at == 0 || b[at-1] != '\r' {
			return 0, from, BadLine
		}
		if i == 1 {
			return at + 1, at + 1, ""
		}
		from = at + 1
	}
}

// parseHead reads a head, which ends in an empty line, into h. If the values fit into
// room, that is where they are.
func parseHead(text string, h http.Header, room []string) (head, Fault) {
	line, rest, _ := strings.Cut(text, "\r\n")
	out, fault := statusLine(line)
	if fault != "" {
		return out, fault
	}
	if fault := fields(rest, h, maxLines, room); fault != "" {
		return out, fault
	}
	return out, out.frame(h)
}

// statusLine takes HTTP/1.0 and HTTP/1.1 and three digits. The space after them may be
// missing if there is no reason phrase: many servers leave it out.
func statusLine(line string) (head, Fault) {
	out := head{length: -1}
	const prefix = "HTTP/1.1 200"
	if len(line) < len(prefix) || line[:7] != prefix[:7] || line[7] != '0' && line[7] != '1' || line[8] != ' ' {
		return out, BadStatusLine
	}
	out.minor = int(line[7] - '0')
	for _, c := range []byte(line[9:12]) {
		if c < '0' || c > '9' {
			return out, BadStatusLine
		}
		out.status = out.status*10 + int(c-'0')
	}
	if out.status < 100 || out.status > 999 {
		return out, BadStatusLine
	}
	if reason := line[12:]; reason != "" && (reason[0] != ' ' || !header.IsValue(reason)) {
		return out, BadStatusLine
	}
	return out, ""
}

// fields reads header lines into h, which gets parts of text and of room.
func fields(text string, h http.Header, most int, room []string) Fault {
	n := strings.Count(text, "\n") - 1
	if n <= 0 {
		return ""
	}
	if n > most {
		return TooManyLines
	}
	values := room
	if n > len(room) {
		values = make([]string, n)
	}
	for i := range n {
		end := strings.IndexByte(text, '\n') - 1
		line := text[:end]
		text = text[end+2:]
		if line[0] == ' ' || line[0] == '\t' {
			return FoldedLine
		}
		colon := strings.IndexByte(line, ':')
		if colon <= 0 || !header.IsToken(line[:colon]) {
			return BadHeader
		}
		value := trim(line[colon+1:])
		if !header.IsValue(value) {
			return BadValue
		}
		name := textproto.CanonicalMIMEHeaderKey(line[:colon])
		if before := h[name]; before != nil {
			h[name] = append(before, value)
			continue
		}
		values[i] = value
		h[name] = values[i : i+1 : i+1]
	}
	return ""
}

// trim cuts optional white space off (RFC 9110, section 5.6.3).
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// frame finds where the body ends (RFC 9112, section 6.3), and takes out of h what
// says so, but for the length.
func (o *head) frame(h http.Header) Fault {
	lengths, coded := h["Content-Length"], h["Transfer-Encoding"]
	switch {
	case len(lengths) > 0 && len(coded) > 0:
		return LengthAndCode
	case len(lengths) > 1:
		return DoubleLength
	case len(lengths) == 1:
		n, ok := decimal(lengths[0])
		if !ok {
			return BadLength
		}
		if o.status < 200 {
			return LengthNotHere
		}
		o.length = n
	case len(coded) > 0:
		if len(coded) > 1 || !strings.EqualFold(coded[0], "chunked") {
			return BadCoding
		}
		if o.minor == 0 || o.status < 200 || o.status == http.StatusNoContent {
			return CodingNotHere
		}
		o.chunked = true
		delete(h, "Transfer-Encoding")
	}
	o.closing = o.minor == 0 || header.Has(h["Connection"], "close")
	if o.status == http.StatusNoContent {
		if o.length > 0 {
			o.closing = true // nobody knows what it counts
		}
		delete(h, "Content-Length")
	}
	return o.announced(h)
}

// announced takes the names of trailers out of h.
func (o *head) announced(h http.Header) Fault {
	names, has := h["Trailer"]
	if !has {
		return ""
	}
	delete(h, "Trailer")
	if !o.chunked {
		return "" // there will be none
	}
	o.trailer = http.Header{}
	for _, value := range names {
		for name := range strings.SplitSeq(value, ",") {
			name = trim(name)
			if name == "" {
				continue
			}
			if !header.IsToken(name) || !mayTrail(textproto.CanonicalMIMEHeaderKey(name)) {
				return BadTrailer
			}
			o.trailer[textproto.CanonicalMIMEHeaderKey(name)] = nil
		}
	}
	return ""
}

// mayTrail tells whether a field may come after the body: not what frames it.
func mayTrail(name string) bool {
	return !framing(name) && name != "Te"
}

// decimal reads digits of a number below 2^63.
func decimal(s string) (int64, bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	n := int64(0)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// bodyless tells whether a response has no body whatever its head says.
func bodyless(method string, status int) bool {
	return method == http.MethodHead || status < 200 || status == http.StatusNoContent || status == http.StatusNotModified
}
