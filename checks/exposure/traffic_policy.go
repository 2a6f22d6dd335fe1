// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
)

// trafficPolicy flags settings that weaken what guards an exposed Service
// (EXP-012).
func trafficPolicy() checks.Check {
	return checks.Check{
		ID: "EXP-012", Name: "traffic-policy",
		Severity: checks.Low,
		Actions:  checks.Actions{Baseline: checks.Audit, Strict: checks.Warn},
		Kinds:    services,
		Doc: checks.Doc{
			Title: "Exposed Services keep client addresses and wait for readiness",
			Why: "With externalTrafficPolicy Cluster, the default, a node that forwards a connection to another node replaces the client's address by its own. " +
				"The source ranges of a load balancer may still be applied in front of that, but pods, their logs and NetworkPolicies see a node, and allow-lists kept there are met by everyone. " +
				"publishNotReadyAddresses sends traffic to pods that say they are not ready: before migrations, before credentials are loaded, during shutdown. " +
				"It is made for peers that must find each other, not for Services that outsiders reach. Whether a given load balancer keeps the address by other means cannot be seen.",
			Attack: "allow-lists behind the load balancer see a node's address instead of the client's, or half-started pods answer strangers",
			Fix:    "set spec.externalTrafficPolicy to Local, and spec.publishNotReadyAddresses to false; use a second, headless Service for peers",
			Exempt: "Load balancers that hand the client's address on themselves, for example by PROXY protocol.",
			Sources: []string{
				"https://kubernetes.io/docs/tasks/access-application-cluster/create-external-load-balancer/#preserving-the-client-source-ip",
				"https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/#ServiceSpec",
			},
		},
		Run: checks.On(func(svc *corev1.Service, in checks.Input) []checks.Finding {
			var out []checks.Finding
			if svc.Spec.ExternalTrafficPolicy != corev1.ServiceExternalTrafficPolicyLocal && isLoadBalancer(svc, in) {
				if ranges, from := loadbalancer.SourceRanges(svc); len(ranges) > 0 || from != "" {
					out = append(out, checks.Finding{
						Subject: "externalTrafficPolicy", Field: "spec.externalTrafficPolicy",
						Message: "limits its clients by address, but traffic policy Cluster hides that address from the pods",
					})
				}
			}
			if !svc.Spec.PublishNotReadyAddresses {
				return out
			}
			for _, w := range Ways(svc, in) {
				if w.Gateway {
					continue
				}
				out = append(out, checks.Finding{
					Subject: "publishNotReadyAddresses", Field: "spec.publishNotReadyAddresses",
					Message: "sends outside traffic to pods that are not ready",
					Path:    w.Path(),
				})
				break
			}
			return out
		}),
	}
}
