// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"maps"
	"slices"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// served is what a Plane is to serve: the Gateways of which translation has spoken, and
// what is served for classes of Ingresses that name none.
func served(o *translate.Objects, r *translate.Result) []Served {
	var out []Served
	known := map[translate.Name]bool{}
	for _, g := range o.Gateways {
		name := nameOf(g)
		if _, ours := r.Gateways[name]; !ours {
			continue
		}
		known[name] = true
		s := Served{Gateway: name, Created: g.CreationTimestamp.Time, Snapshot: r.Snapshots[name]}
		_, s.Keep = r.Faults[name]
		for _, a := range g.Spec.Addresses {
			s.Asked = append(s.Asked, a.Value)
		}
		for _, a := range g.Status.Addresses {
			s.Held = append(s.Held, a.Value)
		}
		out = append(out, s)
	}
	builtin := map[translate.Name]*Served{}
	for name, snapshot := range r.Snapshots {
		if !known[name] {
			builtin[name] = &Served{Gateway: name, Snapshot: snapshot}
		}
	}
	for name := range r.Faults {
		if !known[name] {
			builtin[name] = &Served{Gateway: name, Keep: true}
		}
	}
	// They are no objects that could have a status: the Ingresses know their addresses.
	for _, i := range o.Ingresses {
		for _, name := range r.Ingresses[nameOf(i)] {
			if s := builtin[name]; s != nil && len(s.Held) == 0 {
				for _, a := range i.Status.LoadBalancer.Ingress {
					s.Held = append(s.Held, a.IP)
				}
			}
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(builtin), compare) {
		out = append(out, *builtin[name])
	}
	return out
}
