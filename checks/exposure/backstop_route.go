// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
)

// routeBackstops are those of the checks that look at a Gateway API route. Most
// of them depend on the Gateway that the route attaches to.
func routeBackstops() map[string]checks.Backstop {
	return map[string]checks.Backstop{
		"EXP-030": partly(one(parentFaults), "parents that are Gateways or ListenerSets"),
	}
}

// parentFaults is judgeParents for parents of kinds that lead elsewhere whatever
// they are.
func parentFaults(*checks.Parameters) string {
	const (
		group = `r.?group.orValue("gateway.networking.k8s.io")`
		kind  = `r.?kind.orValue("Gateway")`
	)
	subject := `"parent/" + ` + kind + ` + "/" + r.?namespace.orValue(` + namespaceOf + `) + "/" + r.name`
	known := cel.Any(
		group+` == "" && `+kind+` == "Service"`,
		group+` == "gateway.networking.k8s.io" && `+kind+` in ["Gateway", "ListenerSet"]`,
		group+` == "gateway.networking.x-k8s.io" && `+kind+` == "XListenerSet"`)
	return "self.spec.?parentRefs.orValue([]).filter(r, " + cel.Not(known) + ").map(r, " + subject + ")"
}
