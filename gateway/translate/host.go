// SPDX-License-Identifier: Apache-2.0

package translate

import "strings"

// A host is a name, "?." and a name, which is one label more, "*." and a name, which is
// one or more, or "*", which is every one.

// covers tells whether every name that fits the second one fits the first.
func covers(wide, narrow string) bool {
	switch {
	case wide == "*":
		return true
	case narrow == "*":
		return false
	case strings.HasPrefix(narrow, "?."):
		return wide == narrow || strings.HasPrefix(wide, "*.") && covers(wide, "*"+narrow[1:])
	case strings.HasPrefix(wide, "?."):
		label, below, found := strings.Cut(narrow, ".")
		return found && label != "*" && below == wide[2:]
	case strings.HasPrefix(wide, "*."):
		return strings.HasSuffix(strings.TrimPrefix(narrow, "*"), wide[1:]) && (narrow == wide || len(strings.TrimPrefix(narrow, "*")) > len(wide)-1)
	}
	return wide == narrow
}

// common returns what fits both: the narrower one, or "" if there is none.
func common(a, b string) string {
	switch {
	case covers(a, b):
		return b
	case covers(b, a):
		return a
	}
	return ""
}

// owner returns the position of the most specific host that covers one; -1 if none does.
func owner(hosts []string, of string) int {
	found := -1
	for i, h := range hosts {
		if covers(h, of) && (found < 0 || covers(hosts[found], h)) {
			found = i
		}
	}
	return found
}
