// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"cmp"
	"slices"
	"strings"
)

// PortSet is a set of numbered ports of the three protocols. The zero value is
// empty. Sets are values: no operation changes one, and any number of
// goroutines may share one.
type PortSet struct {
	spans []span // ordered, apart from each other by at least one port
}

// span is an inclusive range in one line on which the protocols follow each
// other, 65,536 places each; place 0 of each is never used, which keeps the
// ranges of two protocols apart.
type span struct{ first, last uint32 }

func spanOf(p Port) span {
	base := uint32(p.Protocol-TCP) << 16
	return span{base | uint32(p.First), base | uint32(p.Last)}
}

func (s span) port() Port {
	return Port{Protocol: TCP + Protocol(s.first>>16), First: uint16(s.first), Last: uint16(s.last)} //nolint:gosec // the low 16 bits
}

// Ports returns the set of the numbered ports. Ports that are not valid and
// names are left out: Workload.Resolve turns a name into numbers.
func Ports(list ...Port) PortSet {
	spans := make([]span, 0, len(list))
	for _, p := range list {
		if p.Name == "" && p.Validate() == nil {
			spans = append(spans, spanOf(p))
		}
	}
	return PortSet{joined(spans)}
}

// AllPorts is the set of every port of every protocol.
func AllPorts() PortSet { return Ports(EveryPort(TCP), EveryPort(UDP), EveryPort(SCTP)) }

// joined orders spans and joins those that touch. It uses the slice's memory.
func joined(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.first <= out[n-1].last+1 {
			out[n-1].last = max(out[n-1].last, s.last)
			continue
		}
		out = append(out, s)
	}
	return out
}

// Empty reports whether the set has no port.
func (s PortSet) Empty() bool { return len(s.spans) == 0 }

// Contains reports whether a port is in the set; for a range, all of it. Names
// are in no set.
func (s PortSet) Contains(p Port) bool {
	if p.Name != "" || p.Validate() != nil {
		return false
	}
	want := spanOf(p)
	i, _ := slices.BinarySearchFunc(s.spans, want, func(have, want span) int { return cmp.Compare(have.last, want.last) })
	return i < len(s.spans) && s.spans[i].first <= want.first
}

// Equal reports whether two sets have the same ports.
func (s PortSet) Equal(o PortSet) bool { return slices.Equal(s.spans, o.spans) }

// Union returns the ports of either set.
func (s PortSet) Union(o PortSet) PortSet {
	switch {
	case s.Empty():
		return o
	case o.Empty():
		return s
	}
	return PortSet{joined(slices.Concat(s.spans, o.spans))}
}

// Intersect returns the ports of both sets.
func (s PortSet) Intersect(o PortSet) PortSet {
	var out []span
	for i, j := 0, 0; i < len(s.spans) && j < len(o.spans); {
		a, b := s.spans[i], o.spans[j]
		if first, last := max(a.first, b.first), min(a.last, b.last); first <= last {
			out = append(out, span{first, last})
		}
		if a.last < b.last {
			i++
		} else {
			j++
		}
	}
	return PortSet{out}
}

// Minus returns the ports of s that are not in o.
func (s PortSet) Minus(o PortSet) PortSet {
	if o.Empty() {
		return s
	}
	var out []span
	j := 0
	for _, a := range s.spans {
		for j < len(o.spans) && o.spans[j].last < a.first {
			j++
		}
		rest := a
		for k := j; k < len(o.spans) && o.spans[k].first <= a.last; k++ {
			if cut := o.spans[k]; cut.first > rest.first {
				out = append(out, span{rest.first, cut.first - 1})
			}
			rest.first = o.spans[k].last + 1
		}
		if rest.first <= rest.last {
			out = append(out, rest)
		}
	}
	return PortSet{out}
}

// List returns the set as the fewest ranges, in order.
func (s PortSet) List() []Port {
	out := make([]Port, len(s.spans))
	for i, sp := range s.spans {
		out[i] = sp.port()
	}
	return out
}

// String returns the ranges with commas: "TCP/80, TCP/8000-8080, UDP"; "every
// port" and "no port" for the two ends.
func (s PortSet) String() string {
	if s.Empty() {
		return "no port"
	}
	if s.Equal(AllPorts()) {
		return "every port"
	}
	list := s.List()
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = p.String()
	}
	return strings.Join(words, ", ")
}
