// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
)

// typeConfusion flags Services whose fields contradict each other (EXP-049).
func typeConfusion() checks.Check {
	return checks.Check{
		ID: "EXP-049", Name: "type-confusion",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Warn, Strict: checks.Deny},
		Kinds:    services,
		Doc: checks.Doc{
			Title: "Services say one thing",
			Why: "A Service whose fields contradict each other is read differently by the API server, by controllers and by people. " +
				"Reported are: a type that does not exist, load balancer fields on a Service of another type (a headless one above all), a host name on a Service that is not an ExternalName, " +
				"a loadBalancerClass of which Gatehouse knows no controller, and annotations for load balancers that contradict each other, cannot be read or have no effect. " +
				"Some of these the API server refuses itself; they are reported for files that never saw one. A class that is known in the cluster can be listed in a CheckPolicy.",
			Attack: "a reviewer takes the Service for internal while a controller takes it for public",
			Fix:    "remove the field or annotation that the Service's type or controller does not use",
			Exempt: "A loadBalancerClass of an in-house controller: list its scheme in a CheckPolicy instead.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/service/#load-balancer-class",
				"https://kubernetes.io/docs/concepts/services-networking/service/#headless-services",
				"https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/core/validation/validation.go",
			},
		},
		Run: checks.On(func(svc *corev1.Service, in checks.Input) []checks.Finding {
			if in.Parameters.Gateway.OwnsService(svc) {
				return nil
			}
			switch svc.Spec.Type {
			case corev1.ServiceTypeLoadBalancer:
				return append(headlessFindings(svc), classFindings(svc, in)...)
			case corev1.ServiceTypeNodePort:
				return append(headlessFindings(svc), strayFindings(svc)...)
			case corev1.ServiceTypeClusterIP, corev1.ServiceTypeExternalName, "":
				return strayFindings(svc)
			}
			return []checks.Finding{{
				Subject: "type", Field: "spec.type",
				Message: fmt.Sprintf("has the type %s, which does not exist", clipValue(string(svc.Spec.Type))),
			}}
		}),
	}
}

// headlessFindings reports a Service that is open and has no address.
func headlessFindings(svc *corev1.Service) []checks.Finding {
	if svc.Spec.ClusterIP != corev1.ClusterIPNone {
		return nil
	}
	return []checks.Finding{{
		Subject: "clusterIP", Field: "spec.clusterIP",
		Message: fmt.Sprintf("is headless and of type %s at once", svc.Spec.Type),
	}}
}

// classFindings reports an unknown class, and what contradicts itself in the
// annotations of a load balancer.
func classFindings(svc *corev1.Service, in checks.Input) []checks.Finding {
	var out []checks.Finding
	if c := svc.Spec.LoadBalancerClass; c != nil && !loadbalancer.KnownClass(*c) {
		if _, stated := in.Parameters.LoadBalancers.Classes[*c]; !stated {
			out = append(out, checks.Finding{
				Subject: "loadBalancerClass/" + *c, Field: "spec.loadBalancerClass",
				Message: fmt.Sprintf("names the load balancer class %s, whose controller is not known", clipValue(*c)),
			})
		}
	}
	if len(svc.Annotations) == 0 && svc.Spec.LoadBalancerIP == "" {
		return out
	}
	v := classify(svc, in)
	if len(v.Disputed) > 0 {
		out = append(out, disputeFinding(v))
	}
	if len(v.Conflicts) > 0 {
		out = append(out, checks.Finding{
			Subject: "conflicts", Field: decidingField(v),
			Message: "contradicts itself: " + someOf(v.Conflicts, "; "),
		})
	}
	return out
}

// disputeFinding reports annotations for several controllers, usually of several
// clouds, that do not agree. A cluster runs on one of them.
func disputeFinding(v loadbalancer.Verdict) checks.Finding {
	readings := make([]string, 0, len(v.Disputed))
	for _, r := range v.Disputed {
		by := ""
		if r.Annotation != "" {
			by = " by " + r.Annotation
		}
		readings = append(readings, r.Scheme.String()+" for the "+r.Title+by)
	}
	return checks.Finding{
		Subject: "clouds", Field: decidingField(v),
		Message: fmt.Sprintf("carries annotations for %d load balancer controllers, which disagree about who can reach it: %s; the most exposed reading counts",
			len(readings), someOf(readings, ", ")),
		Fix: "keep the annotations for the controller that runs in the cluster and remove the others; " +
			"or name the cluster's controllers in spec.parameters.loadBalancers.providers of the CheckPolicy, so that no others are believed",
	}
}

// someOf joins the first clauses and counts the rest.
func someOf(clauses []string, separator string) string {
	const most = 3
	if more := len(clauses) - most; more > 0 {
		return fmt.Sprintf("%s%sand %d more", strings.Join(clauses[:most], separator), separator, more)
	}
	return strings.Join(clauses, separator)
}

// strayFindings reports fields that only a load balancer or an ExternalName
// uses on a Service that is neither. On a headless Service they are more likely
// to mislead than on others, where a former type may have left them.
func strayFindings(svc *corev1.Service) []checks.Finding {
	var out []checks.Finding
	severity := checks.Low
	if svc.Spec.ClusterIP == corev1.ClusterIPNone {
		severity = checks.SeverityUnset
	}
	stray := func(present bool, field string) {
		if present {
			out = append(out, checks.Finding{
				Severity: severity, Subject: field, Field: "spec." + field,
				Message: fmt.Sprintf("sets spec.%s although it is of type %s", field, kindOfService(svc)),
			})
		}
	}
	stray(svc.Spec.LoadBalancerIP != "", "loadBalancerIP")
	stray(svc.Spec.LoadBalancerClass != nil, "loadBalancerClass")
	stray(len(svc.Spec.LoadBalancerSourceRanges) > 0, "loadBalancerSourceRanges")
	stray(svc.Spec.AllocateLoadBalancerNodePorts != nil, "allocateLoadBalancerNodePorts")
	if svc.Spec.Type != corev1.ServiceTypeNodePort {
		for i := range svc.Spec.Ports {
			if svc.Spec.Ports[i].NodePort != 0 {
				stray(true, fmt.Sprintf("ports[%d].nodePort", i))
				out[len(out)-1].Subject = "nodePort/" + portSubject(svc.Spec.Ports[i])
			}
		}
	}
	severity = checks.SeverityUnset
	stray(svc.Spec.ExternalName != "" && svc.Spec.Type != corev1.ServiceTypeExternalName, "externalName")
	return out
}

func kindOfService(svc *corev1.Service) string {
	if svc.Spec.ClusterIP == corev1.ClusterIPNone {
		return string(typeOf(svc)) + " (headless)"
	}
	return string(typeOf(svc))
}
