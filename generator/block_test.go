// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestPrefixesOfABlock(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10.0.0.0/8":                                 "[10.0.0.0/8]",
		"10.0.0.0/8 192.0.2.0/24":                    "[10.0.0.0/8]",
		"10.0.0.0/8 10.0.0.0/8":                      "[]",
		"10.0.0.0/8 0.0.0.0/0":                       "[]",
		"10.0.0.0/30 10.0.0.2/32":                    "[10.0.0.0/31 10.0.0.3/32]",
		"10.0.0.0/31 10.0.0.0/32 10.0.0.1/32":        "[]",
		"::/0 8000::/1":                              "[::/1]",
		"2001:db8::/126 2001:db8::1/128":             "[2001:db8::/128 2001:db8::2/127]",
		"0.0.0.0/0 128.0.0.0/1 64.0.0.0/2 0.0.0.0/3": "[32.0.0.0/3]",
	} {
		words := strings.Fields(text)
		var except []netip.Prefix
		for _, w := range words[1:] {
			except = append(except, netip.MustParsePrefix(w))
		}
		if got := fmt.Sprint(Block{netip.MustParsePrefix(words[0]), except}.Prefixes()); got != want {
			t.Errorf("%s: %s, not %s", text, got, want)
		}
	}
}

// TestWithout compares exceptions with those that are found by looking at each pair.
func TestWithout(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(1, 2))
	asked := 0
	for range 2000 {
		var list []netip.Prefix
		for range dice.IntN(12) {
			a := netip.AddrFrom4([4]byte{10, byte(dice.IntN(2)), byte(dice.IntN(4)), byte(dice.IntN(256))})
			if dice.IntN(4) == 0 {
				a = netip.AddrFrom16([16]byte{0x20, byte(dice.IntN(2)), 15: byte(dice.IntN(4))})
			}
			list = append(list, netip.PrefixFrom(a, 6+dice.IntN(a.BitLen()-5)))
		}
		for _, p := range []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2000::/4")} {
			var want []netip.Prefix
			whole := false
			for i, x := range list {
				whole = whole || x.Overlaps(p) && x.Bits() <= p.Bits()
				held := slices.ContainsFunc(list, func(y netip.Prefix) bool { return y.Overlaps(x) && y.Bits() < x.Bits() }) ||
					slices.ContainsFunc(list[:i], func(y netip.Prefix) bool { return y.Masked() == x.Masked() })
				if x.Overlaps(p) && !held {
					want = append(want, x.Masked())
				}
			}
			slices.SortFunc(want, netip.Prefix.Compare)
			if whole {
				want = nil
			}
			got := Without(p, list)
			if !slices.Equal(got.Except, want) || got.Prefix.IsValid() == whole {
				t.Fatalf("%s without %s: %s, not %s", p, list, got.Except, want)
			}
			asked += len(want)
		}
	}
	if asked < 1000 {
		t.Errorf("%d exceptions in all", asked)
	}
}

// BenchmarkWithout is a block with as many exceptions as an object may have.
func BenchmarkWithout(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			list := make([]netip.Prefix, n)
			for i := range list {
				list[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(1 + i>>15), byte(i >> 7), byte(i << 1), 0}), 24)
			}
			b.ReportAllocs()
			for b.Loop() {
				if block := Without(netip.MustParsePrefix("0.0.0.0/0"), list); len(block.Except) != n {
					b.Fatal(len(block.Except))
				}
			}
		})
	}
}
