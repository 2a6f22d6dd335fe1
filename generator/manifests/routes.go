// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"slices"
	"strconv"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Annotations of Ingress classes (kubernetes.io/docs/concepts/services-networking/ingress).
const (
	legacyClass  = "kubernetes.io/ingress.class"
	defaultClass = "ingressclass.kubernetes.io/is-default-class"
)

// routes finds what Ingresses, Gateway API routes and the routes of vendors lead
// to, from who serves their class.
func (f *finder) routes() {
	for _, kind := range inventory.Kinds() {
		if kind.Group == "apiregistration.k8s.io" || kind.Group == "admissionregistration.k8s.io" || kind.Group == "apiextensions.k8s.io" {
			continue // see callbacks
		}
		for e := range f.inv.Entries(kind.GroupKind, "") {
			backends := inventory.Backends(e.Object)
			if len(backends) == 0 {
				continue
			}
			class, served := f.classOf(e)
			if !served {
				continue
			}
			from := f.servers(class)
			for _, b := range backends {
				f.backend(e.Key, class, from, b)
			}
		}
	}
}

// backend makes the edges of one reference to a Service.
func (f *finder) backend(key inventory.Key, class string, from []generator.Peer, b inventory.ServiceRef) {
	to := generator.ServicePeerOf(b.Namespace, b.Name)
	why := declared(key, b.Field, key.Kind.Kind+" "+key.Namespace+"/"+key.Name+" leads to it")
	if f.inv.Service(b.Namespace, b.Name) == nil {
		f.problem(generator.Peer{}, to, generator.Port{}, why, "there is no %s among the objects", to)
		return
	}
	if len(from) == 0 {
		f.problem(generator.Peer{}, to, generator.Port{}, why, "who serves the class %q is not known", class)
	}
	for _, peer := range from {
		for _, port := range f.backendPorts(b) {
			f.edge(peer, to, port, why)
		}
	}
}

// backendPorts reads the port of a reference: a number, whose protocol the
// Service says, or a name.
func (f *finder) backendPorts(b inventory.ServiceRef) []generator.Port {
	if b.Port == "" {
		return []generator.Port{{}}
	}
	n, err := strconv.ParseUint(b.Port, 10, 16)
	if err != nil || n == 0 {
		return []generator.Port{generator.NamedPort(generator.TCP, b.Port)}
	}
	var out []generator.Port
	for _, p := range f.inv.Service(b.Namespace, b.Name).Spec.Ports {
		if protocol, err := generator.ParseProtocol(string(p.Protocol)); err == nil && uint64(p.Port) == n { //nolint:gosec // a port that is negative equals none
			out = append(out, generator.NumberedPort(protocol, uint16(n)))
		}
	}
	if len(out) == 0 {
		out = append(out, generator.NumberedPort(generator.TCP, uint16(n)))
	}
	return out
}

// classOf returns the class by which an object is served; false for one that
// directs no traffic from a gateway, as a route whose parent is a Service.
func (f *finder) classOf(e *inventory.Entry) (string, bool) {
	if ing, ok := e.Object.(*networkingv1.Ingress); ok {
		return f.ingressClass(ing), true
	}
	parents, isRoute := parentsOf(e.Object)
	if !isRoute {
		if e.Key.Kind.Group == "networking.istio.io" && ofMesh(e.Object) {
			return "", false
		}
		return e.Key.Kind.Group, true // a vendor's own kind has one server
	}
	for _, p := range parents {
		if p.Kind != nil && *p.Kind != "Gateway" {
			continue
		}
		namespace := e.Key.Namespace
		if p.Namespace != nil {
			namespace = string(*p.Namespace)
		}
		g, ok := inventory.Get[*gatewayv1.Gateway](f.inv, inventory.GatewayKind, namespace, string(p.Name))
		if !ok {
			return "of Gateway " + namespace + "/" + string(p.Name), true
		}
		return string(g.Spec.GatewayClassName), true
	}
	return "", false
}

// ofMesh reports whether a VirtualService is only for the sidecars of the mesh
// (istio.io/latest/docs/reference/config/networking/virtual-service, "gateways").
func ofMesh(o inventory.Object) bool {
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return false
	}
	for _, v := range inventory.Walk(u.Object, "spec.gateways[]") {
		if v.Value != "mesh" {
			return false
		}
	}
	return true
}

func parentsOf(o inventory.Object) ([]gatewayv1.ParentReference, bool) {
	switch r := o.(type) {
	case *gatewayv1.HTTPRoute:
		return r.Spec.ParentRefs, true
	case *gatewayv1.GRPCRoute:
		return r.Spec.ParentRefs, true
	case *gatewayv1.TLSRoute:
		return r.Spec.ParentRefs, true
	case *gatewayv1.TCPRoute:
		return r.Spec.ParentRefs, true
	case *gatewayv1.UDPRoute:
		return r.Spec.ParentRefs, true
	}
	return nil, false
}

func (f *finder) ingressClass(ing *networkingv1.Ingress) string {
	if ing.Spec.IngressClassName != nil {
		return *ing.Spec.IngressClassName
	}
	if class, set := ing.Annotations[legacyClass]; set {
		return class
	}
	for c := range inventory.List[*networkingv1.IngressClass](f.inv, inventory.IngressClassKind, "") {
		if c.Annotations[defaultClass] == "true" {
			return c.Name
		}
	}
	return ""
}

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

// servers returns who serves a class: as the options say, or the workloads that
// are known by their labels to be its controller.
func (f *finder) servers(class string) []generator.Peer {
	if p, said := f.options.Classes[class]; said {
		return []generator.Peer{p}
	}
	if known, ok := f.served[class]; ok {
		return known
	}
	names := []string{class}
	if c, ok := inventory.Get[*networkingv1.IngressClass](f.inv, inventory.IngressClassKind, "", class); ok {
		names = append(names, c.Spec.Controller)
	}
	if c, ok := inventory.Get[*gatewayv1.GatewayClass](f.inv, inventory.GatewayClassKind, "", class); ok {
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
	if f.served == nil {
		f.served = map[string][]generator.Peer{}
	}
	f.served[class] = out
	return out
}
