// SPDX-License-Identifier: Apache-2.0

package request

import "strings"

// Query returns the one form of a query: what was sent, but with every byte
// escaped that must be (RFC 3986, section 3.4), and a percent sign that begins no
// escape escaped itself. Nothing is decoded, sorted or cut off: the backend gets
// all of it. The result of Query is its own form.
func Query(raw string) (string, *Refusal) {
	clean := true
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c < ' ' || c == 0x7f {
			return "", refuse(BadQuery)
		}
		clean = clean && queryByte(raw, i)
	}
	if clean {
		return raw, nil
	}
	var b strings.Builder
	b.Grow(len(raw) + 16)
	for i := 0; i < len(raw); i++ {
		if queryByte(raw, i) {
			b.WriteByte(raw[i])
		} else {
			writeEscaped(&b, raw[i])
		}
	}
	return b.String(), nil
}

// queryByte tells whether the byte at i may stay as it is. Brackets, braces and
// the like are not URL characters, but browsers send them and servers take them.
func queryByte(s string, i int) bool {
	switch c := s[i]; {
	case c == '%':
		_, _, ok := digits(s[i:])
		return ok
	case c == '#', c == ' ', c == '"', c == '<', c == '>', c == '\\', c >= 0x80:
		return false
	}
	return true
}
