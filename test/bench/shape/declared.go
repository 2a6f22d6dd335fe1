// SPDX-License-Identifier: Apache-2.0

package shape

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Declared is the network as its manifests say it: namespaces, the name servers, and
// for each workload a Service and a Deployment, which calls others, those of Edges, by the URLs in
// its environment variables.
func (n Network) Declared() []inventory.Object {
	out := make([]inventory.Object, 0, n.Namespaces+2*n.Workloads+2)
	for i := range n.Namespaces {
		out = append(out, Size{}.namespace(i))
	}
	deployments := make([]*appsv1.Deployment, n.Workloads)
	places := make(map[generator.WorkloadID]int, n.Workloads)
	for i := range n.Workloads {
		d := n.deployment(i)
		d.TypeMeta = metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}
		deployments[i], places[n.id(i)] = d, i
		s := &corev1.Service{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: meta(d.Namespace, d.Name)}
		s.Spec.Selector = map[string]string{"app": d.Name}
		for port := range int32(3) {
			s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Name: fmt.Sprintf("p%d", port), Port: 8080 + port, Protocol: corev1.ProtocolTCP})
		}
		out = append(out, d, s)
	}
	edges := n.Edges()
	for i := range edges {
		e := &edges[i]
		if e.To.Kind != generator.WorkloadPeer {
			continue
		}
		c := &deployments[places[e.From.ID()]].Spec.Template.Spec.Containers[0]
		c.Env = append(c.Env, corev1.EnvVar{
			Name: fmt.Sprintf("PEER_%d_URL", len(c.Env)), Value: fmt.Sprintf("http://%s.%s.svc.cluster.local:%d/api", e.To.Name, e.To.Namespace, e.Port.First),
		})
	}
	return append(out, nameServers()...)
}

func nameServers() []inventory.Object {
	labels := map[string]string{"k8s-app": "kube-dns"}
	d := &appsv1.Deployment{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "coredns"}}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
	d.Spec.Template.Labels = labels
	d.Spec.Template.Spec = corev1.PodSpec{DNSPolicy: corev1.DNSDefault, Containers: []corev1.Container{{Name: "coredns", Image: "registry.k8s.io/coredns/coredns:v1.13.1"}}}
	s := &corev1.Service{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "kube-dns"}}
	s.Spec.Selector = labels
	s.Spec.Ports = []corev1.ServicePort{
		{Name: "dns", Port: 53, Protocol: corev1.ProtocolUDP, TargetPort: intstr.FromInt32(53)}, {Name: "dns-tcp", Port: 53, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromInt32(53)},
	}
	return []inventory.Object{d, s}
}
