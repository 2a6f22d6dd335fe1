// SPDX-License-Identifier: Apache-2.0

package randommodel

import (
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// objects returns the workloads as objects of the API server, and a few Services.
func (m *maker) objects() []inventory.Object {
	out := make([]inventory.Object, 0, len(m.workloads))
	for _, w := range m.workloads {
		out = append(out, object(w))
	}
	for i := range m.r.IntN(4) {
		s, slice := m.service(fmt.Sprintf("s%d", i))
		m.services = append(m.services, s)
		if out = append(out, s); slice != nil {
			out = append(out, slice)
		}
	}
	return out
}

// object is a workload, of which a Service asks for the labels of its pods alone.
func object(w *generator.Workload) inventory.Object {
	meta := metav1.ObjectMeta{Namespace: w.ID.Namespace, Name: w.ID.Name}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: w.Labels}, Spec: corev1.PodSpec{HostNetwork: w.HostNetwork}}
	switch w.ID.Kind {
	case "Deployment":
		return &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Template: template}}
	case "StatefulSet":
		return &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Template: template}}
	case "DaemonSet":
		return &appsv1.DaemonSet{ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Template: template}}
	case "CronJob":
		return &batchv1.CronJob{ObjectMeta: meta, Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template}}}}
	}
	meta.Labels = w.Labels
	return &corev1.Pod{ObjectMeta: meta, Spec: template.Spec}
}

// service makes a Service for the pods of a workload and of whoever has the labels,
// with a cluster address or without; for addresses, which the slice has; or for a name.
func (m *maker) service(name string) (*corev1.Service, *discoveryv1.EndpointSlice) {
	w := pick(m.r, m.workloads...)
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: w.ID.Namespace, Name: name}}
	for i := range 1 + m.r.IntN(2) {
		p := corev1.ServicePort{Name: names[i], Protocol: corev1.Protocol(pick(m.r, generator.Protocols[:]...).String()), Port: pick[int32](m.r, 53, 80, 81, 8080)}
		switch m.r.IntN(3) {
		case 0:
			p.TargetPort = intstr.FromInt32(pick[int32](m.r, 53, 80, 8080))
		case 1:
			p.TargetPort = intstr.FromString(pick(m.r, names...))
		}
		s.Spec.Ports = append(s.Spec.Ports, p)
	}
	switch m.r.IntN(10) {
	case 0:
		s.Spec = corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: pick(m.r, "api.example.com", "s0."+pick(m.r, namespaces...)+".svc.cluster.local")}
		return s, nil
	case 1:
		return s, m.slice(s)
	case 2:
		s.Spec.ClusterIP = corev1.ClusterIPNone
	}
	s.Spec.Selector = map[string]string{}
	keys := slices.Sorted(maps.Keys(w.Labels))
	for range 1 + m.r.IntN(2) {
		if len(keys) > 0 {
			key := pick(m.r, keys...)
			s.Spec.Selector[key] = w.Labels[key]
		}
	}
	if len(s.Spec.Selector) == 0 {
		s.Spec.Selector["tier"] = "x"
	}
	return s, nil
}

// slice is the addresses that somebody wrote down for a Service.
func (m *maker) slice(s *corev1.Service) *discoveryv1.EndpointSlice {
	out := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name, Labels: map[string]string{discoveryv1.LabelServiceName: s.Name}},
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	for i := range s.Spec.Ports {
		p := &s.Spec.Ports[i]
		out.Ports = append(out.Ports, discoveryv1.EndpointPort{Name: &p.Name, Protocol: &p.Protocol, Port: &p.Port})
	}
	for range 1 + m.r.IntN(2) {
		out.Endpoints = append(out.Endpoints, discoveryv1.Endpoint{Addresses: []string{pick(m.r, "203.0.113.7", "203.0.113.200", "198.51.100.1", "10.9.0.1")}})
	}
	return out
}

// servicePort is a port of a Service, by its number or its name, or none, which is
// all of them; of one that is a name there are none to know.
func (m *maker) servicePort(to generator.Peer) generator.Port {
	i := slices.IndexFunc(m.services, func(s *corev1.Service) bool { return s.Namespace == to.Namespace && s.Name == to.Name })
	if i < 0 || len(m.services[i].Spec.Ports) == 0 {
		return m.port()
	}
	p := pick(m.r, m.services[i].Spec.Ports...)
	protocol, err := generator.ParseProtocol(string(p.Protocol))
	if err != nil {
		return m.port() // every Service has one of the three
	}
	switch m.r.IntN(3) {
	case 0:
		return generator.NamedPort(protocol, p.Name)
	case 1:
		return generator.NumberedPort(protocol, uint16(p.Port)) //nolint:gosec // one of four
	}
	return generator.Port{}
}
