// SPDX-License-Identifier: Apache-2.0

package address

import "strings"

// The characters that end an authority, and those that end a URL in a text.
const (
	afterAuthority = "/?#\"'`<>;){}\\| \t\r\n"
	afterURL       = "\"'`<>;,){}| \t\r\n"
)

// urls reads every URL in a text and reports whether there was one. Of an
// authority only the hosts and the ports are taken: "mongodb://u:p@a:1,b:2/db" has
// two. A URL is left out whose password may hold a slash that was not escaped,
// because a part of it would be taken for the host; paths on the web may have an
// "@" in them, but not when strict.
func (f *finder) urls(text string, strict bool) bool {
	some := false
	for !f.full() {
		at := strings.Index(text, "://")
		if at < 0 {
			return some
		}
		name := schemeBefore(text[:at])
		rest := text[at+3:]
		if name == "" {
			text = rest
			continue
		}
		some = true
		end := authorityEnd(rest)
		authority, after := rest[:end], rest[end:]
		var next string
		// "http://a:1,http://b:2": the last part is the scheme of the next URL.
		if head, last, ok := cutLast(authority, ','); ok && strings.HasPrefix(after, "//") && strings.HasSuffix(last, ":") {
			authority, after, next = head, "", rest[end-len(last):]
		} else if stop := strings.IndexAny(after, afterURL); stop >= 0 {
			after, next = after[:stop], after[stop:]
		}
		_, named, user := cutLast(authority, '@')
		if !user {
			named = authority
		}
		s, known := schemeOf(name)
		split := !user && strings.Contains(after, "@") && (strict || s.port != 80 && s.port != 443)
		switch {
		case s.none, split:
		case named == "" && resolvers[strings.ToLower(name)]:
			f.authority(strings.TrimPrefix(after, "/"), scheme{}, false)
		default:
			f.authority(named, s, known)
		}
		text = next
	}
	return some
}

// resolvers are the schemes by which gRPC names the way to resolve a target, which
// stands in the path: "dns:///carts:80" (grpc.github.io/grpc/core/md_doc_naming.html).
var resolvers = map[string]bool{"dns": true, "passthrough": true, "ipv4": true, "ipv6": true}

// authorityEnd returns where an authority ends. A reference to a variable, which
// may stand for a password, does not end it: "app:$(PASSWORD)@db", "app:${PASSWORD}@db".
func authorityEnd(text string) int {
	end := 0
	for {
		next := strings.IndexAny(text[end:], afterAuthority)
		if next < 0 {
			return len(text)
		}
		end += next
		c := text[end]
		if c == '{' && end > 0 && text[end-1] == '$' {
			end++
			continue
		}
		if c != ')' && c != '}' {
			return end
		}
		open := map[byte]string{')': "$(", '}': "${"}[c]
		if at := strings.LastIndex(text[:end], open); at < 0 || end-at > maxKey {
			return end
		}
		end++
	}
}

func cutLast(text string, sep byte) (before, after string, found bool) {
	if at := strings.LastIndexByte(text, sep); at >= 0 {
		return text[:at], text[at+1:], true
	}
	return text, "", false
}

// schemeBefore returns the scheme that ends a text; "" for none.
func schemeBefore(text string) string {
	from := len(text)
	for from > 0 && len(text)-from < 40 {
		c := text[from-1]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '+' && c != '-' && c != '.' && c != '_' {
			break
		}
		from--
	}
	return strings.TrimLeft(text[from:], "0123456789+-._")
}

// authority reads the hosts of a URL. A port that is no number makes the part no
// address: it may be half of a password.
func (f *finder) authority(text string, s scheme, known bool) {
	for part := range strings.SplitSeq(text, ",") {
		if f.full() {
			return
		}
		if !strings.HasPrefix(part, "[") {
			part = strings.TrimSuffix(part, "]")
		}
		part = strings.TrimSuffix(part, ":")
		part = strings.TrimPrefix(part, "tcp(") // a MySQL data source behind a scheme
		a, ok := pair(part, true)
		if !ok && known {
			if a, ok = wrongPort(part); !ok {
				a, ok = Address{NoHost: true}, wrongHost(part)
			}
		}
		if !ok || !known && a.Port == 0 && a.IP.IsValid() {
			continue
		}
		a.Form, a.UDP, a.Records = URL, s.udp, s.records
		if a.Port == 0 && !a.Wrong && !a.NoHost {
			a.Implied = s.port
		}
		f.add(a)
	}
}

// wrongPort reads a host with a number that is no port: 0, or beyond 65535.
func wrongPort(text string) (Address, bool) {
	text, _, _ = strings.Cut(text, "/")
	at := strings.LastIndexByte(text, ':')
	if at < 0 || at+1 == len(text) || strings.Trim(text[at+1:], "0123456789") != "" {
		return Address{}, false
	}
	a, ok := host(text[:at])
	a.Wrong = true
	return a, ok
}

// wrongHost reports whether a host is written as an IP address and is none: numbers and
// dots, "300.1.1.1", or colons in brackets.
func wrongHost(text string) bool {
	text, _, _ = strings.Cut(text, "/")
	if inside, after, ok := strings.Cut(strings.TrimPrefix(text, "["), "]"); ok && text[0] == '[' {
		return strings.Contains(inside, ":") && strings.Trim(after, ":0123456789") == ""
	}
	name, port, _ := strings.Cut(text, ":")
	return strings.Contains(name, ".") && strings.Trim(name, ".0123456789") == "" && strings.Trim(port, "0123456789") == ""
}
