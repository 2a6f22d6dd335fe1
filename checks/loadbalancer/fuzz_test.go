// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
)

// hostile are values that parsers of annotations, addresses and ranges have got wrong.
var hostile = []string{
	"", " ", "true", "True", "true ", "false", "0.0.0.0/0", "internal", "Internal", "internet-facing", "INTERNAL", "intranet",
	"010.0.0.1", "::ffff:0.0.0.0/0", "::ffff:8.8.8.8", "10.0.0.0/8 ,0.0.0.0/0", "10.0.0.1,", "fe80::1%eth0", "0x7f.1", "1e1",
	`{"type":"inner","type":"public"}`, `{"type":"inner"`, "[[[[", "\x00", "\xff\xfe", "１０.0.0.1", "10.0.0.1\n8.8.8.8",
	strings.Repeat("9", 5000), strings.Repeat("10.0.0.1,", 500), strings.Repeat("::", 2000),
}

func FuzzClassify(f *testing.F) {
	var keys []string
	for _, row := range Providers() {
		keys = append(keys, row.annotations()...)
		keys = append(keys, row.Marks...)
	}
	for i, value := range hostile {
		f.Add(uint16(i), uint16(2*i), value, hostile[len(hostile)-1-i], value, uint8(i))
	}
	f.Fuzz(func(t *testing.T, first, second uint16, one, two, address string, class uint8) {
		annotations := map[string]string{keys[int(first)%len(keys)]: one, keys[int(second)%len(keys)]: two}
		classes := []string{"", one, "service.k8s.aws/nlb", "metallb.io/metallb", "networking.gke.io/l4-regional-internal"}
		svc := service(classes[int(class)%len(classes)], annotations)
		svc.Spec.LoadBalancerIP = address
		for _, cfg := range []Config{
			{},
			{Providers: []string{"metallb"}, Pools: map[string][]netip.Prefix{one: {netip.MustParsePrefix("10.0.0.0/8")}}},
			{Extra: []Key{{Annotation: keys[int(first)%len(keys)], Internal: []string{two}, Case: CaseFold}}},
		} {
			got, again := Classify(svc, cfg), Classify(svc, cfg)
			if got.Evidence != again.Evidence || got.Scheme != again.Scheme || strings.Join(got.Conflicts, "\n") != strings.Join(again.Conflicts, "\n") {
				t.Fatalf("two verdicts differ: %+v and %+v", got, again)
			}
			if got.Evidence == "" || !utf8.ValidString(got.Evidence) || len(got.Conflicts) > maxConflicts || len(got.PinnedAddresses) > maxPins {
				t.Fatalf("malformed verdict %+v", got)
			}
			for _, addr := range got.PinnedAddresses {
				if !addr.IsValid() || addr.Is4In6() || addr.Zone() != "" {
					t.Fatalf("pinned address %v", addr)
				}
			}
		}
		SourceRanges(svc)
	})
}

// FuzzParseRanges compares with net.ParseCIDR: what both read they read alike, and nothing that it reads as the whole
// internet goes unnoticed.
func FuzzParseRanges(f *testing.F) {
	for _, value := range hostile {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		svc := service("", map[string]string{corev1.AnnotationLoadBalancerSourceRangesKey: value})
		ranges, _ := SourceRanges(svc)
		prefixes, errs := ParseRanges(ranges)
		if len(ranges) <= maxRanges && len(prefixes)+len(errs) < len(ranges) {
			t.Fatalf("%d entries gave %d ranges and %d errors", len(ranges), len(prefixes), len(errs))
		}
		for _, prefix := range prefixes {
			if !prefix.IsValid() || prefix != prefix.Masked() || (prefix.Addr().Is4In6() && prefix.Bits() >= 96) {
				t.Fatalf("range %v", prefix)
			}
		}
		for _, entry := range ranges {
			_, want, err := net.ParseCIDR(entry)
			if err != nil {
				continue
			}
			got, errs := ParseRanges([]string{entry})
			if len(got) != 1 || len(errs) != 0 {
				t.Fatalf("%q is a range, but gave %v and %v", entry, got, errs)
			}
			ones, bits := want.Mask.Size()
			addr, _ := netip.AddrFromSlice(want.IP)
			if expect, ok := normalise(netip.PrefixFrom(addr, ones)); bits == addr.BitLen() && (!ok || got[0] != expect) {
				t.Fatalf("%q gave %v, want %v", entry, got[0], expect)
			}
			if ones == 0 && !Broad(got[0]) {
				t.Fatalf("%q is the whole internet, but not broad", entry)
			}
		}
	})
}
