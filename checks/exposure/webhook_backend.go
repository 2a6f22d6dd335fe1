// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"slices"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// webhookBackend flags ways from outside to what the API server calls (EXP-017).
func webhookBackend() checks.Check {
	return checks.Check{
		ID: "EXP-017", Name: "webhook-backend-exposed",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    append(routeKinds(), inventory.ServiceKind),
		Doc: checks.Doc{
			Title: "What the API server calls is reachable by the API server only",
			Why: "Admission webhooks, conversion webhooks and aggregated API servers are written for one caller, and many do not check who calls. " +
				"What they are sent they parse, and often act on with wide rights: in 2025 a request to the admission port of ingress-nginx was enough to run code in it and to read every Secret of the cluster (CVE-2025-1974). " +
				"The rule fires for a Service that a ValidatingWebhookConfiguration, a MutatingWebhookConfiguration, a CustomResourceDefinition or an APIService names, when a way from outside leads to it, and for the Ingress or route that opens the way. " +
				"A way through the bundled gateway or over an internal load balancer is reported one step milder, for no policy of the gateway makes an outsider into the API server. " +
				"A configuration that comes to name a Service that is exposed already is found by the background scan on that Service, because the API server shows webhook configurations to no webhook. One that names a URL instead of a Service cannot be followed.",
			Attack: "forged reviews reach a component that trusts its caller and often holds cluster-wide rights",
			Fix:    "keep the Service of type ClusterIP, out of Ingresses and routes, and serve anything public from another Service and port",
			Exempt: "An aggregated API server that is meant to be called directly and authenticates its clients itself.",
			Sources: []string{
				"https://github.com/kubernetes/kubernetes/issues/131009",
				"https://kubernetes.io/docs/concepts/cluster-administration/admission-webhooks-good-practices/",
				"https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			var out []checks.Finding
			for _, x := range exposedBy(in) {
				out = appendWebhookFinding(out, x, in)
			}
			return out
		},
	}
}

func appendWebhookFinding(out []checks.Finding, x exposed, in checks.Input) []checks.Finding {
	var caller *inventory.Entry
	for e := range in.Inventory.Referrers(x.svc.Namespace, x.svc.Name) {
		if callsBack(e) {
			caller = e
			break
		}
	}
	if caller == nil {
		return out
	}
	subject := x.subject("webhook")
	if slices.ContainsFunc(out, func(f checks.Finding) bool { return f.Subject == subject }) {
		return out
	}
	w := x.ways[0]
	f := checks.Finding{
		Severity: w.severity(checks.High), Certainty: w.certainty, Subject: subject, Field: x.field(),
		Message: "is open to " + whom(w) + through(w) + ", but only the API server should call it (" + caller.Key.String() + ")" + w.doubt(),
		Path:    x.path(w, "called by the API server for "+caller.Key.String()),
	}
	if x.ref.Name != "" {
		f.Message = "opens " + serviceName(x.svc) + " to " + whom(w) + through(w) + ", but only the API server should call it (" + caller.Key.String() + ")" + w.doubt()
	}
	return append(out, f)
}

// callsBack reports whether a referrer makes the API server call the Service.
func callsBack(e *inventory.Entry) bool {
	switch e.Key.Kind.Group {
	case "admissionregistration.k8s.io", "apiregistration.k8s.io", "apiextensions.k8s.io":
		return true
	}
	return false
}

// through says that a way passes the bundled gateway.
func through(w Way) string {
	if w.Gateway {
		return " through the gateway"
	}
	return ""
}
