// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// scanner reads one JSON text from front to end and makes something only of the
// values that are asked for; the others are checked and passed over. A flow has
// some sixty values of which a fifth is needed, and a library that makes tokens of
// all takes twice as long. It accepts what encoding/json accepts and reads the same
// of it; FuzzScanner compares them.
type scanner struct {
	data  []byte
	at    int   // what is read next
	depth int   // of objects and arrays
	err   error // the first fault; nothing is read after it

	text  []byte // a decoded string, reused
	names map[string]string
}

// maxDepth is how deeply values may be nested, as in encoding/json.
const maxDepth = 10_000

// maxNames bounds the strings that are kept to be used again, and maxName the
// length of one that is worth it.
const (
	maxNames = 1 << 16
	maxName  = 256
)

var (
	errEnd       = errors.New("ends early")
	errFollowing = errors.New("something follows the value")
	errDeep      = fmt.Errorf("is nested more than %d deep", maxDepth)
	errNoValue   = errors.New("no value begins here")
	errNoName    = errors.New("no name of a field begins here")
	errNoColon   = errors.New("no colon follows the name")
	errNoComma   = errors.New("neither a comma nor the end follows the value")
)

func (s *scanner) start(data []byte) { s.data, s.at, s.depth, s.err = data, 0, 0, nil }

// fail keeps the first fault, in words that name its place. What is missing at the
// end is the end's fault.
func (s *scanner) fail(err error) {
	if s.err != nil {
		return
	}
	if s.at >= len(s.data) {
		err = errEnd
	}
	s.err = fmt.Errorf("byte %d: %w", s.at+1, err)
}

// next returns the first byte of the next value, '0' of any number; 0 at the end
// and where none begins.
func (s *scanner) next() byte {
	if s.err != nil {
		return 0
	}
	switch c := s.peek(); c {
	case '"', '{', '[', 't', 'f', 'n':
		return c
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return '0'
	}
	return 0
}

// peek passes over white space and returns the byte after it; 0 at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.data); s.at++ {
		if c := s.data[s.at]; c > ' ' || c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
	}
	return 0
}

// ended checks that nothing follows the value.
func (s *scanner) ended() error {
	if s.err == nil {
		if s.peek(); s.at < len(s.data) {
			s.fail(errFollowing)
		}
	}
	return s.err
}

// object calls field for every field of an object, with the name decoded and
// valid until anything is read or asked for; field must read the value. For
// another kind of value it reads that and returns.
func (s *scanner) object(field func(name []byte)) {
	if s.next() != '{' {
		s.skip()
		return
	}
	for more := s.first('}'); more; more = s.another('}') {
		if s.peek() != '"' {
			s.fail(errNoName)
			return
		}
		name := s.str()
		if s.colon(); s.err != nil {
			return
		}
		field(name)
	}
}

// array calls item for every item of an array; item must read it.
func (s *scanner) array(item func()) {
	if s.next() != '[' {
		s.skip()
		return
	}
	for more := s.first(']'); more; more = s.another(']') {
		item()
	}
}

// first goes into an object or an array, and reports whether anything is in it.
func (s *scanner) first(end byte) bool {
	if s.depth++; s.depth > maxDepth {
		s.fail(errDeep)
		return false
	}
	s.at++
	if s.peek() != end {
		return true
	}
	s.at++
	s.depth--
	return false
}

// another reads what stands after a value, and reports whether one more follows.
func (s *scanner) another(end byte) bool {
	if s.err != nil {
		return false
	}
	switch s.peek() {
	case ',':
		s.at++
		return true
	case end:
		s.at++
		s.depth--
		return false
	}
	s.fail(errNoComma)
	return false
}

func (s *scanner) colon() {
	if s.err != nil {
		return
	}
	if s.peek() != ':' {
		s.fail(errNoColon)
		return
	}
	s.at++
}

// skip passes over a value and checks it.
func (s *scanner) skip() {
	switch s.next() {
	case '"':
		s.skipString()
	case '0':
		s.skipNumber()
	case '{':
		for more := s.first('}'); more; more = s.another('}') {
			if s.peek() != '"' {
				s.fail(errNoName)
				return
			}
			s.skipString()
			s.colon()
			s.skip()
		}
	case '[':
		for more := s.first(']'); more; more = s.another(']') {
			s.skip()
		}
	case 't':
		s.skipWord("true")
	case 'f':
		s.skipWord("false")
	case 'n':
		s.skipWord("null")
	default:
		s.fail(errNoValue)
	}
}

// value reads a value as it is written, without the space around it.
func (s *scanner) value() []byte {
	s.next()
	begin := s.at
	s.skip()
	if s.err != nil {
		return nil
	}
	return s.data[begin:s.at]
}

// str reads a string, at whose quotation mark the scanner stands; the bytes are
// valid until anything is read or asked for. Bytes that are no UTF-8 become the
// replacement character, as in encoding/json.
func (s *scanner) str() []byte {
	begin := s.at
	if end := s.plain(begin+1, aboveASCII); end < len(s.data) && s.data[end] == '"' {
		s.at = end + 1
		return s.data[begin+1 : end]
	}
	s.skipString()
	if s.err != nil {
		return nil
	}
	s.text, _ = jsontext.AppendUnquote(s.text[:0], s.data[begin:s.at]) // what was read can be decoded; bytes that are no UTF-8 are its one error
	return s.text
}
