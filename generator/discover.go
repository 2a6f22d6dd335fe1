// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// dnsServices are where distributions keep the Service of their name servers.
var dnsServices = []inventory.Key{
	{Kind: inventory.ServiceKind, Namespace: "kube-system", Name: "kube-dns"},                  // kubeadm, EKS, AKS, GKE, k3s, Talos
	{Kind: inventory.ServiceKind, Namespace: "kube-system", Name: "rke2-coredns-rke2-coredns"}, // RKE2
	{Kind: inventory.ServiceKind, Namespace: "kube-system", Name: "coredns"},                   // Kubespray
	{Kind: inventory.ServiceKind, Namespace: "openshift-dns", Name: "dns-default"},             // OpenShift
}

var daemonSetKind = schema.GroupKind{Group: appsv1.GroupName, Kind: "DaemonSet"}

// nodeLocalDNS is the address on which NodeLocal DNSCache listens, unless it was
// given another (kubernetes.io/docs/tasks/administer-cluster/nodelocaldns).
var nodeLocalDNS = netip.MustParsePrefix("169.254.20.10/32")

// Discover reads the environment out of the objects of a cluster: name servers
// from their Service (its selector and target ports, not its labels, which the
// pods need not have), the API server from the endpoints of default/kubernetes that
// are its own, and the nodes and the ranges of pods from the Nodes. An inventory of files
// seldom has them; what is missing stays empty.
func Discover(inv *inventory.Inventory) Environment {
	env := NewEnvironment()
	for _, key := range dnsServices {
		if s := inv.Service(key.Namespace, key.Name); s != nil && len(s.Spec.Selector) > 0 {
			env.DNS = discoverDNS(inv, s)
			break
		}
	}
	for slice := range inv.Slices("default", "kubernetes") {
		if whyNot(slice) != "" {
			continue
		}
		env.APIServer.Where = "Service default/kubernetes"
		for i := range slice.Endpoints {
			env.APIServer.Addresses = append(env.APIServer.Addresses, single(slice.Endpoints[i].Addresses)...)
		}
		for _, p := range slice.Ports {
			if p.Port != nil && *p.Port > 0 && *p.Port <= MaxPort {
				env.APIServer.Ports = append(env.APIServer.Ports, NumberedPort(TCP, uint16(*p.Port)))
			}
		}
	}
	for e := range inv.Entries(inventory.NodeKind, "") {
		n, ok := e.Object.(*corev1.Node)
		if !ok {
			continue
		}
		env.Nodes.Where = "the Nodes"
		for _, a := range n.Status.Addresses {
			env.Nodes.Addresses = append(env.Nodes.Addresses, single([]string{a.Address})...)
		}
		for _, text := range n.Spec.PodCIDRs {
			if p, err := netip.ParsePrefix(text); err == nil {
				env.PodRanges = append(env.PodRanges, p.Masked())
			}
		}
	}
	for _, list := range []*[]netip.Prefix{&env.APIServer.Addresses, &env.Nodes.Addresses, &env.PodRanges} {
		slices.SortFunc(*list, netip.Prefix.Compare)
		*list = slices.Compact(*list)
	}
	slices.SortFunc(env.APIServer.Ports, Port.Compare)
	env.APIServer.Ports = slices.Compact(env.APIServer.Ports)
	return env
}

// ofAPIServer are the names of the EndpointSlices that API servers write for
// default/kubernetes: of the first family of addresses, and of the second
// (k8s.io/kubernetes/pkg/controlplane/reconcilers, EndpointsAdapter). They set no
// endpointslice.kubernetes.io/managed-by, and put back what others change in them.
var ofAPIServer = []string{"kubernetes", "kubernetes-v4", "kubernetes-v6"}

// whyNot says why an EndpointSlice of default/kubernetes is not the API server's; empty
// for one that is. Who may write one in the namespace default could name any address.
func whyNot(s *discoveryv1.EndpointSlice) string {
	switch by, managed := s.Labels[discoveryv1.LabelManagedBy]; {
	case !slices.Contains(ofAPIServer, s.Name):
		return "those of API servers are named " + strings.Join(ofAPIServer, ", ")
	case managed:
		return fmt.Sprintf("%q manages it", by)
	}
	return ""
}

