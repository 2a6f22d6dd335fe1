// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// Pool is the addresses that Gateways get, each one of its own. The zero value has none:
// all Gateways share every address of the machine, and have to have ports of their own.
type Pool struct{ ranges []addresses }

// addresses are all from the first to the last.
type addresses struct{ first, last netip.Addr }

// ParsePool reads a list of addresses, ranges such as 192.0.2.10-192.0.2.20, and networks
// such as 192.0.2.16/28, with commas between them.
func ParsePool(list string) (Pool, error) {
	var out Pool
	var errs []error
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		r, err := parseRange(item)
		if err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", item, err))
			continue
		}
		out.ranges = append(out.ranges, r)
	}
	return out, errors.Join(errs...)
}

func parseRange(item string) (out addresses, err error) {
	if strings.Contains(item, "/") {
		p, err := netip.ParsePrefix(item)
		if err != nil {
			return out, err
		}
		out.first, out.last = p.Masked().Addr(), last(p)
		return out, nil
	}
	first, second, two := strings.Cut(item, "-")
	if out.first, err = netip.ParseAddr(strings.TrimSpace(first)); err != nil {
		return out, err
	}
	if out.last = out.first; two {
		if out.last, err = netip.ParseAddr(strings.TrimSpace(second)); err != nil {
			return out, err
		}
	}
	switch {
	case out.first.Is4() != out.last.Is4():
		return out, errors.New("one end is of IPv4 and the other of IPv6")
	case out.last.Less(out.first):
		return out, errors.New("it ends before it begins")
	case out.first.IsUnspecified():
		return out, errors.New("it is no address of its own")
	}
	return out, nil
}

// last is the last address of a network.
func last(p netip.Prefix) netip.Addr {
	raw := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(raw)*8; bit++ {
		raw[bit/8] |= 0x80 >> (bit % 8)
	}
	out, _ := netip.AddrFromSlice(raw) // it has the length of one
	return out
}

// Empty tells whether Gateways share all addresses of the machine.
func (p Pool) Empty() bool { return len(p.ranges) == 0 }

func (p Pool) has(a netip.Addr) bool {
	return slices.ContainsFunc(p.ranges, func(r addresses) bool {
		return r.first.Is4() == a.Is4() && !a.Less(r.first) && !r.last.Less(a)
	})
}

// free returns the first address that is not taken.
func (p Pool) free(taken map[netip.Addr]translate.Name) (netip.Addr, bool) {
	for _, r := range p.ranges {
		for a := r.first; a.IsValid() && !r.last.Less(a); a = a.Next() {
			if _, is := taken[a]; !is {
				return a, true
			}
		}
	}
	return netip.Addr{}, false
}

// assign finds an address for a Gateway: the one that it asks for, or else has had, or
// else any. Without one the state says why.
func (p Pool) assign(s *Served, taken map[netip.Addr]translate.Name) (netip.Addr, *State) {
	asked := slices.DeleteFunc(slices.Clone(s.Asked), func(a string) bool { return a == "" }) // which is any
	if len(asked) > 1 {
		return netip.Addr{}, &State{Reason: gatewayv1.GatewayReasonAddressNotUsable, Message: fmt.Sprintf("%d addresses are asked for, and a Gateway has one", len(asked))}
	}
	if len(asked) == 1 {
		a, err := netip.ParseAddr(asked[0])
		by, is := taken[a]
		switch {
		case err != nil || !p.has(a):
			return netip.Addr{}, &State{Reason: gatewayv1.GatewayReasonAddressNotUsable, Message: fmt.Sprintf("%.64q is no address that Gateways have here", asked[0])}
		case is && by != s.Gateway:
			return netip.Addr{}, &State{Reason: gatewayv1.GatewayReasonAddressNotUsable, Message: fmt.Sprintf("%s is another Gateway's", a)}
		}
		return a, nil
	}
	for _, held := range s.Held {
		a, err := netip.ParseAddr(held)
		if by, is := taken[a]; err == nil && p.has(a) && (!is || by == s.Gateway) {
			return a, nil
		}
	}
	if a, found := p.free(taken); found {
		return a, nil
	}
	return netip.Addr{}, &State{Reason: gatewayv1.GatewayReasonAddressNotAssigned, Message: "all addresses are other Gateways'"}
}
