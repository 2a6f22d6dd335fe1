// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"net/netip"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// interval is addresses that no block tells apart. All intervals together are
// all addresses of both families.
type interval struct{ first, last netip.Addr }

// cut divides the addresses at the bounds of the prefixes.
func cut(prefixes map[netip.Prefix]bool) []interval {
	whole := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	starts := map[netip.Addr]bool{}
	for _, p := range whole {
		starts[p.Addr()] = true
	}
	for p := range prefixes {
		starts[p.Masked().Addr()] = true
		if next := lastOf(p).Next(); next.IsValid() {
			starts[next] = true
		}
	}
	ordered := make([]netip.Addr, 0, len(starts))
	for a := range starts {
		ordered = append(ordered, a)
	}
	slices.SortFunc(ordered, netip.Addr.Compare) // IPv4 first
	out := make([]interval, len(ordered))
	for i, a := range ordered {
		out[i].first = a
		switch {
		case i+1 < len(ordered) && ordered[i+1].BitLen() == a.BitLen():
			out[i].last = ordered[i+1].Prev()
		case a.Is4():
			out[i].last = lastOf(whole[0])
		default:
			out[i].last = lastOf(whole[1])
		}
	}
	return out
}

// at returns the interval that an address is in. One of IPv4 that is written as
// IPv6 is the one of IPv4.
func (s *space) at(a netip.Addr) int { return s.place(a.Unmap().WithZone("")) }

// place returns the interval that an address of its own family is in: the bounds
// of a block of IPv6 may look like an address of IPv4.
func (s *space) place(a netip.Addr) int {
	i, exact := slices.BinarySearchFunc(s.intervals, a, func(v interval, a netip.Addr) int { return v.first.Compare(a) })
	if exact {
		return i
	}
	return i - 1
}

// over returns the first interval of a prefix and the one after its last.
func (s *space) over(p netip.Prefix) (int, int) {
	return s.place(p.Masked().Addr()), s.place(lastOf(p)) + 1
}

// mark sets, or clears, what a list of prefixes covers.
func (s *space) mark(covered []bool, list []netip.Prefix, value bool) {
	for _, p := range list {
		from, to := s.over(p)
		if !s.meter.spend(1 + to - from) {
			return
		}
		for i := from; i < to; i++ {
			covered[i] = value
		}
	}
}

// inRanges marks the intervals in which addresses may be pods': those of the
// ranges, without the single addresses that nodes and the API server have there,
// unless these are all that there is.
func (s *space) inRanges() []bool {
	all, free := make([]bool, len(s.intervals)), make([]bool, len(s.intervals))
	env := &s.model.Environment
	s.mark(all, env.PodRanges, true)
	copy(free, all)
	for _, taken := range [][]netip.Prefix{env.Nodes.Addresses, env.APIServer.Addresses} {
		for _, p := range taken {
			if p.IsSingleIP() {
				s.mark(free, []netip.Prefix{p}, false)
			}
		}
	}
	if !slices.Contains(free, true) {
		return all
	}
	return free
}

// onlyPods marks the intervals in which every address is a pod's: those in the
// ranges that no group and no edge names as addresses.
func (s *space) onlyPods() []bool {
	covered := s.inRanges()
	env := &s.model.Environment
	for _, group := range groupsOf(env) {
		s.mark(covered, group.Addresses, false)
	}
	for i := range s.model.Edges {
		for _, p := range [...]generator.Peer{s.model.Edges[i].From, s.model.Edges[i].To} {
			within := func(r netip.Prefix) bool { return r.Bits() <= p.Prefix.Bits() && r.Overlaps(p.Prefix) }
			if p.Kind == generator.CIDRPeer && slices.ContainsFunc(env.PodRanges, within) {
				s.mark(covered, []netip.Prefix{p.Prefix}, false)
			}
		}
	}
	return covered
}
