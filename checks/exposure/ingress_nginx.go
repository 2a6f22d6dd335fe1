// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// nginxController is what the IngressClasses of ingress-nginx name, unless the
// flag --controller-class says otherwise.
// https://kubernetes.github.io/ingress-nginx/user-guide/multiple-ingress/
const nginxController = "k8s.io/ingress-nginx"

// otherClasses are the names under which other controllers install their
// IngressClass or that they take without one, besides those that make load
// balancers of a cloud (loadbalancer.KnownIngressClass). "nginx" is none of
// them: it is the name for ingress-nginx and for F5's controller.
var otherClasses = map[string]string{
	"apisix":            "https://github.com/apache/apisix-ingress-controller",
	"cilium":            "https://github.com/cilium/cilium",
	"contour":           "https://github.com/projectcontour/contour",
	"haproxy":           "https://github.com/haproxytech/kubernetes-ingress",
	"istio":             "https://github.com/istio/istio",
	"kong":              "https://github.com/Kong/kubernetes-ingress-controller",
	"openshift-default": "https://github.com/openshift/cluster-ingress-operator",
	"traefik":           "https://github.com/traefik/traefik",
}

// othersClass reports whether a class without an IngressClass is known by its
// name to be another controller's.
func othersClass(name string) bool {
	_, known := otherClasses[name]
	return known || loadbalancer.KnownIngressClass(name)
}

// ingressNginx flags what the retired controller ingress-nginx serves (EXP-027).
func ingressNginx() checks.Check {
	return checks.Check{
		ID: "EXP-027", Name: "ingress-nginx",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Warn, Strict: checks.Deny},
		Kinds:    []schema.GroupKind{inventory.IngressKind, inventory.IngressClassKind},
		Doc: checks.Doc{
			Title: "Nothing depends on ingress-nginx",
			Why: "The Kubernetes project retired ingress-nginx in March 2026: there are no releases and no security fixes any more. " +
				"Its controller reads Secrets in the whole cluster by default, and several of its past faults let whoever may write an Ingress run code in it. " +
				"The check looks at the controller that an IngressClass names, k8s.io/ingress-nginx, and at every Ingress of such a class; the name of the class says nothing, for F5's controller is often called nginx as well. " +
				"Where the IngressClass itself is not known here, a name that another controller is installed under (alb, gce, traefik, kong and the like) is no suspicion, and any other name is reported as undetermined. " +
				"An installation with another --controller-class, and one that takes Ingresses without a class, are not recognised. Vendors may maintain forks under the same controller name; they count as ingress-nginx.",
			Attack: "uses faults that nobody fixes, in a controller that may read every Secret of the cluster",
			Fix:    "move the Ingress to the class of the bundled gateway, or to a route of it, and remove ingress-nginx",
			Exempt: "A migration with an end date, or a fork that a vendor maintains.",
			Sources: []string{
				"https://kubernetes.io/blog/2025/11/11/ingress-nginx-retirement/",
				"https://kubernetes.github.io/ingress-nginx/user-guide/multiple-ingress/",
				"https://github.com/kubernetes/kubernetes/issues/131009",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			switch o := in.Object.(type) {
			case *networkingv1.IngressClass:
				if o.Spec.Controller != nginxController {
					return nil
				}
				return []checks.Finding{{
					Subject: "controller", Field: "spec.controller",
					Message: "hands its Ingresses to " + nginxController + ", which is retired and gets no security fixes",
					Fix:     "delete the IngressClass after its Ingresses have moved to the class of the bundled gateway",
				}}
			case *networkingv1.Ingress:
				return servedByNginx(o, in)
			}
			return []checks.Finding{{Certainty: checks.Undetermined, Message: "is neither an Ingress nor an IngressClass that this check can read"}}
		},
	}
}

func servedByNginx(ing *networkingv1.Ingress, in checks.Input) []checks.Finding {
	if ingressAttached(ing, in) {
		return nil
	}
	name, field := classOf(ing, in.Inventory)
	if legacy := ing.Annotations[legacyClass]; ownIngressClass(name, in) {
		name, field = legacy, annotationField(legacyClass) // the annotation contradicts the field
	}
	if name == "" {
		return nil // EXP-020 says so
	}
	class, known := inventory.Get[*networkingv1.IngressClass](in.Inventory, inventory.IngressClassKind, "", name)
	switch {
	case !known && othersClass(name):
		return nil
	case !known:
		return []checks.Finding{{
			Certainty: checks.Undetermined, Subject: "class/" + name, Field: field,
			Message: "has the class " + name + ", which is not known here, so it may be one of the retired ingress-nginx",
		}}
	case class.Spec.Controller == nginxController:
		return []checks.Finding{{
			Subject: "class/" + name, Field: field,
			Message: "has the class " + name + " of ingress-nginx, which is retired and gets no security fixes",
			Path:    []string{"internet", nginxController, inputName(in)},
		}}
	}
	return nil
}
