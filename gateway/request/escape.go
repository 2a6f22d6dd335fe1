// SPDX-License-Identifier: Apache-2.0

package request

import (
	"strings"
	"unicode/utf8"
)

const upperDigits = "0123456789ABCDEF"

func writeEscaped(b *strings.Builder, c byte) {
	b.WriteByte('%')
	b.WriteByte(upperDigits[c>>4])
	b.WriteByte(upperDigits[c&15])
}

// digits returns the values of the two digits after the percent sign that s
// begins with.
func digits(s string) (hi, lo byte, ok bool) {
	if len(s) < 3 {
		return 0, 0, false
	}
	hi, first := HexDigit(s[1])
	lo, second := HexDigit(s[2])
	return hi, lo, first && second
}

// HexDigit returns the value of a hexadecimal digit of either case.
func HexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// escapesAnEscape finds %25 before two digits: who decodes twice reads something
// else than who decodes once.
func escapesAnEscape(p string) bool {
	for {
		_, rest, found := strings.Cut(p, "%25")
		if !found {
			return false
		}
		if _, _, twice := digits("%" + rest); twice {
			return true
		}
		p = rest
	}
}

// validEscapes tells whether the bytes of a path that is ASCII but for its
// escapes are UTF-8: %C0%AF is a slash to a decoder that takes it.
func validEscapes(p string) bool {
	var run []byte
	for i := 0; i < len(p); i++ {
		if p[i] == '%' {
			if hi, lo, _ := digits(p[i:]); hi >= 8 {
				run = append(run, hi<<4|lo)
				i += 2
				continue
			}
		}
		if !utf8.Valid(run) {
			return false
		}
		run = run[:0]
	}
	return utf8.Valid(run)
}
