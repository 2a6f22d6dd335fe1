// SPDX-License-Identifier: Apache-2.0

package network

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestWhoClaimsToServeARoute: labels of a workload in any namespace could make it the
// controller of a class. It is let in where its namespace is trusted, and no plan cuts
// the real one off.
func TestWhoClaimsToServeARoute(t *testing.T) {
	t.Parallel()
	class := "nginx"
	backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80}}}
	route := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}, Spec: networkingv1.IngressSpec{IngressClassName: &class, DefaultBackend: &backend}}
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Port: 80}}}}
	objects := []inventory.Object{web(corev1.DNSDefault), route, service}
	for _, namespace := range []string{"edge", "evil"} {
		d := web(corev1.DNSDefault)
		d.Namespace, d.Name = namespace, "nginx"
		d.Spec.Template.Labels = map[string]string{"app": "web", "app.kubernetes.io/name": "ingress-nginx", "app.kubernetes.io/component": "controller"}
		objects = append(objects, d)
	}
	allow := []v1alpha1.NetworkIntent{{From: &v1alpha1.NetworkPeer{Namespace: "edge"}, To: &v1alpha1.NetworkPeer{Service: &v1alpha1.ServiceReference{Name: "web"}}, Reason: "customers"}}
	for name, tc := range map[string]struct {
		spec     v1alpha1.NetworkPlanSpec
		from     []string
		refusals []string // of which namespaces they speak
	}{
		"nobody is trusted": {v1alpha1.NetworkPlanSpec{}, nil, []string{"edge", "evil"}},
		"one is trusted":    {v1alpha1.NetworkPlanSpec{TrustedNamespaces: []v1alpha1.NamePattern{"edge"}}, []string{"edge"}, nil},
		"one is allowed":    {v1alpha1.NetworkPlanSpec{Allow: allow}, []string{"edge"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := &v1alpha1.NetworkPlan{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: v1alpha1.NetworkPlanName}, Spec: tc.spec}
			p := lookAt(t, "generic", Sources{Inventory: inventory.New(objects...), Plans: []*v1alpha1.NetworkPlan{plan}}).Propose("shop", &plan.Spec)
			from := make([]string, 0, len(p.Model.Edges))
			for _, e := range p.Model.Edges {
				from = append(from, e.From.Namespace)
			}
			if p.Fault != nil || !slices.Equal(from, tc.from) {
				t.Errorf("fault %v, connections %v", p.Fault, p.Model.Edges)
			}
			if len(p.Refusals) != len(tc.refusals) {
				t.Fatalf("refusals %q", p.Refusals)
			}
			for i, namespace := range tc.refusals {
				if !strings.Contains(p.Refusals[i], "Deployment "+namespace+"/nginx") {
					t.Errorf("refusal %q", p.Refusals[i])
				}
			}
		})
	}
}
