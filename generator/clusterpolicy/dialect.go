// SPDX-License-Identifier: Apache-2.0

package clusterpolicy

import (
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/plan"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// Dialect is ClusterNetworkPolicy as plan.Make takes it. Its blocks hold pods, so
// that the environment has to say in which ranges these are.
func Dialect(o RenderOptions) plan.Dialect[*policyv1alpha2.ClusterNetworkPolicy] {
	return plan.Dialect[*policyv1alpha2.ClusterNetworkPolicy]{
		Render: func(m *generator.Model, policies []compact.Policy) ([]*policyv1alpha2.ClusterNetworkPolicy, []generator.Problem) {
			return Render(m, policies, o)
		},
		Read: func(_ *generator.Model, list []*policyv1alpha2.ClusterNetworkPolicy) ([]verify.Policy, error) {
			return Read(list)
		},
	}
}
