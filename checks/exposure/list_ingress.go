// SPDX-License-Identifier: Apache-2.0

package exposure

import "github.com/gatehouse-sh/gatehouse/checks"

// ingressChecks lists EXP-020 to EXP-029: Ingresses.
func ingressChecks() []checks.Check {
	return []checks.Check{}
}
