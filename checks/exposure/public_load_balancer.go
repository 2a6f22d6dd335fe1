// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
)

// publicLoadBalancer flags load balancers that the internet reaches (EXP-002).
func publicLoadBalancer() checks.Check {
	return checks.Check{
		ID: "EXP-002", Name: "public-load-balancer",
		Severity: checks.Critical,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    services,
		Doc: checks.Doc{
			Title: "Services do not ask for public load balancers",
			Why: "A Service of type LoadBalancer gets an address of its own, and with most cloud controllers that address is public unless an annotation says otherwise. " +
				"Every controller has its own annotation and its own way of reading the value: what looks like \"internal\" may be ignored for its spelling. " +
				"Gatehouse reads the annotations as the controllers do, from a table of providers, and names the one that decided. " +
				"A load balancer of which nothing says that it is internal counts as public; the cluster's own defaults can be set in a CheckPolicy. " +
				"It cannot see firewalls, security groups or routing outside the cluster.",
			Attack: "anyone on the internet reaches the pods directly, past the gateway's TLS, authentication and rate limits",
			Fix:    closePublic,
			Exempt: "A protocol that the gateway cannot carry, on a Service whose pods authenticate every client themselves.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer",
				"https://kubernetes.io/docs/concepts/services-networking/service/#internal-load-balancer",
			},
		},
		Run: checks.On(func(svc *corev1.Service, in checks.Input) []checks.Finding {
			if !isLoadBalancer(svc, in) {
				return nil
			}
			v := classify(svc, in)
			is := "is public"
			switch v.Scheme {
			case loadbalancer.Internal:
				return nil
			case loadbalancer.Unknown:
				is = "counts as public"
			case loadbalancer.Public:
			}
			return []checks.Finding{{
				Subject: "type", Field: decidingField(v),
				Message: "asks for a load balancer that " + is + ": " + v.Evidence,
				Fix:     closePublic + internalHint(svc, v, in.Parameters.LoadBalancers),
				Path:    loadBalancerPath(v, in),
			}}
		}),
		Fix: checks.FixOn(func(svc *corev1.Service) {
			if svc.Spec.Type == corev1.ServiceTypeLoadBalancer {
				closeService(svc)
			}
		}),
	}
}

// closePublic is the change that suits every public load balancer.
const closePublic = "set spec.type to ClusterIP and route to the Service through the gateway"

// decidingField is the field that made a verdict: the annotation, or the type.
func decidingField(v loadbalancer.Verdict) string {
	if v.Annotation != "" {
		return annotationField(v.Annotation)
	}
	return "spec.type"
}
