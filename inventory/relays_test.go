// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestAliases(t *testing.T) {
	t.Parallel()
	alias := func(name, namespace, domain string) Alias {
		return Alias{ServiceRef{Namespace: namespace, Name: name, Field: "spec.externalName"}, domain}
	}
	for name, want := range map[string][]Alias{
		"web":                                nil, // of the namespace of whoever resolves it
		"web.shop":                           {alias("web", "shop", "")},
		"web.shop.svc":                       {alias("web", "shop", "")},
		"Web.Shop.svc.cluster.local.":        {alias("web", "shop", "cluster.local")},
		"web-0.web.shop.svc.cluster.local":   {alias("web", "shop", "cluster.local")},
		"web.shop.svc.example.net":           {alias("web", "shop", "example.net")},
		"web.shop.pod.cluster.local":         nil,
		"www.shop.example.net":               nil,
		"web.svc.svc":                        {alias("web", "svc", "")},
		"web-0.web.svc.svc":                  {alias("web-0", "web", "svc"), alias("web", "svc", "")},
		"web.svc.svc.svc":                    {alias("web", "svc", "svc"), alias("svc", "svc", "")},
		"":                                   nil,
		".":                                  nil,
		"svc.cluster.local":                  nil,
		"http.tcp.web.shop.svc.cluster.test": {alias("web", "shop", "cluster.test")},
	} {
		svc := &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: name}}
		if d := cmp.Diff(want, Aliases(svc)); d != "" {
			t.Errorf("%q (want -, got +):\n%s", name, d)
		}
		svc.Spec.Type = corev1.ServiceTypeClusterIP
		if got := Aliases(svc); got != nil {
			t.Errorf("%q of another type: %v", name, got)
		}
	}
}

func TestRelaysAreNoServices(t *testing.T) {
	t.Parallel()
	traefik := func(kind string, spec map[string]any) Object {
		u := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
		u.SetGroupVersionKind(schema.GroupVersionKind{Group: "traefik.io", Version: "v1alpha1", Kind: kind})
		u.SetNamespace("shop")
		return u
	}
	service := func(name, kind string) map[string]any { return map[string]any{"name": name, "kind": kind} }
	group, kind := gatewayv1.Group("traefik.io"), gatewayv1.Kind("TraefikService")
	route := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}}
	route.Spec.Rules = []gatewayv1.HTTPRouteRule{{BackendRefs: []gatewayv1.HTTPBackendRef{
		{BackendRef: gatewayv1.BackendRef{BackendObjectReference: gatewayv1.BackendObjectReference{Group: &group, Kind: &kind, Name: "mix"}}},
		{BackendRef: gatewayv1.BackendRef{BackendObjectReference: gatewayv1.BackendObjectReference{Kind: &kind, Name: "core"}}},
	}}}
	for name, tc := range map[string]struct {
		object           Object
		relays, services []string
	}{
		"an IngressRoute": {traefik("IngressRoute", map[string]any{"routes": []any{map[string]any{"services": []any{
			service("web", ""), service("mix", "TraefikService"), service("own@kubernetescrd", "TraefikService"), service("api@internal", "TraefikService"),
		}}}}), []string{"mix", "own"}, []string{"web"}},
		"weights":             {traefik("TraefikService", map[string]any{"weighted": map[string]any{"services": []any{service("web", "Service"), service("mix", "TraefikService")}}}), []string{"mix"}, []string{"web"}},
		"a hash":              {traefik("TraefikService", map[string]any{"highestRandomWeight": map[string]any{"services": []any{service("web", "Service")}}}), nil, []string{"web"}},
		"mirrors":             {traefik("TraefikService", map[string]any{"mirroring": map[string]any{"name": "mix", "kind": "TraefikService", "mirrors": []any{service("web", "")}}}), []string{"mix"}, []string{"web"}},
		"another if it fails": {traefik("TraefikService", map[string]any{"failover": map[string]any{"service": service("mix", "TraefikService"), "fallback": service("web", "")}}), []string{"mix"}, []string{"web"}},
		"a route":             {route, []string{"mix"}, nil},
	} {
		names := func(refs []ServiceRef) []string {
			var out []string
			for _, r := range refs {
				if out = append(out, r.Name); r.Namespace != "shop" || r.Field == "" {
					t.Errorf("%s: %+v", name, r)
				}
			}
			return out
		}
		if d := cmp.Diff([][]string{tc.relays, tc.services}, [][]string{names(Relays(tc.object)), names(Backends(tc.object))}); d != "" {
			t.Errorf("%s (want -, got +):\n%s", name, d)
		}
	}
}
