// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
)

// internalLoadBalancer flags internal load balancers beside the gateway
// (EXP-003).
func internalLoadBalancer() checks.Check {
	return checks.Check{
		ID: "EXP-003", Name: "internal-load-balancer",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Warn, Strict: checks.Deny},
		Kinds:    services,
		Doc: checks.Doc{
			Title: "Internal load balancers do not bypass the gateway",
			Why: "An internal load balancer is reachable from the whole private network: other clusters, virtual machines, VPN users, peered networks. " +
				"That is far fewer people than the internet, but they pass none of the gateway's controls, and the annotation that makes the difference is one edit away from being removed. " +
				"The verdict rests on what the named controller reads; whether that controller runs in the cluster cannot be seen unless a CheckPolicy names the providers.",
			Attack: "whoever has a foothold in the private network reaches the pods past the gateway's authentication and rate limits",
			Fix:    "set spec.type to ClusterIP and route to the Service through the gateway",
			Exempt: "Traffic between systems of one network that must not pass a proxy, such as a database replica.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/service/#internal-load-balancer",
			},
		},
		Run: checks.On(func(svc *corev1.Service, in checks.Input) []checks.Finding {
			if !isLoadBalancer(svc, in) {
				return nil
			}
			v := classify(svc, in)
			if v.Scheme != loadbalancer.Internal {
				return nil
			}
			return []checks.Finding{{
				Subject: "type", Field: decidingField(v),
				Message: "asks for an internal load balancer beside the gateway: " + v.Evidence,
				Path:    loadBalancerPath(v, in),
			}}
		}),
	}
}
