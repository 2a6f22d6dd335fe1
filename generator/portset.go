// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"cmp"
	"encoding/binary"
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

// Ranges returns how many ranges the set is made of, the fewest.
func (s PortSet) Ranges() int { return len(s.spans) }

// AppendKey appends bytes that no other set has, by which a map may know it.
func (s PortSet) AppendKey(b []byte) []byte {
	for _, sp := range s.spans {
		b = binary.LittleEndian.AppendUint64(b, uint64(sp.first)<<32|uint64(sp.last))
	}
	return b
}

// reaching returns the first of some spans that does not end before a place.
func reaching(spans []span, place uint32) int {
	i, _ := slices.BinarySearchFunc(spans, place, func(s span, place uint32) int { return cmp.Compare(s.last, place) })
	return i
}

// Contains reports whether a port is in the set; for a range, all of it. Names
// are in no set.
func (s PortSet) Contains(p Port) bool {
	if p.Name != "" || p.Validate() != nil {
		return false
	}
	want := spanOf(p)
	i := reaching(s.spans, want.last)
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
	out := make([]span, 0, len(s.spans)+len(o.spans))
	for i, j := 0, 0; i < len(s.spans) || j < len(o.spans); {
		var next span
		if j == len(o.spans) || i < len(s.spans) && s.spans[i].first < o.spans[j].first {
			next = s.spans[i]
			i++
		} else {
			next = o.spans[j]
			j++
		}
		if n := len(out); n > 0 && next.first <= out[n-1].last+1 {
			out[n-1].last = max(out[n-1].last, next.last)
		} else {
			out = append(out, next)
		}
	}
	return PortSet{out}
}

// Intersect returns the ports of both sets. One of few ranges costs little with
// one of many.
func (s PortSet) Intersect(o PortSet) PortSet {
	few, many := s.spans, o.spans
	if len(few) > len(many) {
		few, many = many, few
	}
	var out []span
	for _, a := range few {
		many = many[reaching(many, a.first):]
		for _, b := range many {
			if b.first > a.last {
				break
			}
			out = append(out, span{max(a.first, b.first), min(a.last, b.last)})
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
	without := o.spans
	for _, a := range s.spans {
		without = without[reaching(without, a.first):]
		rest := a
		for _, cut := range without {
			if cut.first > a.last {
				break
			}
			if cut.first > rest.first {
				out = append(out, span{rest.first, cut.first - 1})
			}
			rest.first = cut.last + 1
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
