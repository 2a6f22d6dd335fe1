// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// throughService replaces a Service by what accepts its connections: the pods it
// selects on their own ports, the addresses that are its endpoints, or the name
// that it stands for. A policy is about the connection after the address of the
// Service was translated (kubernetes.io/docs/concepts/services-networking/network-policies).
func (b *builder) throughService(e Edge) []Edge {
	s := b.inv.Service(e.To.Namespace, e.To.Name)
	switch {
	case s == nil:
		b.problem(e, "there is no %s", e.To)
		return nil
	case s.Spec.Type == corev1.ServiceTypeExternalName:
		return b.throughName(e, s)
	}
	ports := portsOf(s, e.Port)
	if len(ports) == 0 {
		b.problem(e, "%s has no such port", e.To)
		return nil
	}
	if len(s.Spec.Selector) == 0 {
		return b.throughEndpoints(e, ports)
	}
	workloads := b.behind(s)
	var out []Edge
	headless, moved := s.Spec.ClusterIP == corev1.ClusterIPNone, false
	for _, id := range workloads {
		for i := range ports {
			port, ok := podPort(b.universe.Workload(id), &ports[i], headless)
			if !ok {
				b.problem(e, "%s has no container port %q, to which %s leads", id, ports[i].TargetPort.String(), e.To)
				continue
			}
			moved = moved || !b.universe.Workload(id).Resolve(port).Contains(NumberedPort(port.Protocol, uint16(ports[i].Port))) //nolint:gosec // portsOf has left out the others
			out = append(out, Edge{From: e.From, To: WorkloadPeerOf(id), Port: port, Because: e.Because})
		}
	}
	if len(out) > 0 && !headless {
		b.through[e.To] = Through{Service: e.To, Selector: s.Spec.Selector, Moved: moved || b.through[e.To].Moved}
	}
	if len(workloads) == 0 {
		b.problem(e, "%s selects no workload", e.To)
	}
	return out
}

// throughName follows an ExternalName: DNS alone, so the port stays. A name of
// this cluster leads to another Service.
func (b *builder) throughName(e Edge, s *corev1.Service) []Edge {
	if e.Port == (Port{}) {
		b.problem(e, "%s stands for %s, and no port is given", e.To, s.Spec.ExternalName)
		return nil
	}
	name := strings.ToLower(strings.TrimSuffix(s.Spec.ExternalName, "."))
	if to, ok := b.env.ServiceOf(name, e.To.Namespace); ok {
		if next := b.inv.Service(to.Namespace, to.Name); next == nil || next.Spec.Type == corev1.ServiceTypeExternalName {
			b.problem(e, "%s stands for %s, which is no Service with pods or addresses", e.To, name)
			return nil
		}
		e.To = to
		return b.throughService(e)
	}
	e.To = FQDNPeerOf(name)
	return []Edge{e}
}

// ServiceOf reads a host name of this cluster: "svc", "svc.ns", "svc.ns.svc" or
// with the domain after it. The name alone is looked up in the namespace of
// whoever uses it. False for other names; whether the Service exists is not
// asked.
func (e *Environment) ServiceOf(host, namespace string) (Peer, bool) {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	inside := strings.TrimSuffix(host, "."+e.Domain)
	labels := strings.Split(inside, ".")
	switch {
	case slices.Contains(labels, ""):
		return Peer{}, false
	case inside != host: // with the domain, ".svc" must be there
		if len(labels) < 3 || labels[len(labels)-1] != "svc" {
			return Peer{}, false
		}
	case len(labels) == 1:
		return ServicePeerOf(namespace, labels[0]), true
	case len(labels) == 2:
		return ServicePeerOf(labels[1], labels[0]), true
	}
	// A pod of a headless Service has its own name before that of the Service.
	if n := len(labels); (n == 3 || n == 4) && labels[n-1] == "svc" {
		return ServicePeerOf(labels[n-2], labels[n-3]), true
	}
	return Peer{}, false
}

// portsOf returns the ports of a Service that an edge asks for.
func portsOf(s *corev1.Service, p Port) []corev1.ServicePort {
	var out []corev1.ServicePort
	for _, sp := range s.Spec.Ports {
		protocol, err := ParseProtocol(string(sp.Protocol))
		switch {
		case err != nil || sp.Port < 1 || sp.Port > MaxPort:
			continue
		case p == Port{}, p.Name != "" && p.Name == sp.Name,
			p.Name == "" && p.Protocol == protocol && Ports(p).Contains(NumberedPort(protocol, uint16(sp.Port))):
			out = append(out, sp)
		}
	}
	return out
}

// podPort returns the port of a workload that a port of a Service leads to. The
// name of a target port may be another number in every workload. The clients of
// a headless Service connect to the pods and not through it; that they do so on
// the target port is what its DNS records say.
func podPort(w *Workload, p *corev1.ServicePort, headless bool) (Port, bool) {
	protocol, _ := ParseProtocol(string(p.Protocol)) // portsOf has left out the others
	switch {
	case p.TargetPort.StrVal != "":
		if n, err := strconv.ParseUint(p.TargetPort.StrVal, 10, 16); err == nil && n > 0 {
			return NumberedPort(protocol, uint16(n)), true
		}
		port := NamedPort(protocol, p.TargetPort.StrVal)
		return port, !w.Resolve(port).Empty()
	case p.TargetPort.IntVal > 0 && p.TargetPort.IntVal <= MaxPort:
		return NumberedPort(protocol, uint16(p.TargetPort.IntVal)), true
	case headless || p.TargetPort.IntVal == 0:
		return NumberedPort(protocol, uint16(p.Port)), true //nolint:gosec // portsOf has left out the others
	}
	return Port{}, false
}

// throughEndpoints: a Service without a selector leads to the addresses that
// somebody wrote down for it, and to nothing else.
func (b *builder) throughEndpoints(e Edge, ports []corev1.ServicePort) []Edge {
	var out []Edge
	for slice := range b.inv.Slices(e.To.Namespace, e.To.Name) {
		for _, sp := range slice.Ports {
			if sp.Port == nil || *sp.Port < 1 || *sp.Port > MaxPort || !slices.ContainsFunc(ports, func(p corev1.ServicePort) bool { return sp.Name == nil || p.Name == *sp.Name }) {
				continue
			}
			text := ""
			if sp.Protocol != nil {
				text = string(*sp.Protocol)
			}
			protocol, err := ParseProtocol(text)
			if err != nil {
				continue
			}
			for i := range slice.Endpoints {
				for _, p := range single(slice.Endpoints[i].Addresses) {
					out = append(out, Edge{From: e.From, To: b.peerAt(p), Port: NumberedPort(protocol, uint16(*sp.Port)), Because: e.Because})
				}
			}
		}
	}
	if len(out) == 0 {
		b.problem(e, "%s has no selector, and no endpoints with addresses are known for it", e.To)
	}
	return out
}

// peerAt returns the workload whose pod has an address, or the address.
func (b *builder) peerAt(p netip.Prefix) Peer {
	for w := range b.inv.PodsAt(p.Addr().String()) {
		return WorkloadPeerOf(OwnerOf(b.inv, w))
	}
	return CIDRPeerOf(p)
}

// behind returns the workloads that a Service selects, in order.
func (b *builder) behind(s *corev1.Service) []WorkloadID {
	var out []WorkloadID
	for w := range b.inv.Selected(s.Namespace, s.Spec.Selector) {
		if id := OwnerOf(b.inv, w); b.universe.Workload(id) != nil {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, WorkloadID.Compare)
	return slices.Compact(out)
}
