// SPDX-License-Identifier: Apache-2.0

package exposure

import "github.com/gatehouse-sh/gatehouse/checks"

// podChecks lists EXP-040 to EXP-042 and EXP-044: pods and pod templates.
func podChecks() []checks.Check {
	return []checks.Check{hostPort(), hostNetwork(), probeHost(), meshBypass()}
}
