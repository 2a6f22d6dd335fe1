// SPDX-License-Identifier: Apache-2.0

package exposure

import "github.com/gatehouse-sh/gatehouse/checks"

// backendChecks lists EXP-009 to EXP-011, EXP-015 to EXP-019, EXP-046, SELF-005: what stands behind a Service.
func backendChecks() []checks.Check {
	return []checks.Check{
		manualEndpoints(), endpointSliceHijack(), statusHijack(), sensitivePort(), internalWorkloadExposed(), webhookBackend(),
		broadSelector(), namedPortConfusion(), noDefaultDeny(), gatehouseExposed(),
	}
}
