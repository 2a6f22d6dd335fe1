// SPDX-License-Identifier: Apache-2.0

package netpol

import (
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/plan"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// Dialect is NetworkPolicy as plan.Make takes it.
func Dialect(o RenderOptions) plan.Dialect[*networkingv1.NetworkPolicy] {
	return plan.Dialect[*networkingv1.NetworkPolicy]{
		Render: func(_ *generator.Model, policies []compact.Policy) ([]*networkingv1.NetworkPolicy, []generator.Problem) {
			return Render(policies, o)
		},
		Read: func(_ *generator.Model, list []*networkingv1.NetworkPolicy) ([]verify.Policy, error) {
			return Read(list)
		},
	}
}
