// SPDX-License-Identifier: Apache-2.0

package enforcer

import (
	"fmt"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
)

// maxSingle is how many ports of a range are written one by one where ranges
// count for nothing: a policy with more is not read by anybody.
const maxSingle = 100

// ports returns the ports of a rule that can be said, and the edges of those.
func (a *adapter) ports(r *compact.Rule) ([]generator.Port, []*generator.Edge) {
	var out []generator.Port
	edges := r.Edges
	for _, p := range r.Ports {
		list, err := a.port(p, r.Edges)
		if err != nil {
			edges = a.without(edges, p, err)
			continue
		}
		out = append(out, list...)
	}
	return out, edges
}

func (a *adapter) port(p generator.Port, edges []*generator.Edge) ([]generator.Port, error) {
	switch {
	case p.Protocol == generator.SCTP && a.sctp != nil:
		return nil, a.sctp
	case p.Name != "" && a.oneNumber:
		return []generator.Port{p}, a.twice(p, edges)
	case a.ranges != rangesIgnored || p.Name != "" || p == generator.EveryPort(p.Protocol):
		return []generator.Port{p}, nil
	case int(p.Last)-int(p.First) >= maxSingle:
		return nil, fmt.Errorf("%s: ranges of ports (endPort) do not take effect with Dataplane V2, and more than %d ports are not written one by one: ask for fewer, or for every port", p, maxSingle)
	}
	return singles(p), nil
}

// singles returns the ports of a range one by one; every port of a protocol and
// a name as they are.
func singles(p generator.Port) []generator.Port {
	if p.Name != "" || p == generator.EveryPort(p.Protocol) {
		return []generator.Port{p}
	}
	out := make([]generator.Port, 0, int(p.Last)-int(p.First)+1)
	for n := int(p.First); n <= int(p.Last); n++ {
		out = append(out, generator.NumberedPort(p.Protocol, uint16(n))) //nolint:gosec // up to Last
	}
	return out
}

// without reports the edges that need a port, and returns the rest.
func (a *adapter) without(edges []*generator.Edge, p generator.Port, err error) []*generator.Edge {
	var rest, lost []*generator.Edge
	for _, e := range edges {
		if within(e, p) {
			lost = append(lost, e)
		} else {
			rest = append(rest, e)
		}
	}
	a.refuse(lost, err)
	return rest
}

// within reports whether a port of a rule is, or has a part of, what an edge
// needs.
func within(e *generator.Edge, p generator.Port) bool {
	return e.Port == p || p == generator.EveryPort(e.Port.Protocol) || // which has the named ones too
		!generator.Ports(p).Intersect(generator.Ports(e.Port)).Empty()
}

// twice says which of the accepting workloads gives a name to several ports.
func (a *adapter) twice(p generator.Port, edges []*generator.Edge) error {
	for _, e := range edges {
		if e.Port != p {
			continue
		}
		for _, w := range a.model.Members(e.To) {
			if len(w.Named(p.Name)) > 1 {
				return fmt.Errorf("%s has several ports named %s, and Cilium keeps one for a name: give the numbers", w.ID, p.Name)
			}
		}
	}
	return nil
}
