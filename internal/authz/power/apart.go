// SPDX-License-Identifier: Apache-2.0

package power

import rbacv1 "k8s.io/api/rbac/v1"

// combinedPowers are the powers that several permissions make together.
var combinedPowers = combinedMask()

func combinedMask() mask {
	var out mask
	for i := range table {
		if table[i].Combined() {
			out |= 1 << i
		}
	}
	return out
}

// Apart reports whether rules give no part of a combined power, and not
// everything: to add them to others, or to take them away, changes nothing about
// what Completes says of these. It is a quick look at resources; false proves
// nothing.
func Apart(rules []rbacv1.PolicyRule) bool { return possible(rules)&combinedPowers == 0 }
