// SPDX-License-Identifier: Apache-2.0

package network

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestWhoseDropsCount: of what a plan allows, a drop at an end of the namespace is a
// fault of the plan, and one at the other end is not: its owner could withdraw the
// plan by a policy of his own and one packet.
func TestWhoseDropsCount(t *testing.T) {
	t.Parallel()
	other := web(corev1.DNSDefault)
	other.Namespace = "other"
	id := func(namespace string) generator.Peer {
		return generator.WorkloadPeerOf(generator.WorkloadID{Namespace: namespace, Kind: "Deployment", Name: "web"})
	}
	spec := &v1alpha1.NetworkPlanSpec{}
	for _, peer := range []v1alpha1.NetworkIntent{{From: &v1alpha1.NetworkPeer{Namespace: "other"}}, {To: &v1alpha1.NetworkPeer{Namespace: "other"}}} {
		peer.Ports, peer.Reason = []string{"8080"}, "partners"
		spec.Allow = append(spec.Allow, peer)
	}
	plan := &v1alpha1.NetworkPlan{Spec: *spec}
	plan.Namespace, plan.Name = "shop", v1alpha1.NetworkPlanName
	edge := func(from, to string) []generator.Edge {
		return []generator.Edge{{From: id(from), To: id(to), Port: generator.NumberedPort(generator.TCP, 8080), Because: []generator.Evidence{{Source: generator.Flow, Flows: 1, Last: time.Unix(1_000_000, 0)}}}}
	}
	for name, tc := range map[string]struct {
		traffic Traffic
		counts  bool
	}{
		"entering, here":            {Traffic{RefusedEntering: edge("other", "shop")}, true},
		"leaving, there":            {Traffic{RefusedLeaving: edge("other", "shop")}, false},
		"leaving, here":             {Traffic{RefusedLeaving: edge("shop", "other")}, true},
		"entering, there":           {Traffic{RefusedEntering: edge("shop", "other")}, false},
		"nobody said, coming in":    {Traffic{Refused: edge("other", "shop")}, true},
		"nobody said, going out":    {Traffic{Refused: edge("shop", "other")}, true},
		"at both ends, one of each": {Traffic{RefusedLeaving: edge("shop", "other"), RefusedEntering: edge("shop", "other")}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Sources{Inventory: inventory.New(web(corev1.DNSDefault), other), Plans: []*v1alpha1.NetworkPlan{plan}, Traffic: tc.traffic}
			p := lookAt(t, "generic", s).Propose("shop", spec)
			if p.Fault != nil || len(p.Drops) != truth(tc.counts) || tc.counts && (!p.Drops[0].Wanted || p.Drops[0].Flows != 1) {
				t.Errorf("fault %v, drops %+v", p.Fault, p.Drops)
			}
		})
	}
}
