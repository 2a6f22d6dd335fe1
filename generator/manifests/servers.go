// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// controllers are the labels by which the pods of well-known controllers are
// known (their own charts), by the names of class, controller or API group that
// they go by.
var controllers = []struct {
	names  []string
	labels map[string]string
}{
	{[]string{"nginx", "k8s.io/ingress-nginx"}, map[string]string{"app.kubernetes.io/name": "ingress-nginx", "app.kubernetes.io/component": "controller"}},
	{[]string{"traefik", "traefik.io/ingress-controller", "traefik.io/gateway-controller", "traefik.io", "traefik.containo.us"}, map[string]string{"app.kubernetes.io/name": "traefik"}},
	{[]string{"haproxy", "haproxy.org/ingress-controller", "ingress.v1.haproxy.org", "ingress.v3.haproxy.org"}, map[string]string{"app.kubernetes.io/name": "kubernetes-ingress"}},
	{[]string{"contour", "projectcontour.io/contour", "projectcontour.io/gateway-controller", "projectcontour.io"}, map[string]string{"app": "envoy"}},
	{[]string{"kong", "ingress-controllers.konghq.com/kong", "konghq.com/kic-gateway-controller", "configuration.konghq.com"}, map[string]string{"app.kubernetes.io/name": "kong"}},
	{[]string{"istio", "istio.io/ingress-controller", "istio.io/gateway-controller", "networking.istio.io"}, map[string]string{"istio": "ingressgateway"}},
	{[]string{"openshift-default", "openshift.io/ingress-to-route", "route.openshift.io"}, map[string]string{"ingresscontroller.operator.openshift.io/deployment-ingresscontroller": "default"}},
}

// gatewayLabel is on everything that an implementation makes for a Gateway
// (gateway-api.sigs.k8s.io/geps/gep-1762).
const gatewayLabel = "gateway.networking.k8s.io/gateway-name"

// serving is who serves a class.
type serving struct {
	peers   []generator.Peer
	claimed bool // by their labels alone
}

// servers returns who serves a class: as the options say, the pods that were made
// for the Gateway, or the workloads that are known by their labels to be the
// controller.
func (f *finder) servers(c class) serving {
	if p, said := f.options.Classes[c.name]; said {
		return serving{peers: []generator.Peer{p}}
	}
	if known, ok := f.served[c]; ok {
		return known
	}
	var out serving
	for _, w := range f.universe.Within(c.gateway.Namespace) {
		if c.gateway.Name != "" && w.Labels[gatewayLabel] == c.gateway.Name {
			out.peers = append(out.peers, generator.WorkloadPeerOf(w.ID))
		}
	}
	if len(out.peers) == 0 {
		out = serving{f.controllersOf(c.name), true}
	}
	if f.served == nil {
		f.served = map[class]serving{}
	}
	f.served[c] = out
	return out
}

func (f *finder) controllersOf(name string) []generator.Peer {
	names := []string{name}
	if c, ok := inventory.Get[*networkingv1.IngressClass](f.inv, inventory.IngressClassKind, "", name); ok {
		names = append(names, c.Spec.Controller)
	}
	if c, ok := inventory.Get[*gatewayv1.GatewayClass](f.inv, inventory.GatewayClassKind, "", name); ok {
		names = append(names, string(c.Spec.ControllerName))
	}
	var out []generator.Peer
	for _, c := range controllers {
		if !slices.ContainsFunc(names, func(n string) bool { return slices.Contains(c.names, n) }) {
			continue
		}
		for _, w := range f.universe.Workloads() {
			if inventory.Matches(c.labels, w.Labels) {
				out = append(out, generator.WorkloadPeerOf(w.ID))
			}
		}
	}
	return out
}
