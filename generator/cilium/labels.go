// SPDX-License-Identifier: Apache-2.0

package cilium

import "github.com/gatehouse-sh/gatehouse/generator/selector"

// IdentityLabels is selector.IdentityLabels, for those who render for Cilium
// anyway.
func IdentityLabels(config string) (func(key string) bool, error) {
	return selector.IdentityLabels(config)
}
