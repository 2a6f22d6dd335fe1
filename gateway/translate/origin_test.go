// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestNamesOfASnapshotSayWhatTheyWereMadeOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Origin{
		"httproute/shop/orders/2/https-443":  {Route{"HTTPRoute", Name{Namespace: "shop", Name: "orders"}}, 2},
		"grpcroute/shop/calls/0/http-80":     {Route{"GRPCRoute", Name{Namespace: "shop", Name: "calls"}}, 0},
		"ingress/shop/web/0/http-80":         {Route{"Ingress", Name{Namespace: "shop", Name: "web"}}, 0},
		"ingress/shop/web/part/3/http-80":    {Route{"Ingress", Name{Namespace: "shop", Name: "web"}}, 3},
		"tlsroute/shop/db/tls-443/listener":  {Route{"TLSRoute", Name{Namespace: "shop", Name: "db"}}, -1},
		"httproute/shop/orders.v2/0/http-80": {Route{"HTTPRoute", Name{Namespace: "shop", Name: "orders.v2"}}, 0},
	} {
		if got, ok := OriginOf(name); !ok || got != want {
			t.Errorf("%s: got %v %v, want %v", name, got, ok, want)
		}
	}
	for _, name := range []string{"", nowhere, "nowhere/tls-443/0", "a/b/c/d"} {
		if got, ok := OriginOf(name); ok {
			t.Errorf("%q was made of %v", name, got)
		}
	}
	for name, want := range map[string]int32{"shop/web/80": 80, "shop/web/8443/h2": 8443, "shop/web/53/udp": 53} {
		if s, port, ok := ServiceOf(name); !ok || port != want || s != (Name{Namespace: "shop", Name: "web"}) {
			t.Errorf("%s: got %v %d %v", name, s, port, ok)
		}
	}
	for _, name := range []string{nowhere, "shop/web", "shop/web/http"} {
		if s, _, ok := ServiceOf(name); ok {
			t.Errorf("%q is the Service %v", name, s)
		}
	}
}

func TestTheMostSpecificListenerServesAHost(t *testing.T) {
	t.Parallel()
	host := func(h gatewayv1.Hostname) *gatewayv1.Hostname { return &h }
	g := &gatewayv1.Gateway{Spec: gatewayv1.GatewaySpec{Listeners: []gatewayv1.Listener{
		{Name: "any", Port: 443, Protocol: gatewayv1.HTTPSProtocolType},
		{Name: "below", Port: 443, Protocol: gatewayv1.HTTPSProtocolType, Hostname: host("*.example.com")},
		{Name: "shop", Port: 443, Protocol: gatewayv1.HTTPSProtocolType, Hostname: host("shop.example.com")},
		{Name: "names", Port: 443, Protocol: gatewayv1.UDPProtocolType},
		{Name: "clear", Port: 80, Protocol: gatewayv1.HTTPProtocolType, Hostname: host("shop.example.com")},
	}}}
	for _, tc := range []struct {
		port gatewayv1.PortNumber
		host string
		udp  bool
		want gatewayv1.SectionName
	}{
		{443, "shop.example.com", false, "shop"},
		{443, "x.example.com", false, "below"},
		{443, "*.example.com", false, "below"},
		{443, "example.com", false, "any"},
		{443, "*", false, "any"},
		{443, "*", true, "names"},
		{80, "shop.example.com", false, "clear"},
		{80, "x.example.com", false, ""},
		{8080, "*", false, ""},
	} {
		got := gatewayv1.SectionName("")
		if l, _ := (&Result{}).Serving(g, nil, tc.port, tc.host, tc.udp); l != nil {
			got = l.Name
		}
		if got != tc.want {
			t.Errorf("%d %s: got %q, want %q", tc.port, tc.host, got, tc.want)
		}
	}
}
