// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// classAnnotation names the class of an Ingress as it was before spec.ingressClassName.
const classAnnotation = "kubernetes.io/ingress.class"

// ingressClass is an IngressClass of ours: the Gateway at which its Ingresses are
// served, or why there is none.
type ingressClass struct {
	gateway *gateway
	fault   string
}

// classes finds those of ours. A class without parameters has a Gateway of its own that
// is no object (Builtin), which is added to the others.
func (d *doors) readClasses(list []*networkingv1.IngressClass) {
	standard := 0
	for _, c := range list {
		own := c.Spec.Controller == d.controller
		if c.Annotations[networkingv1.AnnotationIsDefaultIngressClass] == "true" {
			if standard++; own {
				d.standard = c.Name
			}
		}
		if own {
			d.classes[c.Name] = d.class(c)
		}
	}
	if standard > 1 { // the API server refuses Ingresses without a class then
		d.standard = ""
	}
}

func (d *doors) class(c *networkingv1.IngressClass) *ingressClass {
	p := c.Spec.Parameters
	if p == nil {
		g := builtin(c.Name)
		d.gateways[nameOf(g.object)] = g
		return &ingressClass{gateway: g}
	}
	var of kind
	if of.kind = p.Kind; p.APIGroup != nil {
		of.group = *p.APIGroup
	}
	if of != gatewayKind || p.Namespace == nil {
		return &ingressClass{fault: fmt.Sprintf("IngressClass %s: spec.parameters name %s %s, and have to name a Gateway.%s with its namespace, or nothing", c.Name, of, p.Name, gatewayv1.GroupName)}
	}
	name := Name{Namespace: *p.Namespace, Name: p.Name}
	g := d.gateways[name]
	if g == nil {
		return &ingressClass{fault: fmt.Sprintf("IngressClass %s: there is no Gateway %s of this controller (spec.parameters)", c.Name, name)}
	}
	return &ingressClass{gateway: g}
}

// of returns the class of an Ingress; nil if it is not ours.
func (d *doors) of(i *networkingv1.Ingress) *ingressClass {
	if i.Spec.IngressClassName != nil {
		return d.classes[*i.Spec.IngressClassName]
	}
	if name, named := i.Annotations[classAnnotation]; named {
		return d.classes[name]
	}
	return d.classes[d.standard]
}

// Builtin is the name under which Result.Snapshots has what is served for an
// IngressClass without parameters: no Gateway has it.
func Builtin(class string) Name { return Name{Name: class} }

// builtin makes the Gateway of a class that names none: a listener of HTTP at port 80,
// and one of HTTPS at 443, for all hosts and namespaces.
func builtin(class string) *gateway {
	g := &gateway{builtin: true, object: &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Name: class}}}
	from := gatewayv1.NamespacesFromAll
	for _, l := range []gatewayv1.Listener{
		{Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType},
		{Name: "https", Port: 443, Protocol: gatewayv1.HTTPSProtocolType},
	} {
		l.AllowedRoutes = &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: &from}}
		own := &listener{gateway: g, spec: &l}
		for _, good := range []string{accepted, resolvedRefs} {
			own.conditions.set(good, metav1.ConditionTrue, good, "")
		}
		own.conditions.set(conflicted, metav1.ConditionFalse, string(gatewayv1.ListenerReasonNoConflicts), "")
		own.takes()
		g.listeners = append(g.listeners, own)
	}
	return g
}
