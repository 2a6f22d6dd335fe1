// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestPatternsHaveKeys(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ path, literal, key string }{
		"a literal path":               {"/a/b/", "/a/b", "/a/b"},
		"the root":                     {"/", "", ""},
		"nothing":                      {"", "", ""},
		"a glob":                       {"/a/*", "/a", "/a"},
		"the usual rewrite":            {"/a(/|$)(.*)", "/a", "/a"},
		"a group of everything":        {"/a/(.*)", "/a", "/a"},
		"a pattern in the last place":  {"/a/b[0-9]", "/a/b", "/a"},
		"an optional character":        {"/a/bc?", "/a/b", "/a"},
		"a pattern in the first place": {"/[a-z]/b", "/", ""},
		"alternatives":                 {"/a|/b", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			literal, whole := ReadPattern(tc.path)
			if key := PathKey(literal, whole); literal != tc.literal || key != tc.key {
				t.Errorf("%q reads as %q with the key %q, want %q with %q", tc.path, literal, key, tc.literal, tc.key)
			}
		})
	}
}

func count(seq func(func(*Entry) bool)) int {
	n := 0
	seq(func(*Entry) bool { n++; return true })
	return n
}

func TestClaimsAreFoundByHostAndPath(t *testing.T) {
	t.Parallel()
	free := networkingv1.PathTypeImplementationSpecific
	ing := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	ing.Spec.DefaultBackend = &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "rest"}}
	ing.Spec.Rules = []networkingv1.IngressRule{
		{Host: "Shop.example.com", IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{
			{Path: "/a/b(/|$)(.*)", PathType: &free, Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "web"}}},
			{Path: "/a/b", PathType: &free, Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "web"}}},
		}}}},
		{Host: "bare.example.com"},
	}
	value, service := "/a", "shop.Cart"
	route := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	route.Spec.Hostnames = []gatewayv1.Hostname{"shop.example.com"}
	route.Spec.Rules = []gatewayv1.HTTPRouteRule{{Matches: []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Value: &value}}, {}}}}
	grpc := &gatewayv1.GRPCRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	grpc.Spec.Rules = []gatewayv1.GRPCRouteRule{{Matches: []gatewayv1.GRPCRouteMatch{{Method: &gatewayv1.GRPCMethodMatch{Service: &service}}}}}

	stored := New(ing, route, grpc)
	overlaid := New().With(ing).With(route).With(grpc)
	for name, inv := range map[string]*Inventory{"stored": stored, "overlaid": overlaid} {
		for _, tc := range []struct {
			what string
			got  int
			want int
		}{
			{"the path, once", count(inv.ClaimsAt("shop.EXAMPLE.com", "/a/b")), 1},
			{"a path of the route", count(inv.ClaimsAt("shop.example.com", "/a")), 1},
			{"the root of the route", count(inv.ClaimsAt("shop.example.com", "")), 1},
			{"a rule without paths", count(inv.ClaimsAt("bare.example.com", "")), 1},
			{"a service of gRPC for every host", count(inv.ClaimsAt("", "/shop.Cart")), 1},
			{"nothing between", count(inv.ClaimsAt("shop.example.com", "/a/")), 0},
			{"another host", count(inv.ClaimsAt("example.com", "")), 0},
			{"everything below", count(inv.ClaimsBelow("shop.example.com", "/a")), 2},
			{"everything of a host", count(inv.ClaimsBelow("shop.example.com", "")), 3},
			{"the host", count(inv.Claims("shop.example.com")), 2},
			{"a Service behind two paths, once", count(inv.Referrers("shop", "web")), 1},
			{"the default backend", count(inv.Referrers("shop", "rest")), 1},
		} {
			if tc.got != tc.want {
				t.Errorf("%s: %s: %d entries, want %d", name, tc.what, tc.got, tc.want)
			}
		}
	}
	gone := stored.Edit()
	gone.Delete(KeyOf(ing))
	if n := count(gone.Inventory().ClaimsBelow("shop.example.com", "/a/b")); n != 0 {
		t.Errorf("a deleted Ingress still claims %d paths", n)
	}
}

// TestAnOverlayIsCheap guards the cost of what every review does: the view and
// its entry, whatever the size of the inventory.
func TestAnOverlayIsCheap(t *testing.T) {
	inv := New()
	ing := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	ing.Spec.Rules = []networkingv1.IngressRule{{Host: "shop.example.com"}}
	if n := testing.AllocsPerRun(100, func() { inv.With(ing) }); n > 2 {
		t.Errorf("With allocates %.0f times, want 2", n)
	}
}
