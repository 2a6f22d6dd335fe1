// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// slug makes a part of a name of what may hold dots and stars.
func slug(s string) string {
	s = strings.ReplaceAll(strings.ToLower(s), "*", "any")
	out := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, s)
	return strings.Trim(out, "-")
}

// short keeps a name within 253 characters, and apart from others.
func short(s string) string {
	if len(s) <= 253 {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return strings.TrimRight(s[:240], "-.") + "-" + hex.EncodeToString(sum[:6])
}

// name takes a name for an object.
func (c *conversion) name(kind, namespace, wanted string) string {
	name := short(wanted)
	for n := 2; c.names[key(kind, namespace, name)]; n++ {
		name = short(fmt.Sprintf("%s-%d", wanted, n))
	}
	c.names[key(kind, namespace, name)] = true
	return name
}

func appendOnce[T comparable](list []T, one T) []T {
	if slices.Contains(list, one) {
		return list
	}
	return append(list, one)
}
