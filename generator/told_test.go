// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTold: what is wrong with a few is told of each, and what is wrong with many once.
func TestTold(t *testing.T) {
	t.Parallel()
	web := WorkloadPeerOf(WorkloadID{"shop", "Deployment", "web"})
	of := func(n int, what string) []Problem {
		var out []Problem
		for i := range n {
			to := CIDRPeerOf(netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), 32))
			out = append(out, Problem{Edge: Edge{From: web, To: to, Port: NumberedPort(TCP, 443)}, What: what})
		}
		return out
	}
	var few []string
	for i := range maxToldApart {
		few = append(few, fmt.Sprintf("Deployment shop/web -> 198.51.100.%d/32 TCP/443: some are wrong", i))
	}
	if diff := cmp.Diff(few, Told(of(maxToldApart, "some are wrong"))); diff != "" {
		t.Error(diff)
	}
	many := of(500, "give the ranges of pods")
	many[0].Edge.Because = []Evidence{{Source: Flow, Where: "flows.jsonl"}}
	want := append([]string{
		"500 connections (flows.jsonl: Deployment shop/web -> 198.51.100.0/32 TCP/443; Deployment shop/web -> 198.51.100.1/32 TCP/443; Deployment shop/web -> 198.51.100.2/32 TCP/443 and 497 more): give the ranges of pods",
	}, few...)
	if diff := cmp.Diff(want, Told(append(many, of(maxToldApart, "some are wrong")...))); diff != "" {
		t.Error(diff)
	}
	if got := Told(nil); len(got) > 0 {
		t.Error(got)
	}
}
