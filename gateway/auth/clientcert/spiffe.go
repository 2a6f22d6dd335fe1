// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"net/url"
	"strings"
)

// maxID and maxDomain are SPIFFE-ID, section 2.3.
const (
	maxID     = 2048
	maxDomain = 255
)

// spiffe returns the trust domain and the text of a SPIFFE ID; "" if it is none
// (https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md).
func spiffe(u *url.URL) (domain, id string) {
	if u.Scheme != "spiffe" || u.User != nil || u.Opaque != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return "", ""
	}
	if !TrustDomain(u.Host) {
		return "", ""
	}
	id = "spiffe://" + u.Host + u.Path
	if len(id) > maxID || u.String() != id || u.Path == "/" {
		return "", ""
	}
	if u.Path != "" {
		for segment := range strings.SplitSeq(u.Path[1:], "/") {
			if segment == "" || segment == "." || segment == ".." || strings.ContainsFunc(segment, func(c rune) bool { return !plain(c) && (c < 'A' || c > 'Z') }) {
				return "", ""
			}
		}
	}
	return u.Host, id
}

// TrustDomain tells whether a text is the name of a trust domain.
func TrustDomain(s string) bool {
	return s != "" && len(s) <= maxDomain && !strings.ContainsFunc(s, func(c rune) bool { return !plain(c) })
}

func plain(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_'
}
