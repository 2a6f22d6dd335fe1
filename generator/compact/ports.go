// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// ports are numbers and names: what a name means is up to the pod that accepts.
type ports struct {
	numbers generator.PortSet
	names   []generator.Port // ordered, each once
}

func portsOf(p generator.Port) ports {
	if p.Name != "" {
		return ports{names: []generator.Port{p}}
	}
	return ports{numbers: generator.Ports(p)}
}

func (p ports) empty() bool { return p.numbers.Empty() && len(p.names) == 0 }

func (p ports) union(o ports) ports {
	out := ports{numbers: p.numbers.Union(o.numbers), names: p.names}
	for _, n := range o.names {
		if i, has := slices.BinarySearchFunc(out.names, n, generator.Port.Compare); !has {
			out.names = slices.Insert(slices.Clip(out.names), i, n)
		}
	}
	return out
}

func (p ports) intersect(o ports) ports {
	out := ports{numbers: p.numbers.Intersect(o.numbers)}
	for _, n := range p.names {
		if slices.Contains(o.names, n) {
			out.names = append(out.names, n)
		}
	}
	return out
}

// holds reports whether every port of o is in p. A name is in all ports of its
// protocol, whatever number it has.
func (p ports) holds(o ports) bool {
	return o.numbers.Minus(p.numbers).Empty() && !slices.ContainsFunc(o.names, func(n generator.Port) bool {
		return !slices.Contains(p.names, n) && !p.numbers.Contains(generator.EveryPort(n.Protocol))
	})
}

// meets reports whether p holds any port of o.
func (p ports) meets(o ports) bool {
	return !p.intersect(o).empty() || slices.ContainsFunc(o.names, func(n generator.Port) bool { return p.numbers.Contains(generator.EveryPort(n.Protocol)) })
}

// list returns the numbers as the fewest ranges, and the names that these do not
// hold.
func (p ports) list() []generator.Port {
	out := p.numbers.List()
	for _, n := range p.names {
		if !p.numbers.Contains(generator.EveryPort(n.Protocol)) {
			out = append(out, n)
		}
	}
	return out
}

func (p ports) String() string {
	var b strings.Builder
	for i, port := range p.list() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(port.String())
	}
	return b.String()
}
