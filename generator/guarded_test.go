// SPDX-License-Identifier: Apache-2.0

package generator

import "testing"

// TestConnectionsOfGuardedNamespaces: those with an end there, and no others.
func TestConnectionsOfGuardedNamespaces(t *testing.T) {
	t.Parallel()
	workload := func(namespace string) Peer {
		return WorkloadPeerOf(WorkloadID{Namespace: namespace, Kind: "Deployment", Name: "web"})
	}
	dns := func(namespace string) Environment {
		e := NewEnvironment()
		e.DNS = Group{Pods: []PodSet{{Namespace: namespace}}}
		return e
	}
	for name, tc := range map[string]struct {
		from, to Peer
		servers  string // namespace of the name servers
		want     int
	}{
		"from there":                       {workload("shop"), workload("bank"), "kube-system", 1},
		"to there":                         {workload("bank"), workload("shop"), "kube-system", 1},
		"between others":                   {workload("bank"), workload("post"), "kube-system", 0},
		"to all of it":                     {workload("bank"), NamespacePeerOf("shop"), "kube-system", 1},
		"to all of another":                {workload("bank"), NamespacePeerOf("post"), "kube-system", 0},
		"to every pod of the cluster":      {workload("bank"), Peer{Kind: ClusterPeer}, "kube-system", 1},
		"to addresses outside":             {workload("bank"), Peer{Kind: ExternalPeer}, "kube-system", 0},
		"to name servers, which are there": {workload("bank"), Peer{Kind: DNSPeer}, "shop", 1},
		"to name servers elsewhere":        {workload("bank"), Peer{Kind: DNSPeer}, "kube-system", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &Model{Guards: map[string]Guard{"shop": {Ingress: true, Egress: true}}, Environment: dns(tc.servers), Edges: []Edge{{From: tc.from, To: tc.to}}}
			if got := m.Guarded(); len(got) != tc.want {
				t.Errorf("%d of %v, want %d", len(got), m.Edges, tc.want)
			}
			if len(m.Edges) != 1 {
				t.Error("the model has been changed")
			}
		})
	}
}
