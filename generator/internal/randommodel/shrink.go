// SPDX-License-Identifier: Apache-2.0

package randommodel

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// Shrink leaves out of a model one thing after another as long as it still
// fails: edges, workloads that no edge names, labels, ports, guards, namespaces,
// addresses, groups, Services and requests.
func Shrink(m *generator.Model, fails func(*generator.Model) bool) *generator.Model {
	for smaller := true; smaller; {
		smaller = false
		for _, less := range steps(m) {
			if next := less(); next != nil && fails(next) {
				m, smaller = next, true
				break
			}
		}
	}
	return m
}

// steps returns the ways to make a model smaller by one thing, the biggest first.
func steps(m *generator.Model) []func() *generator.Model {
	var out []func() *generator.Model
	for i := range m.Edges {
		out = append(out, func() *generator.Model {
			next := *m
			next.Edges = slices.Delete(slices.Clone(m.Edges), i, i+1)
			return &next
		})
	}
	for _, w := range m.Universe.Workloads() {
		out = append(out, func() *generator.Model { return replace(m, w, nil) })
		for _, key := range slices.Sorted(maps.Keys(w.Labels)) {
			out = append(out, func() *generator.Model {
				less := *w
				less.Labels, less.Selector = maps.Clone(w.Labels), maps.Clone(w.Selector)
				delete(less.Labels, key)
				delete(less.Selector, key)
				return replace(m, w, &less)
			})
		}
		if len(w.Selector) > 0 {
			out = append(out, func() *generator.Model {
				less := *w
				less.Selector = nil
				return replace(m, w, &less)
			})
		}
		if w.HostNetwork {
			out = append(out, func() *generator.Model {
				less := *w
				less.HostNetwork = false
				return replace(m, w, &less)
			})
		}
		for i := range w.Ports {
			out = append(out, func() *generator.Model {
				less := *w
				less.Ports = slices.Delete(slices.Clone(w.Ports), i, i+1)
				return replace(m, w, &less)
			})
		}
		if len(w.Addresses) > 0 {
			out = append(out, func() *generator.Model {
				less := *w
				less.Addresses = w.Addresses[1:]
				return replace(m, w, &less)
			})
		}
	}
	for _, namespace := range slices.Sorted(maps.Keys(m.Guards)) {
		guard := m.Guards[namespace]
		if guard == (generator.Guard{}) {
			out = append(out, func() *generator.Model {
				next := *m
				next.Guards = maps.Clone(m.Guards)
				delete(next.Guards, namespace)
				return &next
			})
		}
		for _, less := range []generator.Guard{{}, {Ingress: guard.Ingress}, {Egress: guard.Egress}} {
			if less != guard {
				out = append(out, func() *generator.Model {
					next := *m
					next.Guards = maps.Clone(m.Guards)
					next.Guards[namespace] = less
					return &next
				})
			}
		}
	}
	for _, namespace := range m.Universe.Namespaces() {
		if len(m.Universe.NamespaceLabels(namespace)) > 1 { // the first is the API server's
			out = append(out, func() *generator.Model {
				labels := namespacesOf(m)
				labels[namespace] = nil
				return within(m, m.Universe.Workloads(), labels)
			})
		}
		if len(m.Universe.Within(namespace)) == 0 {
			out = append(out, func() *generator.Model {
				labels := namespacesOf(m)
				delete(labels, namespace)
				return within(m, m.Universe.Workloads(), labels)
			})
		}
	}
	return slices.Concat(out, otherSteps(m), groupSteps(m))
}

// otherSteps returns the ways to make a model smaller by a range of addresses, by a
// Service, or by what an edge asks of requests.
func otherSteps(m *generator.Model) []func() *generator.Model {
	var out []func() *generator.Model
	for _, list := range []func(*generator.Environment) *[]netip.Prefix{
		func(e *generator.Environment) *[]netip.Prefix { return &e.PodRanges },
		func(e *generator.Environment) *[]netip.Prefix { return &e.ServiceRanges },
	} {
		whole := *list(&m.Environment)
		for i := range whole {
			out = append(out, func() *generator.Model {
				next := *m
				*list(&next.Environment) = slices.Delete(slices.Clone(whole), i, i+1)
				return &next
			})
		}
	}
	for i := range m.Services {
		out = append(out, func() *generator.Model {
			next := *m
			next.Services = slices.Delete(slices.Clone(m.Services), i, i+1)
			return &next
		})
	}
	for i := range m.Edges {
		if !m.Edges[i].Requests().All() {
			out = append(out, func() *generator.Model {
				next := *m
				next.Edges = slices.Clone(m.Edges)
				next.Edges[i].Because = []generator.Evidence{{Source: generator.Intent, Where: "all requests"}}
				return &next
			})
		}
	}
	return out
}

