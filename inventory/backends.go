// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"fmt"
	"strconv"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Host is a host name that an object claims, and where it says so. An empty
// name claims every host.
type Host struct {
	Name  string
	Field string
}

// Backends returns the Services that an object sends traffic to: those of an
// Ingress, of a Gateway API route, of a known vendor route, the one that a Service
// of type ExternalName may be another name of (Aliases), and those that the API
// server calls because of a webhook configuration, a conversion webhook or an
// APIService. TraefikServices are not among them (Relays).
func Backends(o Object) []ServiceRef {
	switch r := o.(type) {
	case *networkingv1.Ingress:
		return ingressBackends(r)
	case *corev1.Service:
		return aliasBackends(r)
	case *admissionregistrationv1.ValidatingWebhookConfiguration:
		var out []ServiceRef
		for i := range r.Webhooks {
			out = appendClient(out, r.Webhooks[i].ClientConfig, fmt.Sprintf("webhooks[%d].clientConfig.service", i))
		}
		return out
	case *admissionregistrationv1.MutatingWebhookConfiguration:
		var out []ServiceRef
		for i := range r.Webhooks {
			out = appendClient(out, r.Webhooks[i].ClientConfig, fmt.Sprintf("webhooks[%d].clientConfig.service", i))
		}
		return out
	case *apiextensionsv1.CustomResourceDefinition:
		if c := r.Spec.Conversion; c != nil && c.Webhook != nil && c.Webhook.ClientConfig != nil && c.Webhook.ClientConfig.Service != nil {
			s := c.Webhook.ClientConfig.Service
			return []ServiceRef{{s.Namespace, s.Name, port32(s.Port), "spec.conversion.webhook.clientConfig.service"}}
		}
		return nil
	case *unstructured.Unstructured:
		return customBackends(r)
	}
	var out []ServiceRef
	for _, b := range routeBackends(o) {
		if b.ref.Kind != nil && *b.ref.Kind != "Service" || b.ref.Group != nil && *b.ref.Group != "" {
			continue
		}
		ref := ServiceRef{Namespace: o.GetNamespace(), Name: string(b.ref.Name), Field: b.field}
		if b.ref.Namespace != nil {
			ref.Namespace = string(*b.ref.Namespace)
		}
		if b.ref.Port != nil {
			ref.Port = strconv.Itoa(int(*b.ref.Port))
		}
		out = append(out, ref)
	}
	return out
}

func port32(p *int32) string {
	if p == nil {
		return ""
	}
	return strconv.Itoa(int(*p))
}

func appendClient(out []ServiceRef, c admissionregistrationv1.WebhookClientConfig, field string) []ServiceRef {
	if c.Service == nil {
		return out
	}
	return append(out, ServiceRef{c.Service.Namespace, c.Service.Name, port32(c.Service.Port), field})
}

func ingressBackends(ing *networkingv1.Ingress) []ServiceRef {
	var out []ServiceRef
	add := func(b *networkingv1.IngressBackend, field string) {
		if b == nil || b.Service == nil {
			return
		}
		port := b.Service.Port.Name
		if b.Service.Port.Number != 0 {
			port = strconv.Itoa(int(b.Service.Port.Number))
		}
		out = append(out, ServiceRef{ing.Namespace, b.Service.Name, port, field})
	}
	add(ing.Spec.DefaultBackend, "spec.defaultBackend.service")
	for i := range ing.Spec.Rules {
		http := ing.Spec.Rules[i].HTTP
		if http == nil {
			continue
		}
		for j := range http.Paths {
			add(&http.Paths[j].Backend, fmt.Sprintf("spec.rules[%d].http.paths[%d].backend.service", i, j))
		}
	}
	return out
}

type routeBackend struct {
	ref   gatewayv1.BackendObjectReference
	field string
}

