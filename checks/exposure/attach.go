// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// legacyClass is the annotation that names an Ingress's class where
// spec.ingressClassName is not set; controllers still honour it, and it wins
// over the default class.
// https://kubernetes.io/docs/concepts/services-networking/ingress/#deprecated-annotation
const legacyClass = "kubernetes.io/ingress.class"

// defaultClass marks the IngressClass that applies to Ingresses without one.
const defaultClass = "ingressclass.kubernetes.io/is-default-class"

// classOf returns the class that serves an Ingress and where it is named:
// "spec.ingressClassName", the annotation, the default IngressClass; both are
// empty when nothing names one.
func classOf(ing *networkingv1.Ingress, inv *inventory.Inventory) (class, field string) {
	if ing.Spec.IngressClassName != nil {
		return *ing.Spec.IngressClassName, "spec.ingressClassName"
	}
	if name, set := ing.Annotations[legacyClass]; set {
		return name, annotationField(legacyClass)
	}
	for c := range inventory.List[*networkingv1.IngressClass](inv, inventory.IngressClassKind, "") {
		if c.Annotations[defaultClass] == "true" {
			return c.Name, "spec.ingressClassName"
		}
	}
	return "", "spec.ingressClassName"
}

// HasIngressClass reports whether something says which class serves an Ingress:
// its own field or annotation, or a default IngressClass.
func HasIngressClass(ing *networkingv1.Ingress, inv *inventory.Inventory) bool {
	class, _ := classOf(ing, inv)
	return class != "" || ing.Spec.IngressClassName != nil
}

// annotationField is the path of an annotation in messages.
func annotationField(key string) string { return "metadata.annotations[" + key + "]" }

// ingressAttached reports whether an Ingress is served by the bundled gateway
// and by nothing else: the class names it, and the legacy annotation, which
// older controllers prefer, does not name another.
func ingressAttached(ing *networkingv1.Ingress, in checks.Input) bool {
	class, _ := classOf(ing, in.Inventory)
	if !slices.Contains(in.Parameters.Gateway.IngressClasses, class) {
		return false
	}
	legacy, set := ing.Annotations[legacyClass]
	return !set || slices.Contains(in.Parameters.Gateway.IngressClasses, legacy)
}

// parentOf is one parentRef of a route or ListenerSet, its defaults filled in.
type parentOf struct {
	group, kind, namespace, name string
	field                        string
}

// parentAttached reports whether a parent is the bundled gateway: a Gateway of
// one of its classes, or one that the parameters name. A Gateway that the
// inventory does not hold is not: its class is not known.
func parentAttached(p parentOf, in checks.Input) bool {
	if p.group != inventory.GatewayGroup {
		return false
	}
	switch p.kind {
	case "Gateway":
		named := in.Parameters.Gateway.ParentGateways
		if slices.Contains(named, checks.GatewayName{Namespace: p.namespace, Name: p.name}) {
			return true
		}
		gw, known := inventory.Get[*gatewayv1.Gateway](in.Inventory, inventory.GatewayKind, p.namespace, p.name)
		return known && len(named) == 0 && slices.Contains(in.Parameters.Gateway.GatewayClasses, string(gw.Spec.GatewayClassName))
	case "ListenerSet":
		kind := inventory.GatewayKind
		kind.Kind = "ListenerSet"
		ls, known := inventory.Get[*gatewayv1.ListenerSet](in.Inventory, kind, p.namespace, p.name)
		return known && parentAttached(listenerSetParent(ls), in)
	}
	return false
}

func listenerSetParent(ls *gatewayv1.ListenerSet) parentOf {
	p := parentOf{group: inventory.GatewayGroup, kind: "Gateway", namespace: ls.Namespace, name: string(ls.Spec.ParentRef.Name), field: "spec.parentRef"}
	if ls.Spec.ParentRef.Kind != nil {
		p.kind = string(*ls.Spec.ParentRef.Kind)
	}
	if ls.Spec.ParentRef.Group != nil {
		p.group = string(*ls.Spec.ParentRef.Group)
	}
	if ls.Spec.ParentRef.Namespace != nil {
		p.namespace = string(*ls.Spec.ParentRef.Namespace)
	}
	return p
}
