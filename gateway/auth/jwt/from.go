// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"net/http"
	"strings"
)

// find returns the token of a request, or a reason why there is none. It does not
// allocate.
func (f *From) find(h http.Header) (token string, reason string) {
	if f.Cookie != "" {
		return cookie(h["Cookie"], f.Cookie)
	}
	lines := h[f.Header]
	switch len(lines) {
	case 0:
		return "", NoToken
	case 1:
	default: // of two, the backend may take the other one
		return "", Several
	}
	value := lines[0]
	if f.Scheme != "" {
		scheme, rest, _ := strings.Cut(value, " ")
		if !strings.EqualFold(scheme, f.Scheme) {
			return "", NoToken // another authenticator's
		}
		value = strings.TrimLeft(rest, " ") // RFC 9110, section 11.4: one space or more
	}
	if value == "" {
		return "", Malformed
	}
	return value, ""
}

// cookie returns the value of the one cookie of a name.
func cookie(lines []string, name string) (value, reason string) {
	found := false
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			n, v, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
			if n != name {
				continue
			}
			if found {
				return "", Several
			}
			found, value = true, v
		}
	}
	switch {
	case !found:
		return "", NoToken
	case value == "":
		return "", Malformed
	}
	return value, ""
}
