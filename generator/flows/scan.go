// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"bytes"
	"errors"
	"fmt"
)

// scanner reads one JSON text (RFC 8259) from front to end and decodes only the
// values that are asked for; the others are checked and passed over. A flow has
// some sixty values of which a fifth is needed, and encoding/json, which makes
// something of each, takes several times as long. It accepts what encoding/json
// accepts; FuzzScanner compares the two.
type scanner struct {
	data []byte
	at   int
	err  error // the first fault; nothing is read after it

	text  []byte // decoded strings, reused
	names map[string]string
}

// maxDepth bounds nesting. A flow has less than ten levels.
const maxDepth = 100

// maxNames bounds the strings that are kept to be used again, and maxName the
// length of one that is worth it.
const (
	maxNames = 1 << 16
	maxName  = 256
)

var errEnd = errors.New("ends early")

func (s *scanner) start(data []byte) { s.data, s.at, s.err = data, 0, nil }

func (s *scanner) fail(err error) {
	if s.err == nil {
		s.err = fmt.Errorf("byte %d: %w", s.at+1, err)
		s.at = len(s.data)
	}
}

func (s *scanner) unexpected(want string) {
	if s.at >= len(s.data) {
		s.fail(errEnd)
		return
	}
	s.fail(fmt.Errorf("%q where %s belongs", s.data[s.at], want))
}

// next returns the first byte of the next token, 0 at the end.
func (s *scanner) next() byte {
	for s.at < len(s.data) {
		switch c := s.data[s.at]; c {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// end checks that nothing follows the value.
func (s *scanner) end() error {
	if s.err == nil && s.next() != 0 || s.err == nil && s.at < len(s.data) {
		s.unexpected("the end")
	}
	return s.err
}

// object calls field for every field of an object, with the name decoded and
// valid until the value is read; field must read the value. For another kind of
// value it reads that and returns.
func (s *scanner) object(depth int, field func(name []byte)) {
	if s.next() != '{' {
		s.skip(depth)
		return
	}
	if depth >= maxDepth {
		s.fail(errDepth)
		return
	}
	s.at++
	if s.next() == '}' {
		s.at++
		return
	}
	for s.err == nil {
		if s.next() != '"' {
			s.unexpected("a name")
			return
		}
		name := s.str()
		if s.next() != ':' {
			s.unexpected("a colon")
			return
		}
		s.at++
		field(name)
		switch s.next() {
		case ',':
			s.at++
		case '}':
			s.at++
			return
		default:
			s.unexpected("a comma or a brace")
		}
	}
}

var errDepth = fmt.Errorf("is nested deeper than %d", maxDepth)

// array calls item for every item of an array; item must read it.
func (s *scanner) array(depth int, item func()) {
	if s.next() != '[' {
		s.skip(depth)
		return
	}
	if depth >= maxDepth {
		s.fail(errDepth)
		return
	}
	s.at++
	if s.next() == ']' {
		s.at++
		return
	}
	for s.err == nil {
		item()
		switch s.next() {
		case ',':
			s.at++
		case ']':
			s.at++
			return
		default:
			s.unexpected("a comma or a bracket")
		}
	}
}

// skip passes over a value and checks it.
func (s *scanner) skip(depth int) {
	switch c := s.next(); {
	case c == '"':
		s.str()
	case c == '{':
		s.object(depth, func([]byte) { s.skip(depth + 1) })
	case c == '[':
		s.array(depth, func() { s.skip(depth + 1) })
	case c == '-' || c >= '0' && c <= '9':
		s.number()
	case c == 't':
		s.literal("true")
	case c == 'f':
		s.literal("false")
	case c == 'n':
		s.literal("null")
	default:
		s.unexpected("a value")
	}
}

func (s *scanner) literal(word string) {
	if !bytes.HasPrefix(s.data[s.at:], []byte(word)) {
		s.unexpected(word)
		return
	}
	s.at += len(word)
}

// number passes over a number and returns its text.
func (s *scanner) number() []byte {
	from := s.at
	if s.byteIs('-') {
		s.at++
	}
	if s.byteIs('0') {
		s.at++
	} else if !s.digits() {
		return nil
	}
	if s.byteIs('.') {
		s.at++
		if !s.digits() {
			return nil
		}
	}
	if s.byteIs('e') || s.byteIs('E') {
		s.at++
		if s.byteIs('+') || s.byteIs('-') {
			s.at++
		}
		if !s.digits() {
			return nil
		}
	}
	return s.data[from:s.at]
}

func (s *scanner) byteIs(c byte) bool { return s.at < len(s.data) && s.data[s.at] == c }

func (s *scanner) digits() bool {
	from := s.at
	for s.at < len(s.data) && s.data[s.at] >= '0' && s.data[s.at] <= '9' {
		s.at++
	}
	if s.at == from {
		s.unexpected("a digit")
		return false
	}
	return true
}
