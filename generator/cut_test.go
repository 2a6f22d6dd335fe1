// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"testing"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

func TestCutsAndAbout(t *testing.T) {
	t.Parallel()
	m := &Model{Guards: map[string]Guard{"shop": {Ingress: true}}}
	web, other := WorkloadPeerOf(WorkloadID{"shop", "Deployment", "web"}), WorkloadPeerOf(WorkloadID{"other", "Deployment", "x"})
	group := func(k PeerKind) Peer { return Peer{Kind: k} }
	in := func(namespace string) []Evidence {
		return []Evidence{{Source: Manifest, Object: inventory.Key{Namespace: namespace, Name: "o"}}}
	}
	for name, tc := range map[string]struct {
		edge       Edge
		cut, about bool
	}{
		"the name servers":                   {Edge{From: web, To: group(DNSPeer)}, true, true},
		"the API server":                     {Edge{From: web, To: group(APIServerPeer)}, true, true},
		"the gateway":                        {Edge{From: group(GatewayPeer), To: web}, true, true},
		"an address":                         {Edge{From: web, To: group(ExternalPeer)}, false, true},
		"the name servers of another":        {Edge{From: other, To: group(DNSPeer)}, false, false},
		"an object of its own":               {Edge{Because: in("shop")}, false, true},
		"an object of another":               {Edge{Because: in("other")}, false, false},
		"an object of the whole cluster":     {Edge{Because: in("")}, false, true},
		"a Service that there is not":        {Edge{To: ServicePeerOf("shop", "gone")}, false, true},
		"between it and a namespace outside": {Edge{From: other, To: web}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := []Problem{{Edge: tc.edge, What: "x"}}
			if got := len(m.Cuts(inventory.New(), list)) > 0; got != tc.cut {
				t.Errorf("cuts: %t", got)
			}
			if got := len(m.About(list)) > 0; got != tc.about {
				t.Errorf("is about it: %t", got)
			}
		})
	}
}
