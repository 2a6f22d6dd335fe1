// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// TestPortSetIsASet compares the operations with those of a plain map of ports.
func TestPortSetIsASet(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 2))
	random := func() ([]Port, map[Port]bool) {
		var list []Port
		set := map[Port]bool{}
		for range r.IntN(6) {
			p := Port{Protocol: Protocols[r.IntN(3)], First: uint16(1 + r.IntN(20))}
			p.Last = p.First + uint16(r.IntN(6))
			if r.IntN(8) == 0 {
				p.First, p.Last = MaxPort-3, MaxPort
			}
			list = append(list, p)
			for n := int(p.First); n <= int(p.Last); n++ {
				set[NumberedPort(p.Protocol, uint16(n))] = true
			}
		}
		return list, set
	}
	check := func(ok bool, about ...any) {
		t.Helper()
		if !ok {
			t.Errorf("not the ports of the plain set: %v", about)
		}
	}
	for range 2000 {
		la, a := random()
		lb, b := random()
		sa, sb := Ports(la...), Ports(lb...)
		union, both, minus := sa.Union(sb), sa.Intersect(sb), sa.Minus(sb)
		for _, protocol := range Protocols {
			for _, n := range []uint16{1, 2, 3, 5, 8, 12, 19, 20, 21, 24, 25, 26, MaxPort - 4, MaxPort - 3, MaxPort} {
				p := NumberedPort(protocol, n)
				check(a[p] == sa.Contains(p), p, la)
				check((a[p] || b[p]) == union.Contains(p), p, la, lb)
				check((a[p] && b[p]) == both.Contains(p), p, la, lb)
				check((a[p] && !b[p]) == minus.Contains(p), p, la, lb)
			}
		}
		check(Ports(union.List()...).Equal(union), union)
		check(minus.Union(both).Equal(sa), sa)
		check(minus.Intersect(sb).Empty(), minus)
		for _, p := range union.List() {
			if err := p.Validate(); err != nil {
				t.Error(err)
			}
			check(union.Contains(p), p, union)
		}
	}
}

func TestPortSetSpeaks(t *testing.T) {
	t.Parallel()
	for want, set := range map[string]PortSet{
		"no port":                    {},
		"every port":                 AllPorts(),
		"TCP/80, TCP/8000-8080, UDP": Ports(EveryPort(UDP), NumberedPort(TCP, 80), Port{Protocol: TCP, First: 8000, Last: 8080}),
	} {
		if got := set.String(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	if set := Ports(NamedPort(TCP, "http"), Port{}, Port{Protocol: TCP, First: 9, Last: 8}); !set.Empty() {
		t.Errorf("%v: what is no number is in no set", set)
	}
}

func TestExternalIsOutside(t *testing.T) {
	t.Parallel()
	env := NewEnvironment()
	env.PodRanges = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8:1::/48")}
	env.Nodes.Addresses = []netip.Prefix{netip.MustParsePrefix("198.51.100.7/32"), netip.MustParsePrefix("203.0.113.9/32")}
	external := env.External()
	for address, want := range map[string]bool{
		"8.8.8.8": true, "198.51.100.8": true, "2001:db8:2::1": true, "198.51.100.7": false, "203.0.113.77": false, "2001:db8:1::1": false,
		"169.254.169.254": false, "10.1.2.3": false, "fd00:ec2::254": false, "168.63.129.16": false, "::1": false,
		// What NAT64 makes of 10.1.2.3, 8.8.8.8 and 169.254.169.254.
		"64:ff9b::a01:203": false, "64:ff9b::808:808": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::a9fe:a9fe": false, "64:ff9b:2::1": true,
	} {
		a := netip.MustParseAddr(address)
		if got := external[0].Holds(a) || external[1].Holds(a); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	for _, b := range external {
		for i, p := range b.Except {
			if !b.Prefix.Overlaps(p) || p.Bits() <= b.Prefix.Bits() {
				t.Errorf("%s: an exception is smaller than its block", p)
			}
			for _, q := range b.Except[i+1:] {
				if p.Overlaps(q) {
					t.Errorf("%s and %s overlap", p, q)
				}
			}
		}
	}
	if b := Without(netip.MustParsePrefix("10.1.0.0/16"), []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}); b.Prefix.IsValid() {
		t.Errorf("%v is left of a block that is covered", b)
	}
}

func TestServiceOf(t *testing.T) {
	t.Parallel()
	env := NewEnvironment()
	for host, want := range map[string]string{
		"carts": "Service shop/carts", "carts.pay": "Service pay/carts", "carts.pay.svc": "Service pay/carts", "Carts.pay.svc.cluster.local.": "Service pay/carts",
		"db-0.db.pay.svc": "Service pay/db", "db-0.db.pay.svc.cluster.local": "Service pay/db",
		"api.example.com": "", "carts.cluster.local": "", "a..b": "", "": "", "x.db-0.db.pay.svc": "",
	} {
		got, ok := env.ServiceOf(host, "shop")
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%q: %v %v, not %q", host, got, ok, want)
		}
	}
}
