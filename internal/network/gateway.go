// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// followGateway adds to the gateway what is behind Services, each as
// "namespace/name": the pods that it selects, and the addresses of its endpoints
// where these are no pods of the cluster's network. A Service that is not there
// leads nowhere, so that what comes in by it is refused its plan.
func followGateway(inv *inventory.Inventory, services []string, g *generator.Group) error {
	for _, text := range services {
		namespace, name, found := strings.Cut(text, "/")
		if !found || namespace == "" || name == "" {
			return fmt.Errorf("--gateway-service %q: is not namespace/name", text)
		}
		s := inv.Service(namespace, name)
		if s == nil {
			continue
		}
		pods, node := standing(inv, s)
		if pods {
			g.Pods = append(g.Pods, generator.PodSet{Namespace: namespace, Labels: s.Spec.Selector})
		}
		if node {
			g.Addresses = append(g.Addresses, endpoints(inv, s)...)
		}
		g.Where = strings.TrimPrefix(g.Where+", Service "+text, ", ")
	}
	slices.SortFunc(g.Addresses, netip.Prefix.Compare)
	g.Addresses = slices.Compact(g.Addresses)
	return nil
}

// standing reports whether pods on the cluster's network are behind a Service, and
// whether something else is: pods on the network of their node, or what somebody
// wrote into the endpoints of a Service without a selector. Before there is a pod
// it is taken for one on the cluster's network.
func standing(inv *inventory.Inventory, s *corev1.Service) (pods, node bool) {
	if len(s.Spec.Selector) == 0 {
		return false, true
	}
	for w := range inv.Selected(s.Namespace, s.Spec.Selector) {
		if w.Spec != nil && w.Spec.HostNetwork {
			node = true
		} else {
			pods = true
		}
	}
	return pods || !node, node
}

func endpoints(inv *inventory.Inventory, s *corev1.Service) []netip.Prefix {
	var out []netip.Prefix
	for slice := range inv.Slices(s.Namespace, s.Name) {
		for i := range slice.Endpoints {
			for _, text := range slice.Endpoints[i].Addresses {
				if a, err := netip.ParseAddr(text); err == nil { // a slice of domain names has none
					a = a.Unmap()
					out = append(out, netip.PrefixFrom(a, a.BitLen()))
				}
			}
		}
	}
	return out
}
