// SPDX-License-Identifier: Apache-2.0

// Package network says which addresses belong together.
package network

import "net/netip"

// Of is whom an address counts for: of IPv6 the /64, which is what one customer has.
func Of(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// Contain tells whether an address is in one of the networks.
func Contain(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
