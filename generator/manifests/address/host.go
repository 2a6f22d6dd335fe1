// SPDX-License-Identifier: Apache-2.0

package address

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// maxHost is the length of a domain name (RFC 1035 §2.3.4), its last dot included.
const maxHost = 254

// host reads a host name or an IP address. False for everything that no
// resolver would be asked for: a name that begins with a digit and has no dot,
// one with characters of other languages, placeholders.
func host(text string) (Address, bool) {
	if text == "" || len(text) > maxHost {
		return Address{}, false
	}
	if inside, ok := strings.CutPrefix(text, "["); ok {
		inside, ok = strings.CutSuffix(inside, "]")
		a, err := netip.ParseAddr(inside)
		return Address{IP: a.Unmap().WithZone("")}, ok && err == nil && a.Is6()
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return Address{IP: a.Unmap().WithZone(""), Plain: true}, true
	}
	name := strings.TrimSuffix(text, ".")
	if strings.HasPrefix(name, "_") { // "_grpc._tcp.carts", the name of an SRV record (RFC 2782)
		if parts := strings.SplitN(name, ".", 3); len(parts) == 3 && strings.HasPrefix(parts[1], "_") {
			name = parts[2]
		}
	}
	low := strings.ToLower(name)
	for label := range strings.SplitSeq(low, ".") {
		if !isLabel(label) {
			return Address{}, false
		}
	}
	last := low[strings.LastIndexByte(low, '.')+1:]
	if strings.Trim(last, "0123456789") == "" || last == low && (last[0] < 'a' || last[0] > 'z') {
		return Address{}, false
	}
	return Address{Host: low, Plain: low == name}, true
}

// isLabel: letters, digits and hyphens; underscores occur in names of services
// that are looked up all the same (RFC 2782).
func isLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		c := label[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// lookups are how Thanos, Loki and Mimir say by which record an address is looked
// up (thanos.io/tip/thanos/service-discovery.md, "DNS Service Discovery").
var lookups = [...]string{"dns+", "dnssrv+", "dnssrvnoa+"}

// pair reads "host:port" or, when bare is true, "host". What follows a slash
// after a port is a path.
func pair(text string, bare bool) (Address, bool) {
	for _, way := range lookups {
		text = strings.TrimPrefix(text, way)
	}
	at := strings.LastIndexByte(text, ':')
	if slash := strings.IndexByte(text, '/'); slash >= 0 {
		if text = text[:slash]; !strings.Contains(text, ":") {
			return Address{}, false // a path or an image
		}
		at = strings.LastIndexByte(text, ':')
	}
	if at < 0 || strings.HasSuffix(text, "]") || strings.Count(text, ":") > 1 && !strings.HasPrefix(text, "[") {
		a, ok := host(text)
		return a, ok && (bare || a.IP.Is6() && bare)
	}
	port, ok := portOf(text[at+1:])
	if !ok {
		return Address{}, false
	}
	a, ok := host(text[:at])
	a.Port, a.Form = port, Pair
	return a, ok
}

func portOf(text string) (uint16, bool) {
	if text == "" || text[0] < '0' || text[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 16)
	return uint16(n), err == nil && n > 0
}

// endings are what file names end in that could be taken for top-level domains.
var endings = []string{
	"yaml", "yml", "json", "xml", "conf", "cfg", "ini", "toml", "properties", "txt", "log", "md", "html", "htm", "css", "js", "ts", "mjs", "py", "rb", "go",
	"java", "class", "jar", "war", "sh", "sql", "db", "sqlite", "pem", "crt", "key", "cert", "csv", "png", "jpg", "svg", "gz", "tar", "zip", "so", "bin", "exe",
	"tmpl", "tpl", "env", "lock", "sock", "pid", "php", "cs", "dll", "service", "lua",
}

// Public reports whether a name could be one of the public DNS: with a dot, and
// ending in letters that no file name ends in.
func Public(name string) bool {
	at := strings.LastIndexByte(name, '.')
	if at < 1 {
		return false
	}
	last := name[at+1:]
	if strings.HasPrefix(last, "xn--") {
		return true
	}
	return len(last) >= 2 && strings.Trim(last, "abcdefghijklmnopqrstuvwxyz") == "" && !slices.Contains(endings, last)
}
