// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"fmt"
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
			for _, class := range f.classesOf(e) {
				if f.options.Routed.serves(class) {
					continue
				}
				from := f.servers(class)
				for _, b := range backends {
					f.backend(e, class, from, b)
				}
			}
		}
	}
}

// backend makes the edges of one reference to a Service. A Gateway API route to a
// Service of another namespace needs a ReferenceGrant of that, without which a
// gateway sends nothing there; with it, both namespaces have said so.
func (f *finder) backend(e *inventory.Entry, class class, from serving, b inventory.ServiceRef) {
	to := generator.ServicePeerOf(b.Namespace, b.Name)
	name := e.Key.Kind.Kind + " " + e.Key.Namespace + "/" + e.Key.Name
	because := []generator.Evidence{declared(e.Key, b.Field, name+" leads to it")}
	if _, isRoute := parentsOf(e.Object); isRoute && b.Namespace != e.Key.Namespace {
		grant := f.inv.GrantFor(e.Object, b)
		if grant == nil {
			f.problem(generator.Peer{}, generator.NamespacePeerOf(b.Namespace), generator.Port{}, because[0], "no ReferenceGrant of it lets %s reach Service %s, so that no gateway sends it there", name, b.Name)
			return
		}
		because = append(because, declared(inventory.KeyOf(grant), "spec.from", "lets "+name+" reach it"))
	}
	why := because[0]
	if f.inv.Service(b.Namespace, b.Name) == nil {
		f.problem(generator.Peer{}, to, generator.Port{}, why, "there is no %s among the objects", to)
		return
	}
	if len(from.peers) == 0 {
		f.problem(generator.Peer{}, to, generator.Port{}, why, "%s", class.unserved())
	}
	for _, peer := range from.peers {
		for _, w := range because {
			if from.claimed {
				f.claims[Claim{peer, w.Object}] = true
			}
		}
		for _, port := range f.backendPorts(b) {
			f.edge(peer, to, port, because...)
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

// class is by what an object is served: a class, or the Gateway of one.
type class struct {
	name    string
	gateway inventory.Key // zero for what is served by every pod of its class
}

// unserved says what is not known of a class that nobody serves.
func (c class) unserved() string {
	switch {
	case c.name == "":
		return "no class is named, and none is the default among the objects: who serves it is not known"
	case c.name == nameless(c.gateway):
		return "there is no " + c.gateway.String() + " among the objects, so that who serves it is not known"
	}
	return fmt.Sprintf("who serves the class %q is not known", c.name)
}

// nameless stands for the class of a Gateway that is not known; no class has such a name.
func nameless(gateway inventory.Key) string { return "of " + gateway.String() }

// classesOf returns the classes by which an object is served; none for one that
// directs no traffic from a gateway, as a route whose parent is a Service.
func (f *finder) classesOf(e *inventory.Entry) []class {
	if ing, ok := e.Object.(*networkingv1.Ingress); ok {
		return []class{{name: f.ingressClass(ing)}}
	}
	parents, isRoute := parentsOf(e.Object)
	if !isRoute {
		if e.Key.Kind.Group == "networking.istio.io" && ofMesh(e.Object) {
			return nil
		}
		return []class{{name: e.Key.Kind.Group}} // a vendor's own kind has one server
	}
	var out []class
	for _, p := range parents {
		if p.Kind != nil && *p.Kind != "Gateway" {
			continue
		}
		key := inventory.Key{Kind: inventory.GatewayKind, Namespace: e.Key.Namespace, Name: string(p.Name)}
		if p.Namespace != nil {
			key.Namespace = string(*p.Namespace)
		}
		c := class{name: nameless(key), gateway: key}
		if g, ok := inventory.Get[*gatewayv1.Gateway](f.inv, inventory.GatewayKind, key.Namespace, key.Name); ok {
			c.name = string(g.Spec.GatewayClassName)
		}
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
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
