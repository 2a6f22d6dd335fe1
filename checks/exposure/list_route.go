// SPDX-License-Identifier: Apache-2.0

package exposure

import "github.com/gatehouse-sh/gatehouse/checks"

// routeChecks lists EXP-030 to EXP-035, EXP-047, EXP-050 and EXP-051: routes, Gateways and policies.
func routeChecks() []checks.Check {
	return []checks.Check{
		routeOutsideGateway(), tenantGateway(), broadReferenceGrant(), gatewayInfrastructure(), listenerSet(), otherRouteKind(),
		crossNamespaceBackend(), noAccessPolicy(), weakenedPolicy(),
	}
}
