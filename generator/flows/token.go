// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

var (
	errControl = errors.New("a control character stands in a string")
	errEscape  = errors.New("no such escape is known")
	errNumber  = errors.New("a digit is missing")
	errWord    = errors.New("is neither true, false nor null")
)

// Eight bytes at once, each in its place.
const (
	ones       = 0x0101010101010101
	aboveASCII = 0x80 * ones
)

// plain returns the place of the first byte from i that is not just itself in a
// string: a quotation mark, a backslash, a control character, or one of the bits of
// others. Eight bytes are looked at together: in each the highest bit is set where
// subtracting borrows (graphics.stanford.edu/~seander/bithacks.html, "Determine if
// a word has a byte less than n"). A borrow may mark bytes after it wrongly, so
// that the first marked is right.
func (s *scanner) plain(i int, others uint64) int {
	data := s.data
	for ; i+8 <= len(data); i += 8 {
		x := binary.LittleEndian.Uint64(data[i:])
		quote, escape := x^'"'*ones, x^'\\'*ones
		marked := ((quote-ones)&^quote | (escape-ones)&^escape | (x-' '*ones)&^x | x&others) & aboveASCII
		if marked != 0 {
			return i + bits.TrailingZeros64(marked)/8
		}
	}
	for ; i < len(data); i++ {
		if c := data[i]; c == '"' || c == '\\' || c < ' ' || uint64(c)&others != 0 {
			break
		}
	}
	return i
}

// skipString passes over a string, at whose quotation mark the scanner stands.
func (s *scanner) skipString() {
	if s.err != nil {
		return
	}
	for s.at++; ; {
		s.at = s.plain(s.at, 0)
		switch {
		case s.at >= len(s.data):
			s.fail(errEnd)
			return
		case s.data[s.at] == '"':
			s.at++
			return
		case s.data[s.at] != '\\':
			s.fail(errControl)
			return
		}
		if s.skipEscape(); s.err != nil {
			return
		}
	}
}

// skipEscape passes over an escape, at whose backslash the scanner stands.
func (s *scanner) skipEscape() {
	s.at++
	if s.at >= len(s.data) {
		s.fail(errEnd)
		return
	}
	digits := 0
	switch s.data[s.at] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
	case 'u':
		digits = 4
	default:
		s.fail(errEscape)
		return
	}
	for s.at++; digits > 0; digits-- {
		if s.at >= len(s.data) || !hexadecimal(s.data[s.at]) {
			s.fail(errEscape)
			return
		}
		s.at++
	}
}

func hexadecimal(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// skipNumber passes over a number (RFC 8259 §6), at whose first byte the scanner stands.
func (s *scanner) skipNumber() {
	if s.data[s.at] == '-' {
		s.at++
	}
	if s.at < len(s.data) && s.data[s.at] == '0' {
		s.at++
	} else {
		s.digits()
	}
	if s.at < len(s.data) && s.data[s.at] == '.' {
		s.at++
		s.digits()
	}
	if s.at < len(s.data) && s.data[s.at]|0x20 == 'e' {
		if s.at++; s.at < len(s.data) && (s.data[s.at] == '+' || s.data[s.at] == '-') {
			s.at++
		}
		s.digits()
	}
}

// digits passes over one digit or more.
func (s *scanner) digits() {
	begin := s.at
	for s.at < len(s.data) && s.data[s.at]-'0' <= 9 {
		s.at++
	}
	if s.at == begin {
		s.fail(errNumber)
	}
}

func (s *scanner) skipWord(word string) {
	if s.at+len(word) > len(s.data) || string(s.data[s.at:s.at+len(word)]) != word {
		s.fail(errWord)
		return
	}
	s.at += len(word)
}
