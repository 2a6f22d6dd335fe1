// SPDX-License-Identifier: Apache-2.0

package request

import (
	"strings"
)

// EscapedSlashes is what becomes of %2F and %5C in a path.
type EscapedSlashes uint8

// Refused, since half of all servers decode them before they route, is the zero
// value. Decoded slashes are slashes from then on: %5C becomes one, too. Kept ones
// stay escaped and are part of a name; a backend must not decode them.
const (
	RefuseEscapedSlashes EscapedSlashes = iota
	DecodeEscapedSlashes
	KeepEscapedSlashes
)

// EmptySegments is what becomes of // in a path.
type EmptySegments uint8

// Merged is the zero value: //a///b is /a/b.
const (
	MergeEmptySegments EmptySegments = iota
	RefuseEmptySegments
	KeepEmptySegments
)

// DotSegments is what becomes of . and .. in a path.
type DotSegments uint8

// Resolved (RFC 3986, section 5.2.4) is the zero value.
const (
	ResolveDotSegments DotSegments = iota
	RefuseDotSegments
)

// PathParameters is what becomes of ; in a path.
type PathParameters uint8

// Refused is the zero value: servlet containers cut ;x=y off each segment before
// they route, and so find /admin in /admin;x, which a router that sees the whole
// does not. Kept ones are part of the name.
const (
	RefusePathParameters PathParameters = iota
	KeepPathParameters
)

// PathOptions say how a path is brought into its one form. The zero value is the
// strictest that ordinary clients pass.
type PathOptions struct {
	EscapedSlashes EscapedSlashes
	EmptySegments  EmptySegments
	DotSegments    DotSegments
	Parameters     PathParameters
}

// Path returns the one form of the path of a request target: what it was sent as,
// before any decoding. In the result
//
//   - every character that may stand for itself does (RFC 3986, section 3.3,
//     pchar), and all else is escaped with upper-case digits, so that two targets
//     which a server decodes to the same path have the same form;
//   - there is no . or .. segment and, unless kept, no empty one, no ; and no
//     escaped slash;
//   - there is no control character, no escape of an escape, and only UTF-8.
//
// The result of Path is its own form.
func Path(raw string, o PathOptions) (string, *Refusal) {
	if raw == "" || raw[0] != '/' {
		return "", refuse(BadTarget)
	}
	if inForm(raw) {
		return raw, nil
	}
	escaped, refusal := o.reescape(raw)
	if refusal != nil {
		return "", refusal
	}
	return o.segments(escaped)
}

// inForm says of most paths that nothing is to be done.
func inForm(p string) bool {
	for i := range len(p) {
		switch c := p[i]; {
		case !literal[c]:
			return false
		case c == '/' && i+1 < len(p) && (p[i+1] == '/' || p[i+1] == '.'):
			return false
		}
	}
	return true
}

// literal is what stands for itself: pchar without "%" and ";", and the slash.
var literal = func() (t [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,=:@/") {
		t[c] = true
	}
	return t
}()

// reescape decodes what may stand for itself and escapes all else.
func (o PathOptions) reescape(raw string) (string, *Refusal) {
	var b strings.Builder
	b.Grow(len(raw) + 16)
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		escaped := c == '%'
		if escaped {
			hi, lo, ok := digits(raw[i:])
			if !ok {
				return "", refuse(BadPath)
			}
			c = hi<<4 | lo
			i += 2
		}
		if refusal := o.write(&b, c, escaped); refusal != nil {
			return "", refusal
		}
	}
	out := b.String()
	if escapesAnEscape(out) {
		return "", refuse(DoubleEscape)
	}
	if !validEscapes(out) {
		return "", refuse(BadPath)
	}
	return out, nil
}

// write adds one byte that was sent escaped or as itself.
func (o PathOptions) write(b *strings.Builder, c byte, escaped bool) *Refusal {
	switch {
	case c < ' ', c == 0x7f:
		return refuse(BadPath)
	case escaped && (c == '/' || c == '\\'):
		switch o.EscapedSlashes {
		case RefuseEscapedSlashes:
			return refuse(EscapedSlash)
		case DecodeEscapedSlashes:
			b.WriteByte('/')
		case KeepEscapedSlashes:
			writeEscaped(b, c)
		}
	case c == '\\':
		return refuse(Backslash)
	case c == ';' && o.Parameters == RefusePathParameters:
		return refuse(PathParameter)
	case !escaped && (c == '?' || c == '#' || c == ' '):
		return refuse(BadPath) // the first ends a path, and no client sends the others
	case c == ';', literal[c]:
		b.WriteByte(c)
	default:
		writeEscaped(b, c)
	}
	return nil
}

// segments resolves and refuses segments of an escaped path. A .. that climbs
// above the root is refused: nobody who means well sends it.
func (o PathOptions) segments(p string) (string, *Refusal) {
	list := strings.Split(p[1:], "/")
	out := make([]string, 0, len(list))
	for i, s := range list {
		last := i == len(list)-1
		switch {
		case s == "." || s == "..":
			if o.DotSegments == RefuseDotSegments {
				return "", refuse(DotSegment)
			}
			if s == ".." {
				if len(out) == 0 {
					return "", refuse(AboveRoot)
				}
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "") // what ends in a dot segment is a directory
			}
		case s == "" && !last:
			switch o.EmptySegments {
			case MergeEmptySegments:
			case RefuseEmptySegments:
				return "", refuse(EmptySegment)
			case KeepEmptySegments:
				out = append(out, s)
			}
		case hidesDots(s):
			return "", refuse(PathParameter)
		default:
			out = append(out, s)
		}
	}
	return "/" + strings.Join(out, "/"), nil
}

// hidesDots tells whether a segment is a dot segment, or empty, to a server that
// cuts parameters off.
func hidesDots(s string) bool {
	name, _, parameters := strings.Cut(s, ";")
	return parameters && (name == "" || name == "." || name == "..")
}
