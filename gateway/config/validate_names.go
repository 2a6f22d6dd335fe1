// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strings"
)

// names checks that every element has a name of its own, and returns them.
func names[T any](v *validator, path string, list []T, name func(*T) string) map[string]bool {
	if len(list) == 0 {
		return nil
	}
	out := make(map[string]bool, len(list))
	for i := range list {
		n, at := name(&list[i]), func() string { return fmt.Sprintf("%s[%d].name", path, i) }
		switch {
		case n == "":
			v.fault(at(), "it is missing")
		case len(n) > maxName || !isName(n):
			v.fault(at(), "%.80q is no name: letters, digits, and _ . / - between them, %d at most", n, maxName)
		case out[n]:
			v.fault(at(), "%q is there twice", n)
		}
		out[n] = true
	}
	return out
}

// maxName is what three Kubernetes names of 253, two namespaces of 63 and some more need.
const maxName = 1000

// isName tells whether a name begins and ends with a letter or a digit, and has nothing but
// these and _ . / : - between them.
func isName(n string) bool {
	for i := range len(n) {
		c := n[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || i == len(n)-1 || strings.IndexByte("_./:-", c) < 0) {
			return false
		}
	}
	return n != ""
}
