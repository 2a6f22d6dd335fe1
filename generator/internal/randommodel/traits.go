// SPDX-License-Identifier: Apache-2.0

package randommodel

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// traits are what a model may have, so that a proof can say how often it was about it.
var traits = []struct {
	name string
	has  func(*generator.Model) bool
}{
	{"connections through a Service", func(m *generator.Model) bool { return len(m.Services) > 0 }},
	{"a Service on other ports than its pods", func(m *generator.Model) bool {
		return slices.ContainsFunc(m.Services, func(s generator.Through) bool { return s.Moved })
	}},
	{"named ports", anyEdge(func(e *generator.Edge) bool { return e.Port.Name != "" })},
	{"ranges of ports", anyEdge(func(e *generator.Edge) bool {
		return e.Port.Last > e.Port.First && e.Port != generator.EveryPort(e.Port.Protocol)
	})},
	{"SCTP", anyEdge(func(e *generator.Edge) bool { return e.Port.Protocol == generator.SCTP })},
	{"domain names", anyEdge(func(e *generator.Edge) bool { return e.To.Kind == generator.FQDNPeer })},
	{"wildcards", anyEdge(func(e *generator.Edge) bool {
		return e.To.Kind == generator.FQDNPeer && strings.HasPrefix(e.To.Name, "*")
	})},
	{"requests of HTTP", anyEdge(func(e *generator.Edge) bool { return !e.Requests().All() })},
	{"edges that expire", anyEdge(func(e *generator.Edge) bool { return !e.Expires().IsZero() })},
	{"a metadata service", anyEdge(func(e *generator.Edge) bool {
		return e.To.Kind == generator.CIDRPeer && e.To.Prefix.Addr().String() == "169.254.169.254"
	})},
	{"two guarded namespaces or more", func(m *generator.Model) bool {
		n := 0
		for _, g := range m.Guards {
			if g != (generator.Guard{}) {
				n++
			}
		}
		return n > 1
	}},
	{"labels without a value", anyWorkload(func(w *generator.Workload) bool {
		for _, v := range w.Labels {
			if v == "" {
				return true
			}
		}
		return false
	})},
	{"pods on the network of their node", anyWorkload(func(w *generator.Workload) bool { return w.HostNetwork })},
	{"pods with addresses", anyWorkload(func(w *generator.Workload) bool { return len(w.Addresses) > 0 })},
	{"pods with addresses of IPv6", anyWorkload(func(w *generator.Workload) bool { return slices.ContainsFunc(w.Addresses, netip.Addr.Is6) })},
	{"ranges of pods in both families", func(m *generator.Model) bool {
		families := map[bool]bool{}
		for _, p := range m.Environment.PodRanges {
			families[p.Addr().Is4()] = true
		}
		return len(families) == 2
	}},
	{"ranges of Services", func(m *generator.Model) bool { return len(m.Environment.ServiceRanges) > 0 }},
	{"name servers that are pods and addresses", func(m *generator.Model) bool {
		return len(m.Environment.DNS.Pods) > 0 && len(m.Environment.DNS.Addresses) > 0
	}},
	{"name servers on another port than 53", func(m *generator.Model) bool {
		dns := &m.Environment.DNS
		return !dns.Empty() && slices.ContainsFunc(dns.Ports, func(p generator.Port) bool { return p.Name == "" && p.First != 53 })
	}},
	{"name servers on a named port", func(m *generator.Model) bool {
		dns := &m.Environment.DNS
		return !dns.Empty() && slices.ContainsFunc(dns.Ports, func(p generator.Port) bool { return p.Name != "" })
	}},
	{"name servers on every node", func(m *generator.Model) bool {
		dns := &m.Environment.DNS
		return slices.Contains(dns.Addresses, nodeCache) || slices.ContainsFunc(dns.Others, func(l generator.Listener) bool { return l.Addresses == nodeCache })
	}},
}

func anyEdge(is func(*generator.Edge) bool) func(*generator.Model) bool {
	return func(m *generator.Model) bool {
		return slices.ContainsFunc(m.Edges, func(e generator.Edge) bool { return is(&e) })
	}
}

func anyWorkload(is func(*generator.Workload) bool) func(*generator.Model) bool {
	return func(m *generator.Model) bool { return slices.ContainsFunc(m.Universe.Workloads(), is) }
}

// Traits returns the names of all that a model may have, in order.
func Traits() []string {
	out := make([]string, len(traits))
	for i := range traits {
		out[i] = traits[i].name
	}
	return out
}

// Has reports for each of Traits whether a model has it.
func Has(m *generator.Model) []bool {
	out := make([]bool, len(traits))
	for i := range traits {
		out[i] = traits[i].has(m)
	}
	return out
}
