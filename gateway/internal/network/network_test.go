// SPDX-License-Identifier: Apache-2.0

package network

import (
	"net/netip"
	"testing"
)

func TestWhomAnAddressCountsFor(t *testing.T) {
	t.Parallel()
	for a, want := range map[string]string{"192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "2001:db8:1:2::": "2001:db8:1:2::", "fe80::1%eth0": "fe80::"} {
		if got := Of(netip.MustParseAddr(a)); got.String() != want {
			t.Errorf("%s counts for %s, want %s", a, got, want)
		}
	}
}

func TestWhoIsWithin(t *testing.T) {
	t.Parallel()
	list := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	for a, want := range map[string]bool{"192.0.2.7": true, "192.0.3.7": false, "2001:db8::1": true, "2001:db9::1": false} {
		if got := Contain(list, netip.MustParseAddr(a)); got != want {
			t.Errorf("%s: got %v", a, got)
		}
	}
	if Contain(nil, list[0].Addr()) {
		t.Error("somebody is in no network")
	}
}
