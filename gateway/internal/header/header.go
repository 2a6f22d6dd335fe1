// SPDX-License-Identifier: Apache-2.0

// Package header is the syntax of header lines, of RFC 9110, sections 5.5 and 5.6.
package header

import "strings"

// text is what lines are kept as.
type text interface{ ~string | ~[]byte }

var token = func() (t [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~") {
		t[c] = true
	}
	return t
}()

// IsToken tells whether s is a token: the name of a line, for one.
func IsToken[T text](s T) bool {
	for i := range len(s) {
		if !token[s[i]] {
			return false
		}
	}
	return len(s) > 0
}

// IsValue tells whether s may be the value of a line: it has no control character but
// tabs.
func IsValue[T text](s T) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// Has tells whether a token, in any case, is in a list of them that lines make together.
func Has(values []string, token string) bool {
	for _, value := range values {
		for one := range strings.SplitSeq(value, ",") {
			// Of the same length: to Unicode there are longer letters that are an s or a k, too.
			if one = strings.Trim(one, " \t"); len(one) == len(token) && strings.EqualFold(one, token) {
				return true
			}
		}
	}
	return false
}
