// SPDX-License-Identifier: Apache-2.0

package templates

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func words(pairs map[string]string) string {
	return strings.ReplaceAll(metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: pairs}), ",", ", ")
}

// probed adds the connections of probes: to each workload on the ports that its
// own probes name. A workload without such a probe needs none.
func (a *applier) probed(e *edge, from []generator.Peer) {
	namespace := e.to.in
	if namespace == "" {
		namespace = a.in.Namespace
	}
	if a.in.Inventory == nil {
		a.problem(e.because, "the probes of the workloads of namespace %s are not known", namespace)
		return
	}
	ports := map[generator.WorkloadID][]generator.Port{}
	for _, kind := range inventory.Kinds() {
		for entry := range a.in.Inventory.Entries(kind.GroupKind, namespace) {
			if w := entry.Workload; w != nil {
				id := generator.OwnerOf(a.in.Inventory, w)
				ports[id] = append(ports[id], probePorts(w)...)
			}
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(ports), generator.WorkloadID.Compare) {
		w := a.in.Universe.Workload(id)
		set := generator.PodSet{Namespace: namespace, Labels: e.to.workloads.pairs}
		if w == nil || w.HostNetwork || !set.Holds(namespace, w.Labels) {
			continue // on the network of its node, no policy is in the way
		}
		list := ports[id]
		slices.SortFunc(list, generator.Port.Compare)
		for _, p := range slices.Compact(list) {
			if w.Resolve(p).Empty() {
				a.problem(e.because, "%s: a probe asks port %q, which no container has", id, p.Name)
				continue
			}
			for _, f := range from {
				a.out.Edges = append(a.out.Edges, generator.Edge{From: f, To: generator.WorkloadPeerOf(id), Port: p, Because: a.why(e.because)})
			}
		}
	}
}

// probePorts returns the ports on which the kubelet asks a pod. Probes that run a
// command use none, and those with a host of their own ask somebody else.
func probePorts(w *inventory.Workload) []generator.Port {
	var out []generator.Port
	for _, list := range [][]corev1.Container{w.Spec.Containers, w.Spec.InitContainers} {
		for i := range list {
			for _, p := range []*corev1.Probe{list[i].LivenessProbe, list[i].ReadinessProbe, list[i].StartupProbe} {
				if p != nil {
					out = append(out, handlerPorts(&p.ProbeHandler)...)
				}
			}
			if hooks := list[i].Lifecycle; hooks != nil {
				for _, h := range []*corev1.LifecycleHandler{hooks.PostStart, hooks.PreStop} {
					if h != nil && h.HTTPGet != nil && h.HTTPGet.Host == "" {
						out = append(out, probePort(h.HTTPGet.Port)...)
					}
				}
			}
		}
	}
	return out
}

func handlerPorts(h *corev1.ProbeHandler) []generator.Port {
	switch {
	case h.HTTPGet != nil && h.HTTPGet.Host == "":
		return probePort(h.HTTPGet.Port)
	case h.TCPSocket != nil && h.TCPSocket.Host == "":
		return probePort(h.TCPSocket.Port)
	case h.GRPC != nil:
		return probePort(intstr.FromInt32(h.GRPC.Port))
	}
	return nil
}

func probePort(p intstr.IntOrString) []generator.Port {
	switch {
	case p.Type == intstr.String && p.StrVal != "":
		return []generator.Port{generator.NamedPort(generator.TCP, p.StrVal)}
	case p.Type == intstr.Int && p.IntVal > 0 && p.IntVal <= generator.MaxPort:
		return []generator.Port{generator.NumberedPort(generator.TCP, uint16(p.IntVal))}
	}
	return nil
}
