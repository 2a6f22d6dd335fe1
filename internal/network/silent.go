// SPDX-License-Identifier: Apache-2.0

package network

import (
	"github.com/gatehouse-sh/gatehouse/generator"
)

// silent warns of the Services of a namespace that nobody is known to use.
func (c *Cluster) silent(namespace string, m *generator.Model) []generator.Problem {
	var own []generator.Peer
	for _, service := range c.declared.Unreached {
		if service.Namespace == namespace {
			own = append(own, service)
		}
	}
	silent := m.Silent(c.inv, own)
	out := make([]generator.Problem, 0, len(silent))
	for _, service := range silent {
		out = append(out, generator.Problem{Edge: generator.Edge{To: service}, What: "nobody is known to connect to it, and what does would be refused: watch the flows, or say who does by spec.allow, before the plan is applied"})
	}
	return out
}
