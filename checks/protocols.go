// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"maps"
	"slices"
)

// SensitiveProtocols returns the words that SensitiveProtocol knows, in order.
func SensitiveProtocols() []string { return slices.Sorted(maps.Keys(sensitiveProtocols)) }
