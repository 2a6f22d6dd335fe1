// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Annotations of a Service by which the bundled gateway publishes it, besides
// exposeAnnotation. docs/ingress.md
const (
	authAnnotation  = ownPrefix + "auth"  // without it nothing is published
	classAnnotation = ownPrefix + "class" // an IngressClass of the gateway; absent: the default one
)

// annotatedWay is the way that a Service opens through the bundled gateway by its
// annotations; false when it opens none. What the gateway refuses of the annotations
// (the form of the host, of auth) is not looked at.
func annotatedWay(svc *corev1.Service, in checks.Input) (Way, bool) {
	if strings.TrimSpace(svc.Annotations[exposeAnnotation]) == "" || strings.TrimSpace(svc.Annotations[authAnnotation]) == "" {
		return Way{}, false
	}
	if !annotatedClass(svc, in) {
		return Way{}, false
	}
	return Way{From: "internet", By: serviceName(svc) + " (" + exposeAnnotation + ")", Gateway: true}, true
}

// annotatedClass reports whether the class that a Service is published by is the
// gateway's. Where no IngressClass is known at all, as in files, the default one may be.
func annotatedClass(svc *corev1.Service, in checks.Input) bool {
	if name, named := svc.Annotations[classAnnotation]; named {
		return ownIngressClass(strings.TrimSpace(name), in)
	}
	known := false
	for c := range inventory.List[*networkingv1.IngressClass](in.Inventory, inventory.IngressClassKind, "") {
		if c.Annotations[defaultClass] == "true" {
			return ownIngressClass(c.Name, in)
		}
		known = true
	}
	return !known
}
