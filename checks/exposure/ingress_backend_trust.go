// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// ingressBackendTrust flags published backends whose pods Kubernetes does not
// choose (EXP-029).
func ingressBackendTrust() checks.Check {
	return checks.Check{
		ID: "EXP-029", Name: "ingress-backend-trust",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Warn, Strict: checks.Deny},
		Kinds:    slices.Concat([]schema.GroupKind{inventory.IngressKind, inventory.ServiceKind}, gatewayRoutes),
		Doc: checks.Doc{
			Title: "Published backends are Services with a selector",
			Why: "A Service with a selector sends requests to pods of its own namespace. A Service of type ExternalName sends them to whatever a DNS name means at that moment, and one without selector to addresses that somebody wrote by hand: " +
				"other namespaces, nodes, the cloud's metadata service. An Ingress or route in front of it makes the controller fetch from there, with the controller's network position. " +
				"A resource backend of an Ingress is interpreted by its controller alone. " +
				"The check reports the Ingress or route, and the Service when it comes last. It applies behind the bundled gateway as well. " +
				"A Service that is not known here is reported as undetermined. What the addresses are is judged by EXP-008 and EXP-009; backends of routes that are not Services are not judged.",
			Attack: "makes the ingress controller reach addresses that outsiders cannot reach, and relay the answers",
			Fix:    "point the backend at a Service with a selector in the same namespace",
			Exempt: "An application outside the cluster that is published through it on purpose.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/service/#externalname",
				"https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors",
				"https://kubernetes.io/docs/concepts/services-networking/ingress/#resource-backend",
				"https://github.com/kubernetes/kubernetes/issues/103675",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			if svc, isService := in.Object.(*corev1.Service); isService {
				return publishedService(svc, in)
			}
			if !facesOut(in.Object) {
				return nil
			}
			var out []checks.Finding
			if ing, isIngress := in.Object.(*networkingv1.Ingress); isIngress {
				if !oddBackend(ing, in) {
					return nil
				}
				out = resourceBackends(ing, in)
			}
			return append(out, backendServices(in)...)
		},
	}
}

// untrusted says how a Service chooses where requests go, empty when by a
// selector.
func untrusted(svc *corev1.Service) string {
	switch {
	case svc.Spec.Type == corev1.ServiceTypeExternalName:
		return "is an alias of " + shown(svc.Spec.ExternalName, canonicalHost(svc.Spec.ExternalName))
	case len(svc.Spec.Selector) == 0:
		return "has no selector, so that its addresses are written by hand"
	}
	return ""
}

// oddBackend reports whether an Ingress has a backend that is worth a finding,
// without the cost of naming it.
func oddBackend(ing *networkingv1.Ingress, in checks.Input) bool {
	odd := func(b *networkingv1.IngressBackend) bool {
		if b.Service == nil {
			return b.Resource != nil
		}
		svc := in.Inventory.Service(ing.Namespace, b.Service.Name)
		return svc == nil || untrusted(svc) != ""
	}
	if b := ing.Spec.DefaultBackend; b != nil && odd(b) {
		return true
	}
	for i := range ing.Spec.Rules {
		http := ing.Spec.Rules[i].HTTP
		if http == nil {
			continue
		}
		for j := range http.Paths {
			if odd(&http.Paths[j].Backend) {
				return true
			}
		}
	}
	return false
}

// publishedService judges the Service that completes the chain.
func publishedService(svc *corev1.Service, in checks.Input) []checks.Finding {
	how := untrusted(svc)
	if how == "" || in.Parameters.Gateway.OwnsService(svc) {
		return nil
	}
	for e := range in.Inventory.Referrers(svc.Namespace, svc.Name) {
		if e.Key.Kind != inventory.IngressKind && !slices.Contains(gatewayRoutes, e.Key.Kind) || !facesOut(e.Object) {
			continue
		}
		field := "spec.selector"
		if svc.Spec.Type == corev1.ServiceTypeExternalName {
			field = "spec.externalName"
		}
		return []checks.Finding{{
			Subject: "selector", Field: field,
			Message: how + ", and " + e.Key.String() + " publishes it",
			Path:    []string{"internet", e.Key.String(), inputName(in)},
		}}
	}
	return nil
}

func backendServices(in checks.Input) []checks.Finding {
	refs := inventory.Backends(in.Object)
	var out []checks.Finding
	for i, ref := range refs {
		if slices.ContainsFunc(refs[:i], func(r inventory.ServiceRef) bool { return r.Namespace == ref.Namespace && r.Name == ref.Name }) {
			continue
		}
		svc := in.Inventory.Service(ref.Namespace, ref.Name)
		if svc == nil {
			out = append(out, checks.Finding{
				Certainty: checks.Undetermined, Subject: "backend/" + ref.Namespace + "/" + ref.Name, Field: ref.Field,
				Message: "sends requests to Service " + ref.Namespace + "/" + ref.Name + ", which is not known here",
			})
			continue
		}
		if how := untrusted(svc); how != "" {
			name := inventory.Key{Kind: inventory.ServiceKind, Namespace: ref.Namespace, Name: ref.Name}.String()
			out = append(out, checks.Finding{
				Subject: "backend/" + ref.Namespace + "/" + ref.Name, Field: ref.Field,
				Message: "sends requests to " + name + ", which " + how,
				Path:    []string{"internet", inputName(in), name},
			})
		}
	}
	return out
}

func resourceBackends(ing *networkingv1.Ingress, in checks.Input) []checks.Finding {
	var out []checks.Finding
	add := func(b *networkingv1.IngressBackend, field string) {
		name := b.Resource.Kind + "/" + b.Resource.Name
		if slices.ContainsFunc(out, func(f checks.Finding) bool { return f.Subject == "backend/"+name }) {
			return
		}
		out = append(out, checks.Finding{
			Subject: "backend/" + name, Field: field + ".resource",
			Message: "sends requests to the resource " + name + ", which only the controller can interpret",
			Path:    []string{"internet", inputName(in), name},
		})
	}
	if b := ing.Spec.DefaultBackend; b != nil && b.Resource != nil {
		add(b, "spec.defaultBackend")
	}
	for i := range ing.Spec.Rules {
		http := ing.Spec.Rules[i].HTTP
		if http == nil {
			continue
		}
		for j := range http.Paths {
			if b := &http.Paths[j].Backend; b.Resource != nil {
				add(b, fmt.Sprintf("spec.rules[%d].http.paths[%d].backend", i, j))
			}
		}
	}
	return out
}