// groupSteps returns the ways to make a group of the environment smaller: by all of
// it, by some of its pods, by a block of its addresses.
func groupSteps(m *generator.Model) []func() *generator.Model {
	var out []func() *generator.Model
	for _, group := range []func(*generator.Environment) *generator.Group{
		func(e *generator.Environment) *generator.Group { return &e.DNS },
		func(e *generator.Environment) *generator.Group { return &e.Gateway },
		func(e *generator.Environment) *generator.Group { return &e.Monitoring },
		func(e *generator.Environment) *generator.Group { return &e.APIServer },
		func(e *generator.Environment) *generator.Group { return &e.Nodes },
	} {
		add := func(change func(*generator.Group)) {
			out = append(out, func() *generator.Model {
				next := *m
				change(group(&next.Environment))
				return &next
			})
		}
		whole := group(&m.Environment)
		if whole.Empty() {
			continue
		}
		add(func(g *generator.Group) { *g = generator.Group{} })
		if len(whole.Others) > 0 {
			add(func(g *generator.Group) { g.Others = nil })
		}
		if len(whole.Pods)+len(whole.Addresses) == 1 {
			continue
		}
		for i := range whole.Pods {
			add(func(g *generator.Group) { g.Pods = slices.Delete(slices.Clone(whole.Pods), i, i+1) })
		}
		for i := range whole.Addresses {
			add(func(g *generator.Group) { g.Addresses = slices.Delete(slices.Clone(whole.Addresses), i, i+1) })
		}
	}
	return out
}

// replace puts another workload in the place of one, or none; nil when an edge
// names the one that would be missing.
func replace(m *generator.Model, w, by *generator.Workload) *generator.Model {
	peer := generator.WorkloadPeerOf(w.ID)
	list := slices.DeleteFunc(slices.Clone(m.Universe.Workloads()), func(o *generator.Workload) bool { return o == w })
	if by != nil {
		list = append(list, by)
	} else if slices.ContainsFunc(m.Edges, func(e generator.Edge) bool { return e.From == peer || e.To == peer }) {
		return nil
	}
	return within(m, list, namespacesOf(m))
}

func namespacesOf(m *generator.Model) map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, namespace := range m.Universe.Namespaces() {
		out[namespace] = m.Universe.NamespaceLabels(namespace)
	}
	return out
}

// within is a model with other workloads and namespaces; nil when they cannot be.
func within(m *generator.Model, list []*generator.Workload, namespaces map[string]map[string]string) *generator.Model {
	u, err := generator.NewUniverse(list, namespaces)
	if err != nil {
		return nil
	}
	next := *m
	next.Universe = u
	return &next
}

// Text writes a model for a person.
func Text(m *generator.Model) string {
	var b strings.Builder
	for _, w := range m.Universe.Workloads() {
		fmt.Fprintf(&b, "%s labels %v selector %v ports %v host %v at %v\n", w.ID, w.Labels, w.Selector, w.Ports, w.HostNetwork, w.Addresses)
	}
	fmt.Fprintf(&b, "pods in %v, Services in %v\n", m.Environment.PodRanges, m.Environment.ServiceRanges)
	for _, s := range m.Services {
		fmt.Fprintf(&b, "%s selects %v, on other ports: %v\n", s.Service, s.Selector, s.Moved)
	}
	for _, namespace := range slices.Sorted(maps.Keys(m.Guards)) {
		fmt.Fprintf(&b, "guard %s %+v\n", namespace, m.Guards[namespace])
	}
	for k := generator.DNSPeer; k <= generator.MonitoringPeer; k++ {
		if g, _ := m.Environment.Group(k); !g.Empty() {
			fmt.Fprintf(&b, "%s: pods %v addresses %v ports %v others %v\n", k, g.Pods, g.Addresses, g.Ports, g.Others)
		}
	}
	for _, e := range m.Edges {
		fmt.Fprint(&b, e)
		if asked := e.Requests(); !asked.All() {
			fmt.Fprintf(&b, " for %s", asked)
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}
