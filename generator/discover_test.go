// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDiscoverDNS: B1.9. Pods are asked on their own port, a cache on the node on
// 53, and neither on the other's.
func TestDiscoverDNS(t *testing.T) {
	t.Parallel()
	const cache = `{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"node-local-dns","namespace":"kube-system"},"spec":{"selector":{"matchLabels":{"k8s-app":"node-local-dns"}},"template":{"metadata":{"labels":{"k8s-app":"node-local-dns"}},"spec":{"hostNetwork":true,"containers":[{"name":"c","image":"i"}]}}}}`
	service := func(target string) string {
		return `{"apiVersion":"v1","kind":"Service","metadata":{"name":"kube-dns","namespace":"kube-system","labels":{"kubernetes.io/name":"CoreDNS"}},"spec":{"clusterIP":"10.96.0.10","clusterIPs":["10.96.0.10"],"selector":{"k8s-app":"kube-dns"},"ports":[{"name":"dns","port":53,"protocol":"UDP","targetPort":` + target + `},{"name":"metrics","port":9153}]}}`
	}
	const ask = "Deployment shop/web -> "
	for name, tc := range map[string]struct {
		objects []string
		want    []string
	}{
		"pods on 53":                  {[]string{service("53")}, []string{ask + "dns TCP/53", ask + "dns UDP/53"}},
		"pods on a port of their own": {[]string{service("5353")}, []string{ask + "dns TCP/5353", ask + "dns UDP/5353"}},
		"pods on 53, and a cache":     {[]string{service("53"), cache}, []string{ask + "dns TCP/53", ask + "dns UDP/53"}},
		"pods on a port of their own, and a cache on 53": {[]string{service("5353"), cache}, []string{
			ask + "10.96.0.10/32 TCP/53", ask + "10.96.0.10/32 UDP/53", ask + "169.254.20.10/32 TCP/53", ask + "169.254.20.10/32 UDP/53", ask + "dns TCP/5353", ask + "dns UDP/5353",
		}},
		"pods whose port nobody knows, and a cache": {[]string{service(`"dns"`), cache}, []string{
			ask + "10.96.0.10/32 TCP/53", ask + "10.96.0.10/32 UDP/53", ask + "169.254.20.10/32 TCP/53", ask + "169.254.20.10/32 UDP/53", "problem: " + ask + "dns any port: no port given",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inv := inventoryOf(t, append(strings.Split(strings.TrimSpace(shop), "\n")[:1], tc.objects...)...)
			u, err := Observe(inv)
			if err != nil {
				t.Fatal(err)
			}
			web := WorkloadPeerOf(WorkloadID{"shop", "Deployment", "web"})
			m, problems := Build(Input{Inventory: inv, Universe: u, Environment: Discover(inv), Edges: []Edge{{From: web, To: Peer{Kind: DNSPeer}, Because: []Evidence{{Source: Template}}}}})
			var got []string
			for _, e := range m.Edges {
				got = append(got, e.String())
			}
			for _, p := range problems {
				got = append(got, "problem: "+p.String())
			}
			slices.Sort(got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff, fmt.Sprint(Discover(inv).DNS))
			}
		})
	}
}
