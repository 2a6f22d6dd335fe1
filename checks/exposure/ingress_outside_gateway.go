// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strconv"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
)

// ingressOutsideGateway flags Ingresses that another controller than the
// bundled gateway serves (EXP-020).
func ingressOutsideGateway() checks.Check {
	return checks.Check{
		ID: "EXP-020", Name: "ingress-outside-gateway",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    ingresses,
		Doc: checks.Doc{
			Title: "Ingresses are served by the bundled gateway",
			Why: "The class of an Ingress decides which controller publishes it. Another class is another door: another load balancer, without the gateway's authentication, limits and log. " +
				"The class is spec.ingressClassName, otherwise the annotation kubernetes.io/ingress.class, otherwise the IngressClass that is marked as default. " +
				"An annotation that contradicts the field is a finding too, because older controllers prefer the annotation and two of them would publish the same Ingress. " +
				"An Ingress that names no class where no default is known is a finding as well: some controllers take every Ingress without one. " +
				"A class whose load balancer is known to be internal is one degree less severe. " +
				"A class is the gateway's if its IngressClass says so (spec.controller: gatehouse.sh/gateway). Where that IngressClass is not known, as in files, the name gatehouse counts; names that somebody wrote into the CheckPolicy count for a class of another controller, too; " +
				"who may create IngressClasses is a matter of RBAC.",
			Attack: "reaches the Services behind the Ingress through a door that the gateway's policies do not cover",
			Fix:    "set spec.ingressClassName to the class of the bundled gateway and remove the annotation kubernetes.io/ingress.class",
			Exempt: "A second ingress controller that the platform team operates, for example one for a private network.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/ingress/#ingress-class",
				"https://kubernetes.io/docs/concepts/services-networking/ingress/#deprecated-annotation",
				"https://kubernetes.github.io/ingress-nginx/user-guide/multiple-ingress/",
			},
		},
		Run: checks.On(func(ing *networkingv1.Ingress, in checks.Input) []checks.Finding {
			if ingressAttached(ing, in) {
				return nil
			}
			return []checks.Finding{outsideIngress(ing, in)}
		}),
	}
}

func outsideIngress(ing *networkingv1.Ingress, in checks.Input) checks.Finding {
	class, field := classOf(ing, in.Inventory)
	f := checks.Finding{Subject: "class/" + class, Field: field, Path: []string{"internet", inputName(in)}}
	legacy := ing.Annotations[legacyClass]
	switch {
	case class == "":
		f.Subject = "class"
		f.Message = "names no class and no default is known, so any controller may publish it"
	case ownIngressClass(class, in):
		f.Subject, f.Field = "class/"+legacy, annotationField(legacyClass)
		f.Message = "has the class " + class + " but its annotation names " + strconv.Quote(legacy) + ", which controllers that prefer the annotation will follow"
	default:
		f.Message = "is published by the class " + class + ", not by the bundled gateway"
		if ing.Spec.IngressClassName == nil && field == "spec.ingressClassName" {
			f.Message = "names no class, so the default class " + class + " publishes it, not the bundled gateway"
		}
		f.Path[1] += " (class " + class + ")"
	}
	if class != "" && internalIngress(class, ing, in) {
		f.Severity, f.Path[0] = checks.Medium, "internal network"
	}
	f.Message += wasClass(in)
	f.Path = append(f.Path, backendSteps(ing)...)
	return f
}

// internalIngress reports whether the controller of a class is known to make an
// internal load balancer of the Ingress.
func internalIngress(class string, ing *networkingv1.Ingress, in checks.Input) bool {
	return loadbalancer.ClassifyIngress(class, ing.Annotations, in.Parameters.LoadBalancers).Scheme == loadbalancer.Internal
}

// wasClass names the class that an update took away.
func wasClass(in checks.Input) string {
	old, isUpdate := checks.Old[*networkingv1.Ingress](in)
	if !isUpdate {
		return ""
	}
	before := in
	before.Object, before.Old = old, nil
	if !ingressAttached(old, before) {
		return ""
	}
	class, _ := classOf(old, in.Inventory)
	return "; before this update the gateway's class " + class + " published it"
}

// backendSteps names the first Service behind an Ingress for a path.
func backendSteps(ing *networkingv1.Ingress) []string {
	step := func(b *networkingv1.IngressBackend) []string {
		if b == nil || b.Service == nil {
			return nil
		}
		return []string{"Service " + ing.Namespace + "/" + b.Service.Name}
	}
	for i := range ing.Spec.Rules {
		http := ing.Spec.Rules[i].HTTP
		if http == nil {
			continue
		}
		for j := range http.Paths {
			if s := step(&http.Paths[j].Backend); s != nil {
				return s
			}
		}
	}
	return step(ing.Spec.DefaultBackend)
}
