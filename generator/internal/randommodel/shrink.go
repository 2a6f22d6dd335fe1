// SPDX-License-Identifier: Apache-2.0

package randommodel

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// Shrink leaves out of a model one thing after another as long as it still
// fails: edges, workloads that no edge names, labels, ports, guards and groups.
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
		for key := range w.Labels {
			out = append(out, func() *generator.Model {
				less := *w
				less.Labels, less.Selector = maps.Clone(w.Labels), maps.Clone(w.Selector)
				delete(less.Labels, key)
				delete(less.Selector, key)
				return replace(m, w, &less)
			})
		}
		if len(w.Selector) > 0 || len(w.Ports) > 0 {
			out = append(out, func() *generator.Model {
				less := *w
				less.Selector, less.Ports = nil, nil
				return replace(m, w, &less)
			})
		}
	}
	for namespace, guard := range m.Guards {
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
	for _, group := range []func(*generator.Environment) *generator.Group{
		func(e *generator.Environment) *generator.Group { return &e.DNS },
		func(e *generator.Environment) *generator.Group { return &e.Gateway },
		func(e *generator.Environment) *generator.Group { return &e.Monitoring },
		func(e *generator.Environment) *generator.Group { return &e.APIServer },
		func(e *generator.Environment) *generator.Group { return &e.Nodes },
	} {
		if !group(&m.Environment).Empty() {
			out = append(out, func() *generator.Model {
				next := *m
				*group(&next.Environment) = generator.Group{}
				return &next
			})
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
	labels := map[string]map[string]string{}
	for _, namespace := range m.Universe.Namespaces() {
		labels[namespace] = m.Universe.NamespaceLabels(namespace)
	}
	u, err := generator.NewUniverse(list, labels)
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
		fmt.Fprintf(&b, "%s labels %v selector %v ports %v host %v\n", w.ID, w.Labels, w.Selector, w.Ports, w.HostNetwork)
	}
	for _, namespace := range slices.Sorted(maps.Keys(m.Guards)) {
		fmt.Fprintf(&b, "guard %s %+v\n", namespace, m.Guards[namespace])
	}
	for k := generator.DNSPeer; k <= generator.MonitoringPeer; k++ {
		if g, _ := m.Environment.Group(k); !g.Empty() {
			fmt.Fprintf(&b, "%s: pods %v addresses %v\n", k, g.Pods, g.Addresses)
		}
	}
	for _, e := range m.Edges {
		fmt.Fprintln(&b, e)
	}
	return b.String()
}
