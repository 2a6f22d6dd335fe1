// SPDX-License-Identifier: Apache-2.0

package exposure

import "github.com/gatehouse-sh/gatehouse/checks"

// serviceChecks lists EXP-001 to EXP-008, EXP-012 to EXP-014, EXP-048, EXP-049, EXP-052: a Service by itself.
func serviceChecks() []checks.Check {
	return []checks.Check{
		nodePort(),
		publicLoadBalancer(),
		internalLoadBalancer(),
		externalIPs(),
		pinnedAddress(),
		sourceRanges(),
		loadBalancerNodePorts(),
		externalName(),
		trafficPolicy(),
		publicDNS(),
		publishAnnotations(),
		exposureTransition(),
		typeConfusion(),
		exposeAnnotations(),
	}
}
