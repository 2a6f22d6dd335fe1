// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"net/netip"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

func TestAddressesAreGivenOnceAndKept(t *testing.T) {
	t.Parallel()
	pool, err := ParsePool("192.0.2.1-192.0.2.2, 198.51.100.8/31")
	if err != nil {
		t.Fatal(err)
	}
	taken := map[netip.Addr]translate.Name{netip.MustParseAddr("192.0.2.1"): {Name: "other"}}
	for name, tc := range map[string]struct {
		served Served
		want   string
		reason gatewayv1.GatewayConditionReason
	}{
		"the first that is free":      {Served{}, "192.0.2.2", ""},
		"an empty one is any":         {Served{Asked: []string{""}}, "192.0.2.2", ""},
		"one that is asked for":       {Served{Asked: []string{"198.51.100.9"}}, "198.51.100.9", ""},
		"one that is held":            {Served{Held: []string{"198.51.100.8"}}, "198.51.100.8", ""},
		"one that another has":        {Served{Asked: []string{"192.0.2.1"}}, "", gatewayv1.GatewayReasonAddressNotUsable},
		"one that was another's":      {Served{Held: []string{"192.0.2.1"}}, "192.0.2.2", ""},
		"one that is not there":       {Served{Asked: []string{"192.0.2.3"}}, "", gatewayv1.GatewayReasonAddressNotUsable},
		"one that is none":            {Served{Asked: []string{"x"}}, "", gatewayv1.GatewayReasonAddressNotUsable},
		"two":                         {Served{Asked: []string{"192.0.2.2", "198.51.100.9"}}, "", gatewayv1.GatewayReasonAddressNotUsable},
		"one that it has had already": {Served{Gateway: translate.Name{Name: "other"}, Asked: []string{"192.0.2.1"}}, "192.0.2.1", ""},
	} {
		got, fault := pool.assign(&tc.served, taken)
		if tc.want == "" && (fault == nil || fault.Reason != tc.reason) || tc.want != "" && (fault != nil || got.String() != tc.want) {
			t.Errorf("%s: got %s, %+v", name, got, fault)
		}
	}
	for _, a := range []string{"192.0.2.2", "198.51.100.8", "198.51.100.9"} {
		taken[netip.MustParseAddr(a)] = translate.Name{Name: "many"}
	}
	if got, fault := pool.assign(&Served{}, taken); fault == nil || fault.Reason != gatewayv1.GatewayReasonAddressNotAssigned {
		t.Errorf("of none that is free: got %s, %+v", got, fault)
	}
	for _, bad := range []string{"x", "192.0.2.2-192.0.2.1", "192.0.2.1-2001:db8::1", "0.0.0.0", "192.0.2.1/33"} {
		if p, err := ParsePool(bad); err == nil {
			t.Errorf("%q is read as %v", bad, p)
		}
	}
}
