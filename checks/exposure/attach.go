// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	networkingv1 "k8s.io/api/networking/v1"

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
	if !ownIngressClass(class, in) {
		return false
	}
	legacy, set := ing.Annotations[legacyClass]
	return !set || legacy == class || ownIngressClass(legacy, in)
}
