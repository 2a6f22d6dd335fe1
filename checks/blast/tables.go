// SPDX-License-Identifier: Apache-2.0

package blast

import "slices"

// IdentityAnnotations returns the annotations that Identities reads, in order. The
// slice is the caller's.
func IdentityAnnotations() []string {
	out := make([]string, 0, len(identities))
	for _, i := range identities {
		out = append(out, i.annotation)
	}
	return out
}

// NodePaths returns the paths of a node that give it away: those that do so when
// they can only be read, and those that must be written to. The slices are the
// caller's.
func NodePaths() (read, write []string) {
	return slices.Clone(readable), slices.Clone(writable)
}

// TokenNames returns the pattern of the names that TokenOwner reads.
func TokenNames() string { return tokenNames.String() }
