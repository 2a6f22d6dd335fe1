// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
)

// TestTypeConfusion holds what an API server refuses; the others are fixtures.
func TestTypeConfusion(t *testing.T) {
	t.Parallel()
	class := "example.com/edge"
	check := typeConfusion()
	for name, tc := range map[string]struct {
		spec corev1.ServiceSpec
		want string
	}{
		"a type that does not exist":           {corev1.ServiceSpec{Type: "Loadbalancer"}, "type"},
		"the empty type":                       {corev1.ServiceSpec{}, ""},
		"a headless load balancer":             {corev1.ServiceSpec{Type: "LoadBalancer", ClusterIP: "None"}, "clusterIP"},
		"a headless node port":                 {corev1.ServiceSpec{Type: "NodePort", ClusterIP: "None"}, "clusterIP"},
		"a node port of a ClusterIP Service":   {corev1.ServiceSpec{Type: "ClusterIP", Ports: []corev1.ServicePort{{Port: 80, NodePort: 30080}}}, "nodePort/port/80"},
		"a node port of a NodePort Service":    {corev1.ServiceSpec{Type: "NodePort", Ports: []corev1.ServicePort{{Port: 80, NodePort: 30080}}}, ""},
		"a class on a ClusterIP Service":       {corev1.ServiceSpec{Type: "ClusterIP", LoadBalancerClass: &class}, "loadBalancerClass"},
		"source ranges on a ClusterIP Service": {corev1.ServiceSpec{Type: "ClusterIP", LoadBalancerSourceRanges: []string{"10.0.0.0/8"}}, "loadBalancerSourceRanges"},
		"an address that is none":              {corev1.ServiceSpec{Type: "LoadBalancer", LoadBalancerIP: "edge"}, "conflicts"},
		"an ExternalName":                      {corev1.ServiceSpec{Type: "ExternalName", ExternalName: "api.example.com"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := subjects(check.Run(input(service(tc.spec)))); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	t.Run("a class that the configuration knows", func(t *testing.T) {
		t.Parallel()
		in := input(service(corev1.ServiceSpec{Type: "LoadBalancer", LoadBalancerClass: &class}))
		in.Parameters.LoadBalancers.Classes = map[string]loadbalancer.Scheme{class: loadbalancer.Internal}
		if got := subjects(check.Run(in)); got != "" {
			t.Errorf("got %q", got)
		}
	})
}
