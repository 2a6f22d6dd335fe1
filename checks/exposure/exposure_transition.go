// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
)

// exposureTransition flags updates that open more than was open before
// (EXP-048).
func exposureTransition() checks.Check {
	return checks.Check{
		ID: "EXP-048", Name: "exposure-transition",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    slices.Concat(services, routeKinds()),
		Doc: checks.Doc{
			Title: "Updates do not open more than before",
			Why: "The other rules judge what an object is; an update that finds their fault already there passes with a warning. " +
				"This rule judges the step: a Service that changes its type towards the outside, loses what made its load balancer internal, gains a port or an address family while it is exposed, " +
				"or is pointed at other pods or another port of them, an Ingress that moves to a class outside the gateway, and an Ingress or a route outside the gateway that leads to a Service, or to a port of one, which it did not reach before. The message names the old and the new value. " +
				"The severity follows from what is reachable afterwards: a public load balancer is critical, an internal one medium; a changed target port is medium, for it is often an ordinary release. " +
				"It says nothing about objects that are created, and an update of something the Service refers to, such as the pods' labels, is not a step of the Service.",
			Attack: "an object that was reviewed once is turned into an open door by a small later edit",
			Fix:    "keep the old value, or route to the Service through the gateway",
			Exempt: "A change that was reviewed: exempt the object for the time of the rollout.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types",
				"https://kubernetes.io/docs/concepts/services-networking/dual-stack/",
				"https://kubernetes.io/docs/concepts/services-networking/ingress/#ingress-class",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			switch o := in.Object.(type) {
			case *corev1.Service:
				old, isUpdate := checks.Old[*corev1.Service](in)
				if !isUpdate || in.Parameters.Gateway.OwnsService(o) {
					return nil
				}
				return serviceSteps(old, o, in)
			case *networkingv1.Ingress:
				old, isUpdate := checks.Old[*networkingv1.Ingress](in)
				if !isUpdate {
					return nil
				}
				return append(ingressStep(old, o, in), addedBackends(in)...)
			}
			return addedBackends(in)
		},
	}
}

// reach grades how far outside a Service's own type opens it.
type reach uint8

const (
	reachCluster reach = iota
	reachPrivate       // an internal load balancer
	reachNodes         // ports on nodes
	reachPublic        // a load balancer that is not known to be internal
)

var reachSeverity = [...]checks.Severity{
	reachCluster: checks.SeverityUnset, reachPrivate: checks.Medium, reachNodes: checks.High, reachPublic: checks.Critical,
}

func reachOf(svc *corev1.Service, in checks.Input) (reach, loadbalancer.Verdict) {
	switch svc.Spec.Type {
	case corev1.ServiceTypeNodePort:
		return reachNodes, loadbalancer.Verdict{}
	case corev1.ServiceTypeLoadBalancer:
		v := classify(svc, in)
		if v.Scheme == loadbalancer.Internal {
			return reachPrivate, v
		}
		return reachPublic, v
	case corev1.ServiceTypeClusterIP, corev1.ServiceTypeExternalName:
	}
	return reachCluster, loadbalancer.Verdict{}
}

// serviceSteps compares a Service with what it was.
func serviceSteps(old, svc *corev1.Service, in checks.Input) []checks.Finding {
	was, _ := reachOf(old, in)
	is, verdict := reachOf(svc, in)
	var out []checks.Finding
	switch {
	case is > was && typeOf(old) != typeOf(svc):
		out = append(out, checks.Finding{
			Subject: "type/" + string(svc.Spec.Type), Field: "spec.type",
			Message: fmt.Sprintf("changes from %s to %s, which %s", typeOf(old), svc.Spec.Type, opens(is)),
		})
	case is > was:
		out = append(out, checks.Finding{
			Subject: "scheme", Field: decidingField(verdict),
			Message: "turns an internal load balancer into one that is open to the internet: " + schemeStep(old, svc, in, verdict),
		})
	}
	if is > reachCluster && was > reachCluster {
		out = append(out, addedPorts(old, svc)...)
	}
	if is > reachCluster {
		out = append(out, addedFamilies(old, svc)...)
	}
	for i := range out {
		if out[i].Severity == checks.SeverityUnset {
			out[i].Severity = reachSeverity[is]
		}
	}
	// A selector leads elsewhere on every way in, also those of routes. A type
	// that opens with the same update says it all.
	if (is <= was || was > reachCluster) && !maps.Equal(old.Spec.Selector, svc.Spec.Selector) {
		out = append(out, selectorStep(old, svc, is, in)...)
	}
	for i := range out {
		if out[i].Path == nil {
			out[i].Path = stepPath(is, in)
		}
	}
	return out
}

func opens(r reach) string {
	switch r {
	case reachNodes:
		return "opens it on every node"
	case reachPublic:
		return "opens it to the internet"
	case reachPrivate:
		return "opens it to the private network"
	case reachCluster:
	}
	return "opens nothing"
}

func stepPath(r reach, in checks.Input) []string {
	switch r {
	case reachNodes:
		return []string{"any node address", inputName(in) + " (NodePort)"}
	case reachPublic:
		return []string{"internet", inputName(in) + " (LoadBalancer)"}
	case reachPrivate:
		return []string{"internal network", inputName(in) + " (internal LoadBalancer)"}
	case reachCluster:
	}
	return nil
}

// schemeStep names the annotation that made a load balancer internal, its old
// and its new value.
func schemeStep(old, svc *corev1.Service, in checks.Input, is loadbalancer.Verdict) string {
	was := classify(old, in)
	key := was.Annotation
	if key == "" {
		return is.Evidence
	}
	before := old.Annotations[key]
	now, kept := svc.Annotations[key]
	switch {
	case !kept:
		return fmt.Sprintf("annotation %s, which was %s, is removed", key, clipValue(before))
	case now != before:
		return fmt.Sprintf("annotation %s changes from %s to %s", key, clipValue(before), clipValue(now))
	}
	return is.Evidence
}

// ingressStep reports an Ingress that moves to another class outside the
// gateway.
func ingressStep(old, ing *networkingv1.Ingress, in checks.Input) []checks.Finding {
	was, _ := classOf(old, in.Inventory)
	is, field := classOf(ing, in.Inventory)
	legacy := ing.Annotations[legacyClass]
	if was == is && old.Annotations[legacyClass] == legacy || ingressAttached(ing, in) {
		return nil
	}
	if was == is {
		was, is, field = old.Annotations[legacyClass], legacy, annotationField(legacyClass)
	}
	message := fmt.Sprintf("changes its class from %s to %s, neither of them the gateway's", named(was), named(is))
	if ingressAttached(old, in) {
		message = fmt.Sprintf("leaves the gateway: its class changes from %s to %s", named(was), named(is))
	}
	return []checks.Finding{{
		Subject: "class/" + is, Field: field, Message: message,
		Path: []string{"internet", inputName(in)},
	}}
}

func named(class string) string {
	if class == "" {
		return "none"
	}
	return class
}
