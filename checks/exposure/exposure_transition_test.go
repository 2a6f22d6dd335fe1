// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// TestTransitions holds steps that need a dual-stack cluster, or that an API
// server only takes in part; the others are fixtures.
func TestTransitions(t *testing.T) {
	t.Parallel()
	internal := map[string]string{"service.beta.kubernetes.io/azure-load-balancer-internal": "true"}
	of := func(typ corev1.ServiceType, change ...func(*corev1.Service)) *corev1.Service {
		svc := service(corev1.ServiceSpec{Type: typ, Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Port: 80}}})
		for _, c := range change {
			c(svc)
		}
		return svc
	}
	annotated := func(svc *corev1.Service) { svc.Annotations = internal }
	families := func(list ...corev1.IPFamily) func(*corev1.Service) {
		return func(svc *corev1.Service) { svc.Spec.IPFamilies = list }
	}
	noSelector := func(svc *corev1.Service) { svc.Spec.Selector = nil }
	target := func(p intstr.IntOrString) func(*corev1.Service) {
		return func(svc *corev1.Service) { svc.Spec.Ports[0].TargetPort = p }
	}
	check := exposureTransition()
	for name, tc := range map[string]struct {
		old, now *corev1.Service
		want     string
	}{
		"an IPv6 address on every node":                  {of("NodePort", families("IPv4")), of("NodePort", families("IPv4", "IPv6")), "family/IPv6"},
		"an IPv6 address of a public load balancer":      {of("LoadBalancer", families("IPv4")), of("LoadBalancer", families("IPv4", "IPv6")), "family/IPv6"},
		"an IPv6 address inside":                         {of("ClusterIP", families("IPv4")), of("ClusterIP", families("IPv4", "IPv6")), ""},
		"an address family less":                         {of("NodePort", families("IPv4", "IPv6")), of("NodePort", families("IPv4")), ""},
		"families that were not stated before":           {of("NodePort"), of("NodePort", families("IPv4")), ""},
		"an internal load balancer":                      {of("ClusterIP"), of("LoadBalancer", annotated), "type/LoadBalancer"},
		"the default type spelled out":                   {of(""), of("ClusterIP"), ""},
		"the empty type to node port":                    {of(""), of("NodePort"), "type/NodePort"},
		"an internal load balancer to node port":         {of("LoadBalancer", annotated), of("NodePort"), "type/NodePort"},
		"a node port to an internal load balancer":       {of("NodePort"), of("LoadBalancer", annotated), ""},
		"an exposed Service that loses its selector":     {of("NodePort"), of("NodePort", noSelector), "selector"},
		"a Service that opens with another selector":     {of("ClusterIP", noSelector), of("NodePort"), "type/NodePort"},
		"a target port by its default":                   {of("NodePort"), of("NodePort", target(intstr.FromInt32(80))), ""},
		"a target port by name":                          {of("NodePort"), of("NodePort", target(intstr.FromString("admin"))), "port/80/target"},
		"an internal load balancer that keeps its scope": {of("LoadBalancer", annotated), of("LoadBalancer", annotated), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := input(tc.now)
			in.Old = tc.old
			if got := subjects(check.Run(in)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
