// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// directory finds the peers behind names and addresses. It is made once of an
// inventory and does not change but for its memory of answers.
type directory struct {
	inv      *inventory.Inventory
	universe *generator.Universe
	env      generator.Environment

	services  map[netip.Addr]*corev1.Service
	podsAt    map[netip.Addr]generator.WorkloadID // the zero ID where two workloads had the address
	podsNamed map[podName]generator.WorkloadID
	listening map[listener]bool
	dns       map[generator.WorkloadID]bool

	memory map[question]end
}

type podName struct{ namespace, name string }

// listener is a port on which a workload is known to accept connections.
type listener struct {
	id   generator.WorkloadID
	port generator.Port
}

// question is what the answer about an end depends on. An address counts only
// where there is no name.
type question struct {
	namespace, kind, workload, pod string
	reserved                       Reserved
	address                        netip.Addr
}

// end is what is known of one end of a flow.
type end struct {
	kind    endKind
	peer    generator.Peer  // of a known one
	service *corev1.Service // where peer is a Service
	what    string          // in words, of one that is not known

	// sure is Likely for what was found by an address, which another pod may have
	// had, or by the form of a name.
	sure generator.Confidence

	pod bool // of a group that is known to be a pod of it, and no address
}

type endKind uint8

const (
	notKnown endKind = iota
	aPeer
	anAddress // outside the cluster, as far as is known
	aMetadata
	aProbe // Cilium's own health checks
)

// maxMemory bounds the answers that are remembered.
const maxMemory = 1 << 16

func newDirectory(inv *inventory.Inventory, u *generator.Universe, env generator.Environment) *directory {
	d := &directory{
		inv: inv, universe: u, env: env, services: map[netip.Addr]*corev1.Service{}, podsAt: map[netip.Addr]generator.WorkloadID{},
		podsNamed: map[podName]generator.WorkloadID{}, listening: map[listener]bool{}, dns: map[generator.WorkloadID]bool{}, memory: map[question]end{},
	}
	for e := range inv.Entries(inventory.PodKind, "") {
		if e.Workload == nil {
			continue
		}
		id := generator.OwnerOf(inv, e.Workload)
		d.podsNamed[podName{e.Key.Namespace, e.Key.Name}] = id
		if e.Workload.Spec.HostNetwork {
			continue // its address is that of the node
		}
		for _, text := range e.Workload.Addresses {
			if a, err := netip.ParseAddr(text); err == nil {
				d.addPod(a.Unmap(), id)
			}
		}
	}
	for _, w := range u.Workloads() {
		for _, a := range w.Addresses {
			if !w.HostNetwork {
				d.addPod(a, w.ID)
			}
		}
		for _, p := range w.Ports {
			d.listening[listener{w.ID, generator.NumberedPort(p.Protocol, p.Number)}] = true
		}
		for _, set := range env.DNS.Pods {
			if set.Holds(w.ID.Namespace, w.Labels) {
				d.dns[w.ID] = true
				for _, p := range env.DNS.Ports {
					d.listening[listener{w.ID, p}] = true
				}
			}
		}
	}
	for s := range inventory.List[*corev1.Service](inv, inventory.ServiceKind, "") {
		d.addService(inv, s)
	}
	return d
}

func (d *directory) addPod(a netip.Addr, id generator.WorkloadID) {
	if other, twice := d.podsAt[a]; twice && other != id {
		id = generator.WorkloadID{}
	}
	d.podsAt[a] = id
}

// addService takes the addresses that lead to a Service, which are translated
// before a policy is asked, and the ports behind it.
func (d *directory) addService(inv *inventory.Inventory, s *corev1.Service) {
	addresses := slices.Concat([]string{s.Spec.ClusterIP}, s.Spec.ClusterIPs, s.Spec.ExternalIPs)
	for _, in := range s.Status.LoadBalancer.Ingress {
		addresses = append(addresses, in.IP)
	}
	for _, text := range addresses {
		if a, err := netip.ParseAddr(text); err == nil {
			d.services[a.Unmap()] = s
		}
	}
	if len(s.Spec.Selector) == 0 {
		return
	}
	for w := range inv.Selected(s.Namespace, s.Spec.Selector) {
		id := generator.OwnerOf(inv, w)
		for i := range s.Spec.Ports {
			p := &s.Spec.Ports[i]
			protocol, err := generator.ParseProtocol(string(p.Protocol))
			if err != nil || p.TargetPort.StrVal != "" {
				continue // the name is one of the container ports
			}
			number := p.TargetPort.IntVal
			if number == 0 {
				number = p.Port
			}
			if number > 0 && number <= generator.MaxPort {
				d.listening[listener{id, generator.NumberedPort(protocol, uint16(number))}] = true
			}
		}
	}
}

