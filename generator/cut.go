// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Cuts returns those problems that would cut an application off: connections of
// guarded pods with the gateway, the name servers or the API server, and Services
// that are meant to be reached from outside when nobody knows by whom. A plan is
// not to be applied while there is one.
func (m *Model) Cuts(inv *inventory.Inventory, problems []Problem) []Problem {
	var out []Problem
	for _, p := range problems {
		if m.guards(p.Edge) && (m.Environment.Vital(p.Edge.From) || m.Environment.Vital(p.Edge.To) || unserved(inv, p.Edge)) {
			out = append(out, p)
		}
	}
	return out
}

// About returns the problems that are about a guarded namespace: what has no
// namespace at all is about every one.
func (m *Model) About(problems []Problem) []Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool {
		named := false
		for _, namespace := range append([]string{p.Edge.From.Namespace, p.Edge.To.Namespace}, places(p.Edge.Because)...) {
			if _, guarded := m.Guards[namespace]; guarded {
				return false
			}
			named = named || namespace != ""
		}
		return named
	})
}

// places are the namespaces of the objects that evidence stands in.
func places(because []Evidence) []string {
	out := make([]string, 0, len(because))
	for i := range because {
		out = append(out, because[i].Object.Namespace)
	}
	return out
}

// Silent returns those of some Services to which no connection leads but those of
// monitoring and of pods to themselves: whoever uses them has their address in code,
// and would be refused.
func (m *Model) Silent(inv *inventory.Inventory, services []Peer) []Peer {
	reached := map[Peer]bool{}
	for i := range m.Edges {
		if e := &m.Edges[i]; e.From != e.To && e.From.Kind != MonitoringPeer {
			reached[e.To] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(services), func(service Peer) bool {
		behind, _ := Build(Input{Inventory: inv, Universe: m.Universe, Environment: m.Environment, Edges: []Edge{{
			From: Peer{Kind: ClusterPeer}, To: service, Because: []Evidence{{Source: Intent}},
		}}})
		return slices.ContainsFunc(behind.Edges, func(e Edge) bool { return reached[e.To] })
	})
}

// guards reports whether policies are made for an end.
func (m *Model) guards(e Edge) bool {
	_, from := m.Guards[e.From.Namespace]
	_, to := m.Guards[e.To.Namespace]
	return from || to
}

// Vital reports whether an application is cut off without this end: what is vital
// everywhere, or a workload that is a gateway here.
func (e *Environment) Vital(p Peer) bool { return p.Vital() || slices.Contains(e.Gateways, p) }

// Vital reports whether an application is cut off without this end: the gateway,
// the name servers, the API server.
func (p Peer) Vital() bool {
	return p.Kind == GatewayPeer || p.Kind == DNSPeer || p.Kind == APIServerPeer
}

// unserved reports whether a Service is meant to be reached from outside, and
// nobody knows by whom: the class of an Ingress, the ranges of a load balancer.
func unserved(inv *inventory.Inventory, e Edge) bool {
	return e.From == (Peer{}) && e.To.Kind == ServicePeer && inv.Service(e.To.Namespace, e.To.Name) != nil
}

// NamesOutside returns edges in which every address outside of the cluster stands
// in the place of a domain name, for policies that know no names. Each says so in
// its evidence, with the name and the words of by, which say who wants it.
func NamesOutside(edges []Edge, by string) []Edge {
	out := slices.Clone(edges)
	for i := range out {
		e := &out[i]
		if e.To.Kind != FQDNPeer {
			continue
		}
		name := e.To.Name
		e.To = Peer{Kind: ExternalPeer}
		e.Because = slices.Clone(e.Because)
		for j := range e.Because {
			e.Because[j].What = strings.TrimPrefix(e.Because[j].What+", of "+name+" ("+by+")", ", ")
		}
	}
	return out
}
