// SPDX-License-Identifier: Apache-2.0

package request

import (
	"net/netip"
	"strings"
)

// MaxHost is the longest name of a host: RFC 1035, section 2.3.4, without dots at
// the ends.
const MaxHost = 253

// Host divides the authority of a request into its host, in lower case and
// without final dot, and its port. Names are letters, digits, "-" and "_" between
// dots; a name that only decodes to one is refused.
func Host(raw string) (host, port string, refusal *Refusal) {
	if strings.HasPrefix(raw, "[") {
		end := strings.IndexByte(raw, ']')
		if end < 0 {
			return "", "", refuse(BadHost)
		}
		a, err := netip.ParseAddr(raw[1:end])
		if err != nil || !a.Is6() || a.Zone() != "" {
			return "", "", refuse(BadHost)
		}
		host, port = "["+a.String()+"]", raw[end+1:]
		if port != "" && port[0] != ':' {
			return "", "", refuse(BadHost)
		}
		port = strings.TrimPrefix(port, ":")
	} else {
		host, port, _ = strings.Cut(raw, ":")
		host = strings.TrimSuffix(host, ".")
		if !name(host) {
			return "", "", refuse(BadHost)
		}
		host = strings.ToLower(host)
	}
	if !validPort(raw, port) {
		return "", "", refuse(BadHost)
	}
	return host, port, nil
}

func name(s string) bool {
	if s == "" || len(s) > MaxHost || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// validPort refuses the colon without a port as well: half of all servers keep it.
func validPort(raw, port string) bool {
	if port == "" {
		return !strings.HasSuffix(raw, ":")
	}
	n := 0
	for i := range len(port) {
		c := port[i]
		if c < '0' || c > '9' || i == 5 {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return n > 0 && n <= 65535 && port[0] != '0'
}
