// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// plain are the bytes of a string that stand for themselves and end nothing.
var plain = func() (table [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// str reads a string; the bytes are valid until the next call.
func (s *scanner) str() []byte {
	rest := s.data[s.at+1:]
	n := 0
	for n < len(rest) && plain[rest[n]] {
		n++
	}
	from := s.at + 1
	s.at = from + n
	if n < len(rest) && rest[n] == '"' {
		s.at++
		return rest[:n]
	}
	return s.longStr(from)
}

// longStr goes on with a string that has escapes, or bytes beyond ASCII: those
// that are no UTF-8 become the replacement character, as in encoding/json.
func (s *scanner) longStr(from int) []byte {
	s.text = append(s.text[:0], s.data[from:s.at]...)
	for s.at < len(s.data) {
		switch c := s.data[s.at]; {
		case c == '"':
			s.at++
			return s.text
		case c == '\\':
			if !s.escape() {
				return nil
			}
		case c < ' ':
			s.unexpected("a visible character")
			return nil
		case c < utf8.RuneSelf:
			s.text = append(s.text, c)
			s.at++
		default:
			r, size := utf8.DecodeRune(s.data[s.at:])
			s.text = utf8.AppendRune(s.text, r)
			s.at += size
		}
	}
	s.fail(errEnd)
	return nil
}

// escapes are the short ones, each with what it stands for.
var escapes = [...]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (s *scanner) escape() bool {
	if s.at+1 >= len(s.data) {
		s.at = len(s.data)
		s.fail(errEnd)
		return false
	}
	c := s.data[s.at+1]
	if c != 'u' {
		if int(c) >= len(escapes) || escapes[c] == 0 {
			s.unexpected("an escape")
			return false
		}
		s.text = append(s.text, escapes[c])
		s.at += 2
		return true
	}
	r, ok := s.hex()
	if !ok {
		return false
	}
	if utf16.IsSurrogate(r) {
		second, at := rune(utf8.RuneError), s.at
		if bytes.HasPrefix(s.data[s.at:], []byte(`\u`)) {
			if second, ok = s.hex(); !ok {
				return false
			}
		}
		if r = utf16.DecodeRune(r, second); r == utf8.RuneError {
			s.at = at // the second stands for itself
		}
	}
	s.text = utf8.AppendRune(s.text, r)
	return true
}

// hex reads an escape of four digits.
func (s *scanner) hex() (rune, bool) {
	if s.at+6 > len(s.data) {
		s.at = len(s.data)
		s.fail(errEnd)
		return 0, false
	}
	n, err := strconv.ParseUint(string(s.data[s.at+2:s.at+6]), 16, 16)
	if err != nil {
		s.unexpected("four digits")
		return 0, false
	}
	s.at += 6
	return rune(n), true
}
