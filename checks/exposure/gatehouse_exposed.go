// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// ownNames are the names, by the label app.kubernetes.io/name, of the parts of
// Gatehouse that nobody outside has business with. The gateway is no such part.
var ownNames = []string{"gatehouse-webhook", "gatehouse-controller"}

// ownRegistration names the webhook configurations by which the API server calls
// Gatehouse. A test compares it with that of the registration.
const ownRegistration = "gatehouse"

// gatehouseExposed flags ways from outside to Gatehouse itself (SELF-005).
func gatehouseExposed() checks.Check {
	return checks.Check{
		ID: "SELF-005", Name: "gatehouse-exposed",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    append(routeKinds(), inventory.ServiceKind),
		Doc: checks.Doc{
			Title: "Nothing from outside reaches Gatehouse's own webhook and controller",
			Why: "The webhook is called by the API server and by nobody else; it does not ask who calls. Whoever reaches it from outside learns from its answers what is in the cluster, and can keep it so busy that it answers no one. The controller serves metrics that say which objects break which rules. " +
				"The rule fires for a Service that carries the label app.kubernetes.io/name of either, selects pods that do, or is called for the webhook configurations named gatehouse, when a way from outside leads to it, and for the Ingress or route that opens the way, from whichever namespace. The bundled gateway and internal load balancers count as well. " +
				"Admission never depends on Gatehouse in its own namespace. There a ValidatingAdmissionPolicy that comes with the manifests refuses Services, Ingresses and Gateway API routes that would open a way, whether Gatehouse runs or not, and the background scan reports what stands there. " +
				"Ways by a host name or by endpoints written by hand are those of EXP-008 and EXP-009.",
			Attack: "admission is slowed down until writes are refused, or accepted unjudged, and its answers tell what is in the cluster",
			Fix:    "keep Gatehouse's Services of type ClusterIP, out of Ingresses and routes, and scrape its metrics from inside",
			Exempt: "None: an API server outside the cluster calls the webhook by a URL of its own, which is no Service.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/cluster-administration/admission-webhooks-good-practices/",
				"https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#authenticate-apiservers",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			var out []checks.Finding
			for _, x := range exposedBy(in) {
				out = appendOwn(out, x, in)
			}
			return out
		},
	}
}

func appendOwn(out []checks.Finding, x exposed, in checks.Input) []checks.Finding {
	part := ownPart(x, in)
	subject := x.subject("gatehouse")
	if part == "" || slices.ContainsFunc(out, func(f checks.Finding) bool { return f.Subject == subject }) {
		return out
	}
	w := x.ways[0]
	f := checks.Finding{
		Certainty: w.certainty, Subject: subject, Field: x.field(),
		Message: "opens " + part + ", a part of Gatehouse, to " + whom(w) + through(w) + w.doubt(),
		Path:    x.path(w, part),
	}
	return append(out, f)
}

// ownPart names the part of Gatehouse that a Service leads to; empty when it
// leads to none.
func ownPart(x exposed, in checks.Input) string {
	if name := x.svc.Labels[checks.GatewayLabel]; slices.Contains(ownNames, name) {
		return name
	}
	for _, w := range Selected(x.svc, in) {
		if name := w.Labels[checks.GatewayLabel]; slices.Contains(ownNames, name) {
			return name
		}
	}
	for e := range in.Inventory.Referrers(x.svc.Namespace, x.svc.Name) {
		if e.Key.Name == ownRegistration && strings.HasPrefix(e.Key.Kind.Group, "admissionregistration.") {
			return ownNames[0]
		}
	}
	return ""
}
