// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// nodePort flags Services that open a port on every node (EXP-001).
func nodePort() checks.Check {
	return checks.Check{
		ID: "EXP-001", Name: "node-port",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    services,
		Doc: checks.Doc{
			Title: "Services do not open ports on nodes",
			Why: "A NodePort Service listens on the same port of every node, on every address of the node, whatever stands in front of it. " +
				"Traffic to it passes neither the gateway nor, in most clusters, a firewall that knows of the Service, and the client address is usually lost on the way. " +
				"Which addresses a node has, and who can reach them, is not visible in the cluster: the rule takes the worst case. " +
				"A port that is added to such a Service later is reported by EXP-048.",
			Attack: "whoever reaches any node reaches the pods behind it, without TLS, authentication or rate limits",
			Fix:    "set spec.type to ClusterIP and route to the Service through the gateway",
			Exempt: "Nodes that only a trusted appliance can reach, for example a hardware load balancer in front of the cluster.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport",
			},
		},
		Run: checks.On(func(svc *corev1.Service, in checks.Input) []checks.Finding {
			if svc.Spec.Type != corev1.ServiceTypeNodePort || in.Parameters.Gateway.OwnsService(svc) {
				return nil
			}
			return []checks.Finding{{
				Subject: "type", Field: "spec.type", Message: opened(svc) + wasType(in),
				Path: []string{"any node address", inputName(in) + " (NodePort)"},
			}}
		}),
		Fix: checks.FixOn(func(svc *corev1.Service) {
			if svc.Spec.Type == corev1.ServiceTypeNodePort {
				closeService(svc)
			}
		}),
	}
}

// opened says which node ports a Service asks for; the API server picks those
// that are not given.
func opened(svc *corev1.Service) string {
	var given []string
	picked := 0
	for i := range svc.Spec.Ports {
		if n := svc.Spec.Ports[i].NodePort; n != 0 {
			given = append(given, fmt.Sprint(n))
		} else {
			picked++
		}
	}
	switch {
	case len(given) == 0 && picked <= 1:
		return "opens a port on every node"
	case len(given) == 0:
		return fmt.Sprintf("opens %d ports on every node", picked)
	case picked > 0:
		given = append(given, fmt.Sprintf("%d more", picked))
	}
	if len(given) == 1 {
		return "opens port " + given[0] + " on every node"
	}
	return "opens ports " + strings.Join(given[:len(given)-1], ", ") + " and " + given[len(given)-1] + " on every node"
}

// closeService makes a Service reachable from inside the cluster only and
// removes the fields and the annotation that a ClusterIP Service may not carry.
func closeService(svc *corev1.Service) {
	svc.Spec.Type = corev1.ServiceTypeClusterIP
	svc.Spec.ExternalTrafficPolicy = ""
	svc.Spec.HealthCheckNodePort = 0
	svc.Spec.AllocateLoadBalancerNodePorts = nil
	svc.Spec.LoadBalancerClass = nil
	svc.Spec.LoadBalancerIP = ""
	svc.Spec.LoadBalancerSourceRanges = nil
	delete(svc.Annotations, corev1.AnnotationLoadBalancerSourceRangesKey)
	for i := range svc.Spec.Ports {
		svc.Spec.Ports[i].NodePort = 0
	}
}
