// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// directory finds the peers behind names and addresses. It is made once of an
// inventory and does not change but for its memory of answers.
type directory struct {
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
		universe: u, env: env, services: map[netip.Addr]*corev1.Service{}, podsAt: map[netip.Addr]generator.WorkloadID{},
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

// listens reports whether an end is known to accept connections on a port.
func (d *directory) listens(e *end, p generator.Port) bool {
	switch {
	case e.service != nil:
		return slices.ContainsFunc(e.service.Spec.Ports, func(sp corev1.ServicePort) bool {
			protocol, err := generator.ParseProtocol(string(sp.Protocol))
			return err == nil && protocol == p.Protocol && sp.Port == int32(p.First)
		})
	case e.peer.Kind == generator.WorkloadPeer:
		return d.listening[listener{e.peer.ID(), p}]
	}
	group, _ := d.env.Group(e.peer.Kind)
	return slices.Contains(group.Ports, p)
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
	case holds(env.DNS.Addresses):
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

// workload returns the workload of a pod: by its owner, by the pod, by the form
// of its name where the pod is gone, and by its labels.
func (d *directory) workload(e *Endpoint) end {
	for _, w := range e.Workloads {
		if id, ok := d.owner(e.Namespace, w); ok {
			return known(generator.WorkloadPeerOf(id), generator.Certain)
		}
	}
	if e.Pod != "" {
		namespace, name := e.Namespace, e.Pod
		if before, after, both := strings.Cut(name, "/"); both && namespace == "" {
			namespace, name = before, after
		}
		if id, ok := d.podsNamed[podName{namespace, name}]; ok {
			return known(generator.WorkloadPeerOf(id), generator.Certain)
		}
		if id, ok := d.likeName(namespace, name); ok {
			return known(generator.WorkloadPeerOf(id), generator.Likely)
		}
	}
	if id, ok := d.labelled(e); ok {
		return known(generator.WorkloadPeerOf(id), generator.Likely)
	}
	return end{what: d.stranger(e)}
}

// stranger says in words who is not known.
func (d *directory) stranger(e *Endpoint) string {
	name := "pod " + e.Namespace + "/" + e.Pod
	switch {
	case len(e.Workloads) > 0:
		id := generator.WorkloadID{Namespace: e.Namespace, Kind: e.Workloads[0].Kind, Name: e.Workloads[0].Name}
		name = strings.TrimSpace(id.String())
	case e.Pod == "":
		name = "a pod of namespace " + e.Namespace
	}
	if e.Namespace != "" && d.universe.NamespaceLabels(e.Namespace) == nil {
		name += ", whose namespace is not known"
	}
	return name
}

// owner finds what a recorder names as the owner of a pod. What is made by
// another object belongs to that: the ReplicaSet of a Deployment and the Job of
// a CronJob have its name and one word more.
func (d *directory) owner(namespace string, w WorkloadName) (generator.WorkloadID, bool) {
	id := generator.WorkloadID{Namespace: namespace, Kind: w.Kind, Name: w.Name}
	if w.Kind == "" {
		return d.only(namespace, func(o *generator.Workload) bool { return o.ID.Name == w.Name })
	}
	if d.universe.Workload(id) != nil {
		return id, true
	}
	above := map[string]string{"ReplicaSet": "Deployment", "Job": "CronJob"}[w.Kind]
	return d.named(namespace, above, cut(w.Name))
}

// named returns a workload if it is known.
func (d *directory) named(namespace, kind, name string) (generator.WorkloadID, bool) {
	id := generator.WorkloadID{Namespace: namespace, Kind: kind, Name: name}
	return id, name != "" && kind != "" && d.universe.Workload(id) != nil
}

// likeName finds the workload whose controller gives its pods such names
// (kubernetes.io/docs/concepts/workloads): a Deployment two words more, a Job of
// a CronJob two, a StatefulSet a number, a DaemonSet one word.
func (d *directory) likeName(namespace, pod string) (generator.WorkloadID, bool) {
	once := cut(pod)
	kinds := []string{"DaemonSet", "Job", "ReplicaSet"}
	if tail := pod[min(len(pod), len(once)+1):]; strings.Trim(tail, "0123456789") == "" {
		kinds = []string{"StatefulSet"}
	}
	for _, kind := range kinds {
		if id, ok := d.named(namespace, kind, once); ok {
			return id, true
		}
	}
	for _, kind := range []string{"Deployment", "CronJob"} {
		if id, ok := d.named(namespace, kind, cut(once)); ok {
			return id, true
		}
	}
	return d.named(namespace, "Pod", pod)
}

// cut returns a name without its last word; nothing for a name of one word.
func cut(name string) string { return name[:max(strings.LastIndexByte(name, '-'), 0)] }

// labelled finds the one workload whose pods have such labels.
func (d *directory) labelled(e *Endpoint) (generator.WorkloadID, bool) {
	if len(e.Labels) == 0 {
		return generator.WorkloadID{}, false
	}
	has := func(key, value string) bool { return slices.Contains(e.Labels, Label{key, value}) }
	return d.only(e.Namespace, func(w *generator.Workload) bool {
		want := w.Selector
		if len(want) == 0 {
			want = w.Labels
		}
		for key, value := range want {
			if !generator.Churns(key) && !has(key, value) {
				return false
			}
		}
		return len(want) > 0
	})
}

// only returns the workload of a namespace that is meant, if it is one alone.
func (d *directory) only(namespace string, meant func(*generator.Workload) bool) (id generator.WorkloadID, ok bool) {
	for _, w := range d.universe.Within(namespace) {
		if meant(w) {
			if ok {
				return generator.WorkloadID{}, false
			}
			id, ok = w.ID, true
		}
	}
	return id, ok
}