// routeBackends lists the backendRefs of a Gateway API route of any kind,
// mirrors included: a mirror receives the same requests.
func routeBackends(o Object) []routeBackend {
	var out []routeBackend
	plain := func(rule int, refs []gatewayv1.BackendRef) {
		for j, b := range refs {
			out = append(out, routeBackend{b.BackendObjectReference, fmt.Sprintf("spec.rules[%d].backendRefs[%d]", rule, j)})
		}
	}
	switch r := o.(type) {
	case *gatewayv1.HTTPRoute:
		for i, rule := range r.Spec.Rules {
			for j, b := range rule.BackendRefs {
				field := fmt.Sprintf("spec.rules[%d].backendRefs[%d]", i, j)
				out = append(out, routeBackend{b.BackendObjectReference, field})
				out = appendHTTPFilters(out, b.Filters, field)
			}
			out = appendHTTPFilters(out, rule.Filters, fmt.Sprintf("spec.rules[%d]", i))
		}
	case *gatewayv1.GRPCRoute:
		for i, rule := range r.Spec.Rules {
			for j, b := range rule.BackendRefs {
				field := fmt.Sprintf("spec.rules[%d].backendRefs[%d]", i, j)
				out = append(out, routeBackend{b.BackendObjectReference, field})
				out = appendGRPCFilters(out, b.Filters, field)
			}
			out = appendGRPCFilters(out, rule.Filters, fmt.Sprintf("spec.rules[%d]", i))
		}
	case *gatewayv1.TLSRoute:
		for i, rule := range r.Spec.Rules {
			plain(i, rule.BackendRefs)
		}
	case *gatewayv1.TCPRoute:
		for i, rule := range r.Spec.Rules {
			plain(i, rule.BackendRefs)
		}
	case *gatewayv1.UDPRoute:
		for i, rule := range r.Spec.Rules {
			plain(i, rule.BackendRefs)
		}
	}
	return out
}

// appendHTTPFilters adds the backends of filters, which may stand on a rule or
// on one of its backends: a mirror receives the requests too, and an external
// authoriser their headers.
func appendHTTPFilters(out []routeBackend, filters []gatewayv1.HTTPRouteFilter, at string) []routeBackend {
	for i, f := range filters {
		if f.RequestMirror != nil {
			out = append(out, routeBackend{f.RequestMirror.BackendRef, fmt.Sprintf("%s.filters[%d].requestMirror.backendRef", at, i)})
		}
		if f.ExternalAuth != nil {
			out = append(out, routeBackend{f.ExternalAuth.BackendRef, fmt.Sprintf("%s.filters[%d].externalAuth.backendRef", at, i)})
		}
	}
	return out
}

func appendGRPCFilters(out []routeBackend, filters []gatewayv1.GRPCRouteFilter, at string) []routeBackend {
	for i, f := range filters {
		if f.RequestMirror != nil {
			out = append(out, routeBackend{f.RequestMirror.BackendRef, fmt.Sprintf("%s.filters[%d].requestMirror.backendRef", at, i)})
		}
	}
	return out
}

// Hosts returns the host names that an Ingress, a Gateway API route or a known
// vendor route claims.
func Hosts(o Object) []Host {
	var out []Host
	names := func(list []gatewayv1.Hostname) {
		if len(list) == 0 {
			out = append(out, Host{"", "spec.hostnames"})
		}
		for i, h := range list {
			out = append(out, Host{string(h), fmt.Sprintf("spec.hostnames[%d]", i)})
		}
	}
	switch r := o.(type) {
	case *networkingv1.Ingress:
		for i := range r.Spec.Rules {
			out = append(out, Host{r.Spec.Rules[i].Host, fmt.Sprintf("spec.rules[%d].host", i)})
		}
	case *gatewayv1.HTTPRoute:
		names(r.Spec.Hostnames)
	case *gatewayv1.GRPCRoute:
		names(r.Spec.Hostnames)
	case *gatewayv1.TLSRoute:
		names(r.Spec.Hostnames)
	case *unstructured.Unstructured:
		kind, known := KindOf(r.GroupVersionKind().GroupKind())
		if !known {
			return nil
		}
		for _, path := range kind.Hosts {
			for _, v := range Walk(r.Object, path) {
				if s, ok := v.Value.(string); ok {
					out = append(out, Host{s, v.Field})
				}
			}
		}
	}
	return out
}
