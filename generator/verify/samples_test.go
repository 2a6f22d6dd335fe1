// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
)

func TestSamplesAreAnEndOfEachPart(t *testing.T) {
	t.Parallel()
	web := generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "web"}
	proxy := generator.WorkloadID{Namespace: "edge", Kind: "DaemonSet", Name: "proxy"}
	u, err := generator.NewUniverse([]*generator.Workload{
		{ID: web, Labels: map[string]string{"app": "web"}}, {ID: proxy, Labels: map[string]string{"app": "proxy"}, HostNetwork: true},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	env := generator.NewEnvironment()
	env.DNS.Pods = []generator.PodSet{{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}}, {Namespace: "kube-system", Labels: map[string]string{"app": "coredns"}}}
	env.DNS.Addresses = []netip.Prefix{netip.MustParsePrefix("169.254.20.10/32")}
	env.Gateway.Pods = []generator.PodSet{{Namespace: "edge", Labels: map[string]string{"app": "proxy"}}}
	env.Monitoring.Pods = []generator.PodSet{{Namespace: "monitoring"}, {Namespace: "shop", Labels: map[string]string{"app": "web"}}}
	m := &generator.Model{Universe: u, Environment: env}
	grouped := End{Stranger: Stranger{Kind: Grouped, Namespace: "kube-system", Labels: "k8s-app=kube-dns"}}
	second := End{Stranger: Stranger{Kind: Grouped, Namespace: "kube-system", Labels: "app=coredns"}}
	for name, tc := range map[string]struct {
		peer generator.Peer
		want []End
	}{
		"a workload":                                 {generator.WorkloadPeerOf(web), []End{PodOf(web)}},
		"a workload on the network of its node":      {generator.WorkloadPeerOf(proxy), nil},
		"a namespace with those to come":             {generator.NamespacePeerOf("shop"), []End{PodOf(web), StrangerIn("shop")}},
		"the cluster":                                {generator.Peer{Kind: generator.ClusterPeer}, []End{PodOf(web), StrangerIn("")}},
		"expected pods and addresses":                {generator.Peer{Kind: generator.DNSPeer}, []End{grouped, second, AddressOf(netip.MustParseAddr("169.254.20.10"))}},
		"a group of which the pods are on the nodes": {generator.Peer{Kind: generator.GatewayPeer}, nil},
		"a whole namespace and a known workload":     {generator.Peer{Kind: generator.MonitoringPeer}, []End{PodOf(web), StrangerIn("monitoring")}},
		"a name":                                     {generator.FQDNPeerOf("api.example.com"), []End{DomainOf("api.example.com")}},
		"outside, behind the first exception":        {generator.Peer{Kind: generator.ExternalPeer}, []End{AddressOf(netip.MustParseAddr("1.0.0.0")), AddressOf(netip.MustParseAddr("::"))}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Samples(m, tc.peer)
			if diff := cmp.Diff(tc.want, got, cmp.Comparer(func(a, b End) bool { return a == b }), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	for _, end := range []End{PodOf(web), grouped} {
		if !end.IsPod() {
			t.Errorf("%s is a pod", end)
		}
	}
	// Two groups of one namespace are two ends, of which a policy may allow one.
	compiled, err := Compile([]Policy{{
		Name: "p", Tier: Normal, Subject: Pods{Namespaces: labels.Everything(), Pods: labels.SelectorFromSet(labels.Set{"app": "web"})}, Isolates: generator.Guard{Egress: true},
		Egress: []Rule{{Name: "egress[0]", Action: Accept, EveryPort: true, Peers: []Peer{{Pods: Pods{Namespaces: labels.Everything(), Pods: labels.SelectorFromSet(labels.Set{"app": "coredns"})}}}}},
	}}, m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for end, want := range map[End]bool{grouped: false, second: true} {
		if v, err := compiled.Allowed(PodOf(web), end, generator.NumberedPort(generator.UDP, 53)); err != nil || v.Allowed != want {
			t.Errorf("to %s: %v (%v), want %v", end, v.Allowed, err, want)
		}
	}
	if AddressOf(netip.MustParseAddr("10.0.0.1")).IsPod() {
		t.Error("an address is no pod")
	}
}
