// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	netutils "k8s.io/utils/net"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// endpointAddress is one address in an EndpointSlice or Endpoints.
type endpointAddress struct {
	text, field string
	name        bool // a host name and not an IP address
}

// endpointAddresses lists the addresses of an EndpointSlice or Endpoints.
func endpointAddresses(o inventory.Object) []endpointAddress {
	var out []endpointAddress
	switch o := o.(type) {
	case *discoveryv1.EndpointSlice:
		for i := range o.Endpoints {
			for j, a := range o.Endpoints[i].Addresses {
				out = append(out, endpointAddress{a, fmt.Sprintf("endpoints[%d].addresses[%d]", i, j), o.AddressType == discoveryv1.AddressTypeFQDN})
			}
		}
	case *corev1.Endpoints: //nolint:staticcheck // the deprecated kind still steers traffic (CVE-2021-25740)
		for i := range o.Subsets {
			for j := range o.Subsets[i].Addresses {
				out = append(out, endpointAddress{text: o.Subsets[i].Addresses[j].IP, field: fmt.Sprintf("subsets[%d].addresses[%d].ip", i, j)})
			}
			for j := range o.Subsets[i].NotReadyAddresses {
				out = append(out, endpointAddress{text: o.Subsets[i].NotReadyAddresses[j].IP, field: fmt.Sprintf("subsets[%d].notReadyAddresses[%d].ip", i, j)})
			}
		}
	}
	return out
}

// parseEndpoint reads an address as the API server does: leading zeros are
// decimal, and an IPv4 address written in IPv6 is the IPv4 address.
func parseEndpoint(text string) (netip.Addr, bool) {
	ip, ok := netip.AddrFromSlice(netutils.ParseIPSloppy(text))
	return ip.Unmap(), ok
}

// owners answers whose an address is. It reads the inventory when it is first
// asked something that needs it, once for all addresses of an object.
type owners struct {
	namespace string // whose pods an address may belong to
	in        checks.Input

	// kept says that a scan found the addresses, and that they seem to be
	// Kubernetes' own: nodes are then where pods of the namespace run.
	kept bool

	indexed  bool
	nodes    map[netip.Addr]string
	networks map[netip.Prefix]string // pod networks, by the node that has them
	lengths  []int                   // of the prefixes in networks
	virtual  map[netip.Addr]string   // cluster addresses, by Service
}

// owner is the answer. The zero value says that an address is nobody's that is
// known, which is what it should be.
type owner struct {
	what      string // a clause: "which is an address of Pod other/db-0"
	certainty checks.Certainty
}

// of says whose an address is, when it is somebody's to whom the author of an
// endpoint may not lead.
func (w *owners) of(addr netip.Addr) (owner, bool) {
	switch {
	case addr.IsLoopback() || addr.IsUnspecified() || addr.IsLinkLocalUnicast() || slices.Contains(metadataAddresses, addr):
		return owner{what: "which is " + addressRole(addr)}, true
	case addr.IsMulticast():
		return owner{what: "which is a multicast address"}, true
	}
	if apiServer(addr, w.in.Inventory) {
		return owner{what: "which is the API server's"}, true
	}
	own := false
	for pod := range w.in.Inventory.PodsAt(addr.String()) {
		if pod.Key.Namespace != w.namespace {
			return owner{what: "which is an address of " + pod.Key.String()}, true
		}
		own = true
	}
	// What a pod of the namespace says of itself counts for less than what nodes
	// and Services say: its status can be written.
	w.index()
	if node, known := w.nodes[addr]; known {
		if w.kept && sharesNodes(w.namespace, w.in) {
			return owner{}, false
		}
		return owner{what: "which is an address of Node " + node}, true
	}
	if svc, known := w.virtual[addr]; known {
		return owner{what: "which is the cluster address of Service " + svc}, true
	}
	if own {
		return owner{}, false
	}
	for _, bits := range w.lengths {
		p, err := addr.Prefix(bits)
		if node, known := w.networks[p]; err == nil && known {
			return owner{what: "which is in the pod network of Node " + node + ", where no pod of this namespace has it"}, true
		}
	}
	if len(w.nodes) == 0 && privateAddress(addr, nil) {
		return owner{what: "whose owner cannot be told, because no Node is known", certainty: checks.Undetermined}, true
	}
	return owner{}, false
}

// sharesNodes reports whether a namespace has pods in the host's network.
func sharesNodes(namespace string, in checks.Input) bool {
	for e := range in.Inventory.Entries(inventory.PodKind, namespace) {
		if e.Workload != nil && e.Workload.Spec != nil && e.Workload.Spec.HostNetwork {
			return true
		}
	}
	return false
}

func (w *owners) index() {
	if w.indexed {
		return
	}
	w.indexed = true
	w.nodes, w.networks, w.virtual = map[netip.Addr]string{}, map[netip.Prefix]string{}, map[netip.Addr]string{}
	for node := range inventory.List[*corev1.Node](w.in.Inventory, inventory.NodeKind, "") {
		for i := range node.Status.Addresses {
			if a, ok := parseEndpoint(node.Status.Addresses[i].Address); ok {
				w.nodes[a] = node.Name
			}
		}
		networks := node.Spec.PodCIDRs
		if len(networks) == 0 && node.Spec.PodCIDR != "" {
			networks = []string{node.Spec.PodCIDR}
		}
		for _, text := range networks {
			p, err := netip.ParsePrefix(text)
			if err != nil {
				continue
			}
			w.networks[p.Masked()] = node.Name
			if !slices.Contains(w.lengths, p.Bits()) {
				w.lengths = append(w.lengths, p.Bits())
			}
		}
	}
	for svc := range inventory.List[*corev1.Service](w.in.Inventory, inventory.ServiceKind, "") {
		if svc.Namespace == w.namespace {
			continue
		}
		for _, text := range append(slices.Clip(svc.Spec.ClusterIPs), svc.Spec.ClusterIP) {
			if a, ok := parseEndpoint(text); ok {
				w.virtual[a] = svc.Namespace + "/" + svc.Name
			}
		}
	}
}

// The Service by which pods reach the API server; the API server keeps its
// endpoints itself.
const (
	apiServerNamespace = corev1.NamespaceDefault
	apiServerService   = "kubernetes"
)

// apiServer reports whether an address is the API server's.
func apiServer(addr netip.Addr, inv *inventory.Inventory) bool {
	for s := range inv.Slices(apiServerNamespace, apiServerService) {
		for i := range s.Endpoints {
			for _, text := range s.Endpoints[i].Addresses {
				if a, ok := parseEndpoint(text); ok && a == addr {
					return true
				}
			}
		}
	}
	svc := inv.Service(apiServerNamespace, apiServerService)
	if svc == nil {
		return false
	}
	a, ok := parseEndpoint(svc.Spec.ClusterIP)
	return ok && a == addr || slices.ContainsFunc(svc.Spec.ClusterIPs, func(text string) bool {
		a, ok := parseEndpoint(text)
		return ok && a == addr
	})
}
