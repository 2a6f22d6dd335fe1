// SPDX-License-Identifier: Apache-2.0

package smuggling

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// line is a header line: its name in lower case, its value without the space around.
type line struct{ name, value string }

// message is a request as RFC 9112 reads it.
type message struct {
	method, target, version string
	lines                   []line
	body                    []byte
	trailers                []line
	whole                   bool // its end was there
}

func (m *message) values(name string) (out []string) {
	for _, l := range m.lines {
		if l.name == name {
			out = append(out, l.value)
		}
	}
	return out
}

// value is the only one of a name, "" if there is none or more than one.
func (m *message) value(name string) string {
	if v := m.values(name); len(v) == 1 {
		return v[0]
	}
	return ""
}

// errCut is the end of a stream within a message.
var errCut = errors.New("the stream ends within a message")

// read reads requests by the letter of RFC 9112, and takes nothing that a recipient may
// forgive: a line that ends in LF, a list of lengths, a folded line. Whatever it takes
// has one reading. It shares nothing with gateway/front, which it is to be compared
// with. The last message may not be whole; err says why reading ended, nil at the end
// of a message.
func read(stream []byte) (list []message, err error) {
	r := &reader{stream}
	for len(r.left) > 0 {
		m, begun, err := r.message()
		if begun {
			list = append(list, m)
		}
		if err != nil {
			return list, err
		}
	}
	return list, nil
}

type reader struct{ left []byte }

// line takes a line, without its end.
func (r *reader) line() (string, error) {
	end := bytes.IndexByte(r.left, '\n')
	if end < 0 {
		return "", errCut
	}
	text := string(r.left[:end])
	r.left = r.left[end+1:]
	if !strings.HasSuffix(text, "\r") {
		return "", errors.New("a bare line feed")
	}
	if text = text[:len(text)-1]; strings.ContainsAny(text, "\r\x00") {
		return "", errors.New("a bare carriage return or a zero")
	}
	return text, nil
}

func (r *reader) take(n int) ([]byte, error) {
	if n > len(r.left) {
		return nil, errCut
	}
	out := r.left[:n]
	r.left = r.left[n:]
	return out, nil
}

// message reads one request; begun if its head could be read.
func (r *reader) message() (m message, begun bool, err error) {
	first, err := r.line()
	if err != nil {
		return m, false, err
	}
	words := strings.Split(first, " ")
	if len(words) != 3 || !isToken(words[0]) || words[1] == "" || !visible(words[1]) {
		return m, false, fmt.Errorf("%q is no request line", first)
	}
	m.method, m.target, m.version = words[0], words[1], words[2]
	if m.version != "HTTP/1.1" && m.version != "HTTP/1.0" {
		return m, false, fmt.Errorf("%q is no version", m.version)
	}
	if m.lines, err = r.lines(); err != nil {
		return m, false, err
	}
	if len(m.values("host")) != 1 {
		return m, false, fmt.Errorf("%d hosts", len(m.values("host")))
	}
	length, chunked, err := framing(&m)
	if err != nil {
		return m, false, err
	}
	switch {
	case chunked:
		m.body, m.trailers, err = r.chunks()
	case length > int64(len(r.left)):
		m.body, r.left, err = r.left, nil, errCut
	default:
		m.body, err = r.take(int(length))
	}
	m.whole = err == nil
	return m, true, err
}

// lines reads header lines up to and with the empty one.
func (r *reader) lines() (out []line, err error) {
	for {
		text, err := r.line()
		if err != nil || text == "" {
			return out, err
		}
		name, value, found := strings.Cut(text, ":")
		if !found || !isToken(name) {
			return nil, fmt.Errorf("%q is no header line", text)
		}
		for _, c := range []byte(value) {
			if c < ' ' && c != '\t' || c == 0x7f {
				return nil, fmt.Errorf("%q has a control character", text)
			}
		}
		out = append(out, line{strings.ToLower(name), strings.Trim(value, " \t")})
	}
}

// framing says where a body ends (RFC 9112, section 6.3).
func framing(m *message) (length int64, chunked bool, err error) {
	lengths, codings := m.values("content-length"), m.values("transfer-encoding")
	switch {
	case len(lengths)+len(codings) > 1:
		return 0, false, errors.New("more than one framing")
	case len(codings) == 1:
		if !strings.EqualFold(codings[0], "chunked") || m.version == "HTTP/1.0" {
			return 0, false, fmt.Errorf("the coding %q of %s", codings[0], m.version)
		}
		return 0, true, nil
	case len(lengths) == 1:
		if strings.Trim(lengths[0], "0123456789") != "" {
			return 0, false, fmt.Errorf("the length %q", lengths[0])
		}
		length, err = strconv.ParseInt(lengths[0], 10, 64)
		return length, false, err
	}
	return 0, false, nil
}

// chunks reads a body up to the end of its trailers.
func (r *reader) chunks() (body []byte, trailers []line, err error) {
	for {
		text, err := r.line()
		if err != nil {
			return body, nil, err
		}
		digits, extension, _ := strings.Cut(text, ";")
		if digits == "" || strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
			return body, nil, fmt.Errorf("%q is no size of a chunk", text)
		}
		if !printable(extension) {
			return body, nil, fmt.Errorf("%q is no extension of a chunk", extension)
		}
		size, err := strconv.ParseInt(digits, 16, 62)
		if err != nil {
			return body, nil, err
		}
		if size == 0 {
			trailers, err = r.lines()
			return body, trailers, err
		}
		if size > int64(len(r.left)) {
			return append(body, r.left...), nil, errCut
		}
		data, err := r.take(int(size))
		if err != nil {
			return body, nil, err
		}
		body = append(body, data...)
		end, err := r.take(2)
		if err != nil {
			return body, nil, err
		}
		if string(end) != "\r\n" {
			return body, nil, fmt.Errorf("a chunk ends in %q", end)
		}
	}
}

func isToken(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~") == ""
}

func isPlain(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// visible tells whether there is neither space nor control character in s.
func visible(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c <= ' ' || c == 0x7f }) < 0
}

func printable(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) < 0
}

// asked is what a target asks for, as a server finds it: the path decoded once, its
// segments resolved, and the query as it is.
func asked(target string) (path, query string) {
	if !strings.HasPrefix(target, "/") {
		_, target, _ = strings.Cut(target, "://")
		if at := strings.IndexAny(target, "/?"); at < 0 {
			target = "/"
		} else {
			target = target[at:]
		}
		if target[0] == '?' {
			target = "/" + target
		}
	}
	path, query, _ = strings.Cut(target, "?")
	return resolved(decoded(path)), query
}

// decoded decodes each escape once.
func decoded(s string) string {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				out = append(out, byte(n))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

// resolved takes dot segments and empty ones out of a path.
func resolved(path string) string {
	var out []string
	directory := false
	for s := range strings.SplitSeq(path, "/") {
		directory = s == "" || s == "." || s == ".."
		switch {
		case s == ".." && len(out) > 0:
			out = out[:len(out)-1]
		case !directory:
			out = append(out, s)
		}
	}
	if directory && len(out) > 0 {
		out = append(out, "")
	}
	return "/" + strings.Join(out, "/")
}
