// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// defaultBackend flags Ingresses with a backend for whatever no rule matches
// (EXP-022).
func defaultBackend() checks.Check {
	return checks.Check{
		ID: "EXP-022", Name: "default-backend",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Warn, Strict: checks.Deny},
		Kinds:    ingresses,
		Doc: checks.Doc{
			Title: "Ingresses have no default backend",
			Why: "spec.defaultBackend receives every request that no rule matches: other host names, bare IP addresses, paths nobody thought of. " +
				"In an Ingress without rules it receives everything. With most controllers it answers for the whole load balancer, also for hosts of other teams that match nothing. " +
				"What a controller does with several default backends is its own affair. " +
				"The check applies to Ingresses of the bundled gateway as well, and does not look at what the backend answers.",
			Attack: "reaches the backend with any host name and any path, and may receive requests meant for other teams",
			Fix:    "replace spec.defaultBackend by rules with the hosts and paths that are meant",
			Exempt: "The one catch-all page of a load balancer that the platform team owns.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/ingress/#default-backend",
			},
		},
		Run: checks.On(func(ing *networkingv1.Ingress, in checks.Input) []checks.Finding {
			b := ing.Spec.DefaultBackend
			if b == nil {
				return nil
			}
			to, f := "a resource", checks.Finding{Subject: "defaultBackend", Field: "spec.defaultBackend"}
			switch {
			case b.Service != nil:
				to = "Service " + ing.Namespace + "/" + b.Service.Name
			case b.Resource != nil:
				to = b.Resource.Kind + " " + ing.Namespace + "/" + b.Resource.Name
			}
			f.Message = "sends every request that no rule matches to " + to
			if len(ing.Spec.Rules) == 0 {
				f.Message = "has no rules and sends every request to " + to
			}
			f.Path = []string{"internet", inputName(in) + " (default backend)", to}
			return []checks.Finding{f}
		}),
	}
}
