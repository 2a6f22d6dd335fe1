// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// has tells whether a certificate has one of the names. No names are never had.
func has(n *config.Names, c *x509.Certificate) bool {
	for _, name := range c.DNSNames {
		if slices.ContainsFunc(n.DNS, func(want string) bool { return sameHost(want, strings.ToLower(name)) }) {
			return true
		}
	}
	for _, u := range c.URIs {
		if slices.ContainsFunc(n.URIs, func(want string) bool { return sameURI(want, u.String()) }) {
			return true
		}
	}
	for _, address := range c.EmailAddresses {
		if slices.Contains(n.Emails, address) {
			return true
		}
	}
	return false
}

// sameHost compares a name with one that may begin with "*.", which stands for one
// label. A wildcard in a certificate is no name of anybody, and fits itself only.
func sameHost(want, name string) bool {
	suffix, wild := strings.CutPrefix(want, "*")
	if !wild {
		return want == name
	}
	label, found := strings.CutSuffix(name, suffix)
	return found && label != "" && !strings.ContainsAny(label, ".*")
}

// sameURI compares a URI with one that may end in "/*". What is below it must not
// climb out of it again: SPIFFE IDs have no dot segments, and others are refused.
func sameURI(want, uri string) bool {
	above, open := strings.CutSuffix(want, "*")
	if !open {
		return want == uri
	}
	below, found := strings.CutPrefix(uri, above)
	if !found || below == "" || strings.ContainsAny(below, "?#%\\") {
		return false
	}
	for segment := range strings.SplitSeq(below, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return true
}
