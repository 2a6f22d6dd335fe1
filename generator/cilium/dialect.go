// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/plan"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// Dialect is CiliumNetworkPolicy as plan.Make takes it. The plan is to select by
// labels that policies see: IdentityLabels, for compact.Options.
func Dialect(o RenderOptions) plan.Dialect[*Policy] {
	return plan.Dialect[*Policy]{
		Render: func(m *generator.Model, policies []compact.Policy) ([]*Policy, []generator.Problem) {
			return Render(m, policies, o)
		},
		Read: func(m *generator.Model, list []*Policy) ([]verify.Policy, error) {
			return Read(list, &m.Environment, o.Gateway)
		},
		Requests: o.Enforcement == Enforce,
	}
}
