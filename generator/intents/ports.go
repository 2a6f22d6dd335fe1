// SPDX-License-Identifier: Apache-2.0

package intents

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// usual returns the ports of an end where nobody said any: the zero port for a
// Service and for a group that has ports of its own, those that Build knows.
func (r *reader) usual(to generator.Peer) (ports []generator.Port, fault string) {
	switch to.Kind { //nolint:exhaustive // the others have no ports that would be known
	case generator.ServicePeer, generator.DNSPeer, generator.APIServerPeer:
		return []generator.Port{{}}, ""
	case generator.WorkloadPeer:
		if ports = r.declared(r.universe.Workload(to.ID())); len(ports) == 0 {
			return nil, fmt.Sprintf("no port is given, and %s declares none and is behind no Service", to)
		}
		return ports, ""
	}
	return nil, fmt.Sprintf("no port is given, and %s has none of its own", to)
}

// declared returns the ports of a workload's containers, and where they declare
// none those that Services lead to.
func (r *reader) declared(w *generator.Workload) []generator.Port {
	var out []generator.Port
	for _, c := range w.Ports {
		out = append(out, generator.NumberedPort(c.Protocol, c.Number))
	}
	if len(out) == 0 {
		for s := range r.inv.Selecting(w.ID.Namespace, w.Labels) {
			out = append(out, targets(s)...)
		}
	}
	slices.SortFunc(out, generator.Port.Compare)
	return slices.Compact(out)
}

// targets are the ports by number that a Service leads to. Names are of no use:
// the containers declare none.
func targets(s *corev1.Service) []generator.Port {
	var out []generator.Port
	for i := range s.Spec.Ports {
		p := &s.Spec.Ports[i]
		protocol, err := generator.ParseProtocol(string(p.Protocol))
		number := p.TargetPort.IntVal
		if number == 0 {
			number = p.Port
		}
		if err == nil && p.TargetPort.StrVal == "" && number > 0 && number <= generator.MaxPort {
			out = append(out, generator.NumberedPort(protocol, uint16(number)))
		}
	}
	return out
}

// nameless says why a named port makes no sense towards an end: names are given by
// containers. Empty for every other port.
func (r *reader) nameless(to generator.Peer, p generator.Port) string {
	if p.Name == "" {
		return ""
	}
	switch to.Kind {
	case generator.WorkloadPeer:
		if w := r.universe.Workload(to.ID()); w.Resolve(p).Empty() {
			return fmt.Sprintf("no container of %s has a port named %q of %s", to, p.Name, p.Protocol)
		}
	case generator.CIDRPeer, generator.FQDNPeer, generator.ExternalPeer, generator.NodePeer, generator.APIServerPeer:
		return fmt.Sprintf("%s is no pod, so that the name %q says no port: say its number", to, p.Name)
	case generator.NamespacePeer, generator.ClusterPeer, generator.ServicePeer, generator.DNSPeer, generator.GatewayPeer, generator.MonitoringPeer: // each pod has its own; of a Service, Build knows
	}
	return ""
}