// Disbelieved returns the EndpointSlices that say they are of the API server, and which
// Discover does not believe; none where neither the model nor a problem with it is about
// the API server.
func (m *Model) Disbelieved(inv *inventory.Inventory, problems []Problem) []Problem {
	is := func(e *Edge) bool { return e.From.Kind == APIServerPeer || e.To.Kind == APIServerPeer }
	concerned := false
	for i := range m.Edges {
		concerned = concerned || is(&m.Edges[i])
	}
	for i := range problems {
		concerned = concerned || is(&problems[i].Edge)
	}
	if !concerned {
		return nil
	}
	var out []Problem
	for slice := range inv.Slices("default", "kubernetes") {
		if why := whyNot(slice); why != "" {
			out = append(out, Problem{
				Edge{From: Peer{Kind: APIServerPeer}, Because: []Evidence{{Source: Manifest, Object: inventory.KeyOf(slice)}}},
				"EndpointSlice " + slice.Namespace + "/" + slice.Name + " names addresses of it, which do not count: " + why,
			})
		}
	}
	slices.SortFunc(out, func(a, b Problem) int { return strings.Compare(a.What, b.What) })
	return out
}

// discoverDNS: pods listen on the target ports, which are not always 53. Names
// are asked for over UDP, and over TCP when an answer is long. A cache on the
// node, which is on the node's network, is reached by addresses, on port 53.
func discoverDNS(inv *inventory.Inventory, s *corev1.Service) Group {
	g := Group{Where: "Service " + s.Namespace + "/" + s.Name, Pods: []PodSet{{Namespace: s.Namespace, Labels: s.Spec.Selector}}}
	pods := slices.Collect(inv.Selected(s.Namespace, s.Spec.Selector))
	for i := range s.Spec.Ports {
		p := &s.Spec.Ports[i]
		if p.Port != 53 {
			continue // metrics
		}
		for _, protocol := range []Protocol{UDP, TCP} {
			g.Ports = append(g.Ports, targetPorts(p, protocol, pods)...)
		}
	}
	slices.SortFunc(g.Ports, Port.Compare)
	g.Ports = slices.Compact(g.Ports)
	if inv.Entry(inventory.Key{Kind: daemonSetKind, Namespace: "kube-system", Name: "node-local-dns"}) == nil {
		return g
	}
	g.Where += " and DaemonSet kube-system/node-local-dns"
	cache := []Port{NumberedPort(TCP, 53), NumberedPort(UDP, 53)}
	addresses := append([]netip.Prefix{nodeLocalDNS}, single(s.Spec.ClusterIPs)...)
	if slices.Equal(g.Ports, cache) {
		g.Addresses = addresses
		return g
	}
	for _, a := range addresses {
		g.Others = append(g.Others, Listener{Addresses: a, Ports: cache})
	}
	return g
}

// targetPorts returns the ports of the pods behind a port of a Service.
func targetPorts(p *corev1.ServicePort, protocol Protocol, pods []*inventory.Workload) []Port {
	if p.TargetPort.StrVal == "" {
		number := p.TargetPort.IntVal
		if number == 0 {
			number = p.Port
		}
		if number < 1 || number > MaxPort {
			return nil
		}
		return []Port{NumberedPort(protocol, uint16(number))}
	}
	var out []Port
	for _, w := range pods {
		// A name belongs to one protocol, while a name server listens on the same
		// number for both.
		declared := workloadOf(w, WorkloadID{})
		for _, c := range declared.Ports {
			if c.Name == p.TargetPort.StrVal {
				out = append(out, NumberedPort(protocol, c.Number))
			}
		}
	}
	return out
}

// single returns the addresses among the texts, each as a block of one.
func single(texts []string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range texts {
		if a, err := netip.ParseAddr(text); err == nil {
			a = a.Unmap()
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return out
}
