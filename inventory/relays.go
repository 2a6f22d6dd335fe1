// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"iter"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Objects that stand between a route and a Service: the Services of type
// ExternalName, which are names for others, and Traefik's services of services.

// TraefikServiceKinds are the kinds of objects by which Traefik spreads requests
// over Services and over others of the same kind.
// https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/crd/http/traefikservice/
var TraefikServiceKinds = []schema.GroupKind{
	{Group: "traefik.io", Kind: traefikService},
	{Group: "traefik.containo.us", Kind: traefikService},
}

const traefikService = "TraefikService"

// traefikProvider follows the name of a TraefikService, after an @, where the name
// means one of the same cluster. Another provider's services are no objects.
const traefikProvider = "kubernetescrd"

func ofTraefik(group string) bool {
	return slices.ContainsFunc(TraefikServiceKinds, func(k schema.GroupKind) bool { return k.Group == group })
}

// Relays returns the TraefikServices that an object sends traffic to: an
// IngressRoute, another TraefikService, or a route of the Gateway API.
func Relays(o Object) []ServiceRef {
	var out []ServiceRef
	add := func(ref ServiceRef) {
		name, provider, given := strings.Cut(ref.Name, "@")
		if ref.Name = name; !given || provider == traefikProvider {
			out = append(out, ref)
		}
	}
	if u, custom := o.(*unstructured.Unstructured); custom {
		if ofTraefik(u.GroupVersionKind().Group) {
			eachCustomBackend(u, func(ref ServiceRef, parent map[string]any) {
				if parent["kind"] == traefikService {
					add(ref)
				}
			})
		}
		return out
	}
	for _, b := range routeBackends(o) {
		if b.ref.Kind == nil || *b.ref.Kind != traefikService || b.ref.Group == nil || !ofTraefik(string(*b.ref.Group)) {
			continue
		}
		ref := ServiceRef{Namespace: o.GetNamespace(), Name: string(b.ref.Name), Field: b.field}
		if b.ref.Namespace != nil {
			ref.Namespace = string(*b.ref.Namespace)
		}
		add(ref)
	}
	return out
}

// Senders yields what sends traffic to a TraefikService.
func (inv *Inventory) Senders(namespace, name string) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		inv.scan(inv.postings[byRelay], byRelay, words{a: namespace, b: name}, matchAB, yield)
	}
}

// TraefikServices yields the TraefikServices of a name: Traefik reads those of both
// groups.
func (inv *Inventory) TraefikServices(namespace, name string) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		for _, k := range TraefikServiceKinds {
			if e := inv.Entry(Key{k, namespace, name}); e != nil && !yield(e) {
				return
			}
		}
	}
}

// Alias is a Service that a Service of type ExternalName may be another name of.
type Alias struct {
	ServiceRef

	// Domain is what follows "svc" in the name, in lower case and without final
	// dots: the name means the Service if that is a domain of the cluster, or
	// empty, for search domains complete it.
	Domain string
}

// Aliases returns the Services that the name of a Service of type ExternalName may
// mean: "web.shop", "web.shop.svc" and "web.shop.svc.cluster.local", also with the
// name of a pod before them. It returns none for others, and more than one only
// where several labels of the name are "svc".
// https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
func Aliases(svc *corev1.Service) []Alias {
	if svc.Spec.Type != corev1.ServiceTypeExternalName {
		return nil
	}
	labels := strings.Split(strings.TrimRight(strings.ToLower(strings.TrimSpace(svc.Spec.ExternalName)), "."), ".")
	ref := func(name, namespace string) ServiceRef {
		return ServiceRef{Namespace: namespace, Name: name, Field: "spec.externalName"}
	}
	if len(labels) == 2 {
		return []Alias{{ref(labels[0], labels[1]), ""}}
	}
	var out []Alias
	for i := 2; i < len(labels); i++ {
		if labels[i] == "svc" {
			out = append(out, Alias{ref(labels[i-2], labels[i-1]), strings.Join(labels[i+1:], ".")})
		}
	}
	return out
}

func aliasBackends(svc *corev1.Service) []ServiceRef {
	aliases := Aliases(svc)
	out := make([]ServiceRef, 0, len(aliases))
	for _, a := range aliases {
		out = append(out, a.ServiceRef)
	}
	return out
}
