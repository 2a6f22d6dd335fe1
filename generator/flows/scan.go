// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// scanner reads one JSON text from front to end and makes something only of the
// values that are asked for; the others are checked and passed over. A flow has
// some sixty values of which a fifth is needed, and encoding/json, which makes
// something of each, takes several times as long. It accepts what encoding/json
// accepts, nested less deeply than jsontext's 10,000; FuzzScanner compares them.
type scanner struct {
	data bytes.Buffer // read in place
	json jsontext.Decoder
	err  error // the first fault; nothing is read after it

	text  []byte // a decoded string, reused
	names map[string]string
}

// maxNames bounds the strings that are kept to be used again, and maxName the
// length of one that is worth it.
const (
	maxNames = 1 << 16
	maxName  = 256
)

var (
	errEnd       = errors.New("ends early")
	errFollowing = errors.New("something follows the value")
)

func (s *scanner) start(data []byte) {
	s.data, s.err = *bytes.NewBuffer(data), nil
	s.json.Reset(&s.data, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// fail keeps the first fault, in words that name its place.
func (s *scanner) fail(err error) {
	if s.err != nil {
		return
	}
	var fault *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		err = errEnd
	case errors.As(err, &fault):
		s.err = fmt.Errorf("byte %d: %w", fault.ByteOffset+1, fault.Err)
		return
	}
	s.err = fmt.Errorf("byte %d: %w", s.json.InputOffset()+1, err)
}

// next returns the first byte of the next value, '0' of any number; 0 at the end
// and where none begins.
func (s *scanner) next() byte {
	if s.err != nil {
		return 0
	}
	return byte(s.json.PeekKind())
}

// ended checks that nothing follows the value.
func (s *scanner) ended() error {
	if s.err == nil {
		if _, err := s.json.ReadToken(); !errors.Is(err, io.EOF) {
			s.fail(errFollowing)
		}
	}
	return s.err
}

// value reads a value as it is written, valid until the next is read or asked for.
func (s *scanner) value() []byte {
	if s.err != nil {
		return nil
	}
	v, err := s.json.ReadValue()
	if err != nil {
		s.fail(err)
		return nil
	}
	return v
}

// token reads a brace or a bracket.
func (s *scanner) token() {
	if _, err := s.json.ReadToken(); err != nil {
		s.fail(err)
	}
}

// object calls field for every field of an object, with the name decoded and
// valid until anything is read or asked for; field must read the value. For
// another kind of value it reads that and returns.
func (s *scanner) object(field func(name []byte)) {
	if s.next() != '{' {
		s.skip()
		return
	}
	s.token()
	for s.next() == '"' {
		field(s.str())
	}
	if s.err == nil {
		s.token()
	}
}

// array calls item for every item of an array; item must read it.
func (s *scanner) array(item func()) {
	if s.next() != '[' {
		s.skip()
		return
	}
	s.token()
	for s.err == nil && s.next() != ']' {
		item()
	}
	if s.err == nil {
		s.token()
	}
}

// skip passes over a value and checks it.
func (s *scanner) skip() {
	if s.err != nil {
		return
	}
	if err := s.json.SkipValue(); err != nil {
		s.fail(err)
	}
}

// str reads a string; the bytes are valid until anything is read or asked for.
// Bytes that are no UTF-8 become the replacement character, as in encoding/json.
func (s *scanner) str() []byte {
	quoted := s.value()
	if len(quoted) < len(`""`) {
		return nil
	}
	for _, c := range quoted {
		if c == '\\' || c >= 0x80 {
			s.text, _ = jsontext.AppendUnquote(s.text[:0], quoted) // what was read can be decoded; bytes that are no UTF-8 are its one error
			return s.text
		}
	}
	return quoted[1 : len(quoted)-1]
}