// find returns what is known of an end.
func (d *directory) find(e *Endpoint) end {
	q := question{namespace: e.Namespace, pod: e.Pod, reserved: e.Reserved}
	if len(e.Workloads) > 0 {
		q.kind, q.workload = e.Workloads[0].Kind, e.Workloads[0].Name
	}
	named := q.pod != "" || q.workload != ""
	if !named {
		q.address = e.Address
	}
	if !named && len(e.Labels) > 0 || len(e.Workloads) > 1 {
		return d.look(e) // the answer depends on more than the question
	}
	if known, ok := d.memory[q]; ok && known.kind != notKnown {
		return known
	}
	found := d.look(e)
	if found.kind != notKnown { // which the labels may tell the next time
		if len(d.memory) >= maxMemory {
			clear(d.memory)
		}
		d.memory[q] = found
	}
	return found
}

// destination returns what is known of a destination: where its address says
// nothing, the Service that the recorder names.
func (d *directory) destination(f *Flow) end {
	found := d.find(&f.Destination)
	if f.ServiceName == "" || found.kind != notKnown && found.kind != anAddress {
		return found
	}
	if s := d.inv.Service(f.ServiceNamespace, f.ServiceName); s != nil {
		return end{kind: aPeer, peer: generator.ServicePeerOf(s.Namespace, s.Name), service: s, sure: generator.Certain}
	}
	return found
}

func (d *directory) look(e *Endpoint) end {
	switch r := e.Reserved; {
	case r&Health != 0:
		return end{kind: aProbe}
	case r&APIServer != 0:
		return known(generator.Peer{Kind: generator.APIServerPeer}, generator.Certain)
	case r&(Host|RemoteNode) != 0:
		return known(generator.Peer{Kind: generator.NodePeer}, generator.Certain)
	case r&Gateway != 0:
		return known(generator.Peer{Kind: generator.GatewayPeer}, generator.Certain)
	}
	if e.Pod != "" || len(e.Workloads) > 0 || e.Namespace != "" && len(e.Labels) > 0 {
		return d.workload(e)
	}
	if e.Address.IsValid() {
		return d.at(e.Address)
	}
	if e.Namespace != "" {
		return end{what: "namespace " + e.Namespace + " without a pod"}
	}
	return end{what: "an end without a name or an address"}
}

func known(p generator.Peer, sure generator.Confidence) end {
	return end{kind: aPeer, peer: p, sure: sure}
}

// at returns what has an address.
func (d *directory) at(a netip.Addr) end {
	holds := func(list []netip.Prefix) bool {
		return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	if s := d.services[a]; s != nil {
		return end{kind: aPeer, peer: generator.ServicePeerOf(s.Namespace, s.Name), service: s, sure: generator.Certain}
	}
	if id, ok := d.podsAt[a]; ok {
		if id == (generator.WorkloadID{}) {
			return end{what: "address " + a.String() + ", which pods of several workloads have had"}
		}
		return known(generator.WorkloadPeerOf(id), generator.Likely)
	}
	switch env := &d.env; {
	case holds(env.Metadata):
		return end{kind: aMetadata, peer: generator.CIDRPeerOf(netip.PrefixFrom(a, a.BitLen()))}
	case holds(env.DNS.Addresses), slices.ContainsFunc(env.DNS.Others, func(l generator.Listener) bool { return l.Addresses.Contains(a) }):
		return known(generator.Peer{Kind: generator.DNSPeer}, generator.Certain)
	case holds(env.APIServer.Addresses):
		// The address alone does not tell the API server from its node: a port does.
		return known(generator.Peer{Kind: generator.APIServerPeer}, generator.Likely)
	case holds(env.Nodes.Addresses):
		return known(generator.Peer{Kind: generator.NodePeer}, generator.Certain)
	case holds(env.PodRanges), holds(env.ServiceRanges):
		return end{what: "address " + a.String() + ", which is in the cluster and nobody has now"}
	case !a.IsGlobalUnicast():
		return end{what: "address " + a.String() + ", which belongs to no single machine"}
	}
	return end{kind: anAddress, peer: generator.CIDRPeerOf(netip.PrefixFrom(a, a.BitLen())), sure: generator.Certain}
}
