// SPDX-License-Identifier: Apache-2.0

// Package expose knows the annotations by which a Service is published without an
// Ingress (docs/ingress.md): their names, and which one a typing mistake may mean. What
// they ask for is read by gateway/translate; admission asks here whether the gateway
// would refuse them.
package expose

import "slices"

// Prefix is how annotations of ours begin.
const Prefix = "gatehouse.sh/"

// The annotations of Services, behind Prefix.
const (
	Host          = "expose"         // HOST or HOST/PATH
	Class         = "class"          // an IngressClass of ours; none: the default one
	Port          = "port"           // by name or number; none: the only one, or http
	Auth          = "auth"           // who is let in; without it nothing is exposed
	RequireScopes = "require-scopes" // all of them, of tokens and keys
	RateLimit     = "rate-limit"     // 100/m;key=sub;burst=20
	TLS           = "tls"            // redirect, none, or the name of a Secret; none given: redirect
)

// Keys are all of them, behind Prefix, in the order in which they are tried.
func Keys() []string { return []string{Host, Class, Port, Auth, RequireScopes, RateLimit, TLS} }

// Known reports whether there is an annotation of a name, behind Prefix.
func Known(name string) bool { return slices.Contains(Keys(), name) }

// Elsewhere reports whether a name, behind Prefix, is one of ours that says nothing of what
// is published.
func Elsewhere(name string) bool {
	switch name {
	case "gateway", "managed", "keep-node-ports", "allow-from", "allow-to", "opt-out-reason", "because", "everything", "convert-report":
		return true
	}
	return false
}

// Meant returns the annotation that a name which is none may be a typing mistake of;
// false where none is near.
func Meant(name string) (string, bool) {
	for _, known := range Keys() {
		if Near(name, known) {
			return known, true
		}
	}
	return "", false
}

// Near reports whether a text is another one with at most two letters more, less or
// other: their distance (Levenshtein).
func Near(a, b string) bool {
	const most = 2
	if len(a) > len(b)+most || len(b) > len(a)+most {
		return false
	}
	row := make([]int, len(b)+1)
	for k := range row {
		row[k] = k
	}
	for i := range len(a) {
		above := row[0]
		row[0] = i + 1
		for k := range len(b) {
			changed := above
			if a[i] != b[k] {
				changed++
			}
			above = row[k+1]
			row[k+1] = min(changed, above+1, row[k]+1)
		}
	}
	return row[len(b)] <= most
}
