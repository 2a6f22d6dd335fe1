// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/manifests/address"
)

// toService: which port, and whether a mere pair of words is an address.
func (f *finder) toService(m *mention, kind address.Kind, a address.Address, s *corev1.Service, c generator.Confidence) {
	qualified := strings.Contains(a.Host, ".svc")
	if a.Form == address.Word && !kind.Address() && !qualified {
		return
	}
	if qualified && a.Whole {
		c = generator.Likely
	}
	to := generator.ServicePeerOf(s.Namespace, s.Name)
	port := a.Port
	if port == 0 {
		port = a.Implied
	}
	if product := address.ProductPort(m.key); port == 0 && (s.Spec.Type == corev1.ServiceTypeExternalName || hasPort(s, product)) {
		port = product
	}
	if port == 0 {
		f.edge(m.pod.peer, to, generator.Port{}, m.evidence(c))
		return
	}
	listed := false
	for i := range s.Spec.Ports {
		protocol, err := generator.ParseProtocol(string(s.Spec.Ports[i].Protocol))
		if err == nil && s.Spec.Ports[i].Port == int32(port) {
			f.edge(m.pod.peer, to, generator.NumberedPort(protocol, port), m.evidence(c))
			listed = true
		}
	}
	if listed || a.Form == address.Pair && !kind.Address() && !qualified && s.Spec.Type != corev1.ServiceTypeExternalName {
		return
	}
	number := generator.NumberedPort(protocolOf(a), port)
	if s.Spec.ClusterIP != corev1.ClusterIPNone || a.Port == 0 {
		f.edge(m.pod.peer, to, number, m.evidence(c)) // Build says that there is no such port
		return
	}
	for _, id := range f.behind(s) { // the pods themselves, on a port that the Service does not list
		f.edge(m.pod.peer, generator.WorkloadPeerOf(id), number, m.evidence(c))
	}
}

func hasPort(s *corev1.Service, number uint16) bool {
	for i := range s.Spec.Ports {
		if s.Spec.Ports[i].Port == int32(number) {
			return true
		}
	}
	return false
}

func protocolOf(a address.Address) generator.Protocol {
	if a.UDP {
		return generator.UDP
	}
	return generator.TCP
}

// toName: a name that is no Service of the inventory. It is one outside of the
// cluster, one that is missing, or no name at all.
func (f *finder) toName(m *mention, kind address.Kind, a address.Address, c generator.Confidence) {
	database := a.Form == address.Connection || a.Form == address.URL && a.Implied != 0 && a.Implied != 80 && a.Implied != 443
	strong := kind.Address() || a.Form >= address.URL && a.Whole
	if p, missing := f.missingService(a.Host, m.pod.Key.Namespace); missing {
		said := kind.Address() || a.Port != 0 || a.Implied != 0 // not "custom://thing"
		if !strong || !said || a.Form == address.Word && (kind != address.HostOf || m.line > 0) {
			return
		}
		if m.secret {
			f.problem(m.pod.peer, generator.Peer{}, generator.Port{}, m.evidence(c), "the host is no Service of namespace %s", m.pod.Key.Namespace)
			return
		}
		f.problem(m.pod.peer, p, generator.Port{}, m.evidence(c), "there is no %s among the objects", p)
		return
	}
	plausible := address.Public(a.Host) && (a.Plain || strong)
	switch {
	case !plausible && (!strong || a.Form < address.URL || !strings.Contains(a.Host, ".")):
		return
	case a.Form == address.Word && !kind.Address():
		return
	case !a.Whole && !kind.Address() && !database && !m.script:
		return // a text quotes URLs that nobody opens
	}
	if kind == address.Shown || a.Form == address.URL && !database && !kind.Address() {
		c = generator.Guessed
	}
	port, to := f.portOutside(m, a), generator.FQDNPeerOf(a.Host)
	if _, parent, ok := strings.Cut(a.Host, "."); ok && a.Records && strings.Contains(parent, ".") {
		// The hosts that the records name share the parent domain: drivers insist
		// (github.com/mongodb/specifications, initial-dns-seedlist-discovery).
		to = generator.FQDNPeerOf("*." + parent)
	}
	if port == 0 {
		f.problem(m.pod.peer, to, generator.Port{}, m.evidence(c), "nothing says on which port")
		return
	}
	f.edge(m.pod.peer, to, generator.NumberedPort(protocolOf(a), port), m.evidence(c))
}

// missingService returns the Service that a name must be of, though the
// inventory has none: one without a dot, one with the cluster's suffix, and one
// whose last label is a namespace of the inventory.
func (f *finder) missingService(host, namespace string) (generator.Peer, bool) {
	p, inside := f.env.ServiceOf(host, namespace)
	if !inside {
		return p, strings.HasSuffix(host, "."+f.env.Domain)
	}
	dots := strings.Count(host, ".")
	return p, dots == 0 || dots >= 2 || f.universe.NamespaceLabels(p.Namespace) != nil
}

func (f *finder) portOutside(m *mention, a address.Address) uint16 {
	for _, p := range []uint16{a.Port, a.Implied, address.ProductPort(m.key)} {
		if p != 0 {
			return p
		}
	}
	return 0
}

// toIP: a literal address, of a Service, of a pod, or of neither.
func (f *finder) toIP(m *mention, kind address.Kind, a address.Address, c generator.Confidence) {
	if a.Form == address.Word && !kind.Address() || !a.Whole && !kind.Address() && a.Form < address.URL && f.byIP[a.IP] == nil {
		return
	}
	port := f.portOutside(m, a)
	number := generator.Port{}
	if port != 0 {
		number = generator.NumberedPort(protocolOf(a), port)
	}
	to := generator.CIDRPeerOf(netip.PrefixFrom(a.IP, a.IP.BitLen()))
	within := func(list []netip.Prefix) bool {
		for _, p := range list {
			if p.Contains(a.IP) {
				return true
			}
		}
		return false
	}
	switch s := f.byIP[a.IP]; {
	case within(f.env.Metadata):
		f.problem(m.pod.peer, to, number, m.evidence(c), "is a metadata service, which hands out the node's credentials: only an intent may ask for that")
	case s != nil:
		f.toService(m, kind, a, s, c)
	case a.IP.IsUnspecified(), a.IP.IsLoopback(), a.IP.IsMulticast(), a.IP.IsLinkLocalUnicast():
		return
	case f.podAt(a.IP) != generator.Peer{} && port != 0:
		f.edge(m.pod.peer, f.podAt(a.IP), number, m.evidence(c))
	case within(f.env.ServiceRanges), within(f.env.PodRanges):
		f.problem(m.pod.peer, to, number, m.evidence(c), "is an address of this cluster that belongs to nothing among the objects")
	case port == 0:
		f.problem(m.pod.peer, to, number, m.evidence(c), "nothing says on which port")
	default:
		f.edge(m.pod.peer, to, number, m.evidence(c))
	}
}

func (f *finder) podAt(a netip.Addr) generator.Peer {
	for w := range f.inv.PodsAt(a.String()) {
		return generator.WorkloadPeerOf(generator.OwnerOf(f.inv, w))
	}
	return generator.Peer{}
}
