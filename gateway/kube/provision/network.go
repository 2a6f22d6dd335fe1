// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func (p Port) protocol() corev1.Protocol {
	if p.Datagrams {
		return corev1.ProtocolUDP
	}
	return corev1.ProtocolTCP
}

// serviceAccount has nothing of the Gateway's infrastructure: to clouds an annotation there is
// a right (eks.amazonaws.com/role-arn), and to change Gateways is not to grant rights. So it
// has not the label either by which what is of the infrastructure is found.
func (b *builder) serviceAccount() *corev1.ServiceAccount {
	no := false // Pods are given a token for the control plane, and none for the API server
	out := &corev1.ServiceAccount{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: b.meta(), AutomountServiceAccountToken: &no}
	out.Annotations = map[string]string{ControllerAnnotation: b.options.Controller}
	out.Labels = b.own()
	return out
}

// caKey is the bundle in the ConfigMap.
const caKey = "ca.crt"

func (b *builder) configMap() *corev1.ConfigMap {
	return &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: b.meta(), Data: map[string]string{caKey: string(b.gateway.Bundle)}}
}

// service leads clients to the Pods. A Gateway on which nothing is listened for has a
// port that answers nobody, since a Service needs one.
func (b *builder) service() *corev1.Service {
	kind := cmp.Or(corev1.ServiceType(b.parameters.Service.Type), corev1.ServiceTypeLoadBalancer)
	out := &corev1.Service{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: b.meta()}
	out.Spec = corev1.ServiceSpec{Type: kind, Selector: b.selector()}
	if kind != corev1.ServiceTypeClusterIP {
		out.Spec.ExternalTrafficPolicy = cmp.Or(corev1.ServiceExternalTrafficPolicy(b.parameters.Service.ExternalTrafficPolicy), corev1.ServiceExternalTrafficPolicyCluster)
	}
	if kind == corev1.ServiceTypeLoadBalancer {
		out.Spec.LoadBalancerIP = b.asked() // deprecated, and there is no other way to ask that is of no provider
	}
	for _, p := range b.gateway.Ports {
		name := fmt.Sprintf("tcp-%d", p.Number)
		if p.Datagrams {
			name = fmt.Sprintf("udp-%d", p.Number)
		}
		out.Spec.Ports = append(out.Spec.Ports, corev1.ServicePort{Name: name, Protocol: p.protocol(), Port: int32(p.Number), TargetPort: intstr.FromInt32(int32(p.Number))})
	}
	if len(out.Spec.Ports) == 0 {
		out.Spec.Ports = []corev1.ServicePort{{Name: "none", Protocol: corev1.ProtocolTCP, Port: 1, TargetPort: intstr.FromInt32(1)}}
	}
	return out
}

// networkPolicy lets in what is listened for, and probes and monitoring of the cluster.
// What the Pods may call is for the policies of the namespace to say, see docs/network.md.
func (b *builder) networkPolicy() *networkingv1.NetworkPolicy {
	out := &networkingv1.NetworkPolicy{TypeMeta: metav1.TypeMeta{APIVersion: networkingv1.SchemeGroupVersion.String(), Kind: "NetworkPolicy"}, ObjectMeta: b.meta()}
	out.Spec = networkingv1.NetworkPolicySpec{PodSelector: metav1.LabelSelector{MatchLabels: b.selector()}, PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}}
	port := func(p Port) networkingv1.NetworkPolicyPort {
		protocol, number := p.protocol(), intstr.FromInt32(int32(p.Number))
		return networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: &number}
	}
	var clients networkingv1.NetworkPolicyIngressRule
	for _, p := range b.gateway.Ports {
		clients.Ports = append(clients.Ports, port(p))
	}
	if len(clients.Ports) > 0 { // a rule without ports would be for all of them
		out.Spec.Ingress = append(out.Spec.Ingress, clients)
	}
	out.Spec.Ingress = append(out.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{
		From: []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{}}}, Ports: []networkingv1.NetworkPolicyPort{port(Port{Number: b.options.Metrics})},
	})
	return out
}
