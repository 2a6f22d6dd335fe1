// SPDX-License-Identifier: Apache-2.0

package exposure

import "strings"

// valueKind says what a value that ends up in NGINX configuration may hold.
type valueKind uint8

const (
	plainValue valueKind = iota // names, addresses, patterns
	urlValue                    // may hold a URL with a fragment
	pathOfRule                  // spec.rules[].http.paths[].path
)

// injection says how a value would leave its place in an NGINX configuration
// and become configuration of its own; empty when it would not. It allocates
// nothing.
//
// NGINX ends a token at white space, a semicolon or a brace, starts a comment at
// "#" and a quoted token at a quote; a directive cannot begin without one of
// them. Two uses of braces are harmless and common: a variable, ${name}, and the
// count of a pattern, [a-z]{2,3}.
// https://nginx.org/en/docs/beginners_guide.html#conf_structure
func injection(value string, kind valueKind) string {
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '\n' || c == '\r':
			return "a line break"
		case c < ' ' && c != '\t' || c == 0x7f:
			return "a control character"
		case c == ';':
			return "a semicolon, which ends a directive"
		case c == '#':
			if kind != urlValue || !fragmentAt(value, i) {
				return "a number sign, which begins a comment"
			}
		case c == '"' || c == '\'' && kind != pathOfRule || c == '`' && kind != pathOfRule:
			return "a quote, which ends a quoted value"
		case c == '{':
			end := braceEnd(value, i)
			if end == 0 {
				return "a brace, which begins a block"
			}
			i = end
		case c == '}':
			return "a brace, which ends a block"
		}
	}
	return directive(value, kind)
}

// fragmentAt reports whether the "#" at i can be the fragment of a URL: it
// stands right behind other characters of it.
func fragmentAt(value string, i int) bool {
	return i > 0 && value[i-1] > ' ' && strings.IndexByte(value[:i], '#') < 0 && strings.Contains(value[:i], "/")
}

// braceEnd returns the index of the brace that closes a variable or a count
// that opens at i, or 0.
func braceEnd(value string, i int) int {
	variable := i > 0 && value[i-1] == '$'
	for j := i + 1; j < len(value); j++ {
		c := value[j]
		digit := c >= '0' && c <= '9'
		switch {
		case c == '}':
			if j > i+1 && (variable || i > 0) {
				return j
			}
			return 0
		case digit, !variable && c == ',' && j > i+1:
		case variable && wordByte(c):
		default:
			return 0
		}
	}
	return 0
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// directives read files, load code or send requests elsewhere. As words they
// are harmless in a host name or a path, so they count only where a directive
// could stand: at the start or behind white space, with an argument.
var directives = [...]string{"root", "alias", "include", "load_module", "ssl_engine", "proxy_pass", "error_log", "access_log"}

// directive returns what a value says that only configuration says.
func directive(value string, kind valueKind) string {
	for i := 0; i < len(value); i++ {
		if value[i] == '_' && foldPrefix(value[i:], "_by_lua") {
			return "the name of a Lua directive"
		}
		if i == 0 || blank(value[i-1]) {
			if name := directiveAt(value[i:]); name != "" {
				return name
			}
		}
		if kind == pathOfRule && beginsSegment(value, i) {
			if file := protectedFile(value[i:]); file != "" {
				return file
			}
		}
	}
	return ""
}

// beginsSegment reports whether a slash is the first of a run, in which "/./"
// counts as a slash too: what follows the others follows it.
func beginsSegment(value string, i int) bool {
	return value[i] == '/' && (i == 0 || value[i-1] != '/' && (i == 1 || value[i-1] != '.' || value[i-2] != '/'))
}

// directiveAt names the directive that a text begins with.
func directiveAt(text string) string {
	if foldPrefix(text, "lua_") {
		return "the name of a Lua directive"
	}
	for _, d := range directives {
		if foldPrefix(text, d) && len(text) > len(d) && blank(text[len(d)]) {
			return "the directive " + d
		}
	}
	return ""
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// foldPrefix is strings.HasPrefix for a lower-case prefix, whatever the case of
// the text.
func foldPrefix(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}

// protectedFiles are where the controller's own credentials and configuration
// lie. CVE-2021-25745 read the first through a path.
// https://github.com/kubernetes/ingress-nginx/issues/8502
var protectedFiles = [...]struct{ path, message string }{
	{"/var/run/secrets", "a way into the folder of ServiceAccount tokens"},
	{"/run/secrets", "a way into the folder of ServiceAccount tokens"},
	{"/secrets/kubernetes.io/serviceaccount", "a way into the folder of ServiceAccount tokens"},
	{"/kubernetes.io/serviceaccount", "a way into the folder of ServiceAccount tokens"},
	{"/etc", "a way into the folder /etc"},
}

// protectedFile says which of these a path leads into; repeated slashes count
// as one.
func protectedFile(path string) string {
	for i := range protectedFiles {
		if intoFolder(path, protectedFiles[i].path) {
			return protectedFiles[i].message
		}
	}
	return ""
}

// intoFolder reports whether a path is a folder or lies in it, not minding
// repeated slashes, "." segments and case.
func intoFolder(path, folder string) bool {
	i := 0
	for j := 0; j < len(folder); j++ {
		if i >= len(path) || path[i]|0x20 != folder[j]|0x20 {
			return false
		}
		i++
		if folder[j] != '/' {
			continue
		}
		for i < len(path) && (path[i] == '/' || path[i] == '.' && i+1 < len(path) && path[i+1] == '/') {
			i++
		}
	}
	return i == len(path) || path[i] == '/' || !wordByte(path[i]) && path[i] != '-' && path[i] != '.'
}
