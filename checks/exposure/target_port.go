// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// podPort is a port of a pod that traffic of a Service arrives at.
type podPort struct {
	number   int32  // 0 when only the name is known
	name     string // the container port's name, empty when it has none
	protocol corev1.Protocol
}

// targetsOf returns the ports of a workload that a Service's ports lead to.
func targetsOf(svc *corev1.Service, w *inventory.Workload) []podPort {
	out := make([]podPort, 0, len(svc.Spec.Ports))
	for i := range svc.Spec.Ports {
		out = append(out, targetPort(&svc.Spec.Ports[i], w))
	}
	return out
}

// targetPort resolves a Service's port in a workload. A name is looked up in
// the containers and then in the init containers that keep running, as
// EndpointSlices are made:
// https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/endpointslice/utils.go
// A target number of 0 means the port itself.
func targetPort(p *corev1.ServicePort, w *inventory.Workload) podPort {
	out := podPort{number: p.Port, protocol: protocol(p.Protocol)}
	switch {
	case p.TargetPort.Type == intstr.String && p.TargetPort.StrVal != "":
		out.number, out.name = 0, p.TargetPort.StrVal
		if w != nil {
			out.number = namedPort(w.Spec, out.name, out.protocol)
		}
		return out
	case p.TargetPort.Type == intstr.Int && p.TargetPort.IntVal != 0:
		out.number = p.TargetPort.IntVal
	}
	if w != nil {
		out.name = portName(w.Spec, out.number, out.protocol)
	}
	return out
}

// namedPort returns the number of a container port by name, 0 when no container
// has it.
func namedPort(spec *corev1.PodSpec, name string, proto corev1.Protocol) int32 {
	if spec == nil {
		return 0
	}
	for i := range spec.Containers {
		if n := portOf(&spec.Containers[i], name, proto); n != 0 {
			return n
		}
	}
	for i := range spec.InitContainers {
		if keepsRunning(&spec.InitContainers[i]) {
			if n := portOf(&spec.InitContainers[i], name, proto); n != 0 {
				return n
			}
		}
	}
	return 0
}

func portOf(c *corev1.Container, name string, proto corev1.Protocol) int32 {
	for i := range c.Ports {
		if c.Ports[i].Name == name && protocol(c.Ports[i].Protocol) == proto {
			return c.Ports[i].ContainerPort
		}
	}
	return 0
}

// portName returns the name of a container port by number.
func portName(spec *corev1.PodSpec, number int32, proto corev1.Protocol) string {
	if spec == nil {
		return ""
	}
	for i := range spec.Containers {
		for _, p := range spec.Containers[i].Ports {
			if p.ContainerPort == number && protocol(p.Protocol) == proto {
				return p.Name
			}
		}
	}
	return ""
}

// keepsRunning reports whether an init container is a sidecar.
func keepsRunning(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}
