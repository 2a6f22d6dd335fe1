// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"cmp"
	"net/netip"
	"slices"
)

// WorkloadID names a workload: what a person deploys, and not the pods or the
// ReplicaSets that come of it.
type WorkloadID struct{ Namespace, Kind, Name string }

// String returns "Deployment shop/web".
func (id WorkloadID) String() string { return id.Kind + " " + id.Namespace + "/" + id.Name }

// Compare orders workloads by namespace, kind and name.
func (id WorkloadID) Compare(o WorkloadID) int {
	return cmp.Or(cmp.Compare(id.Namespace, o.Namespace), cmp.Compare(id.Kind, o.Kind), cmp.Compare(id.Name, o.Name))
}

// ContainerPort is a port that a container declares. Declaring one opens
// nothing and leaving one out closes nothing: it gives names to numbers.
type ContainerPort struct {
	Name     string // may be empty
	Protocol Protocol
	Number   uint16
}

// Workload is what one owner runs: pods that are alike for every policy.
type Workload struct {
	ID       WorkloadID
	Labels   map[string]string // of its pods; read-only
	Selector map[string]string // by which its owner finds them, where that is a set of pairs; read-only, nil when not known
	Wrong    []string          // labels that no pod can have, each with why; not among Labels
	Ports    []ContainerPort   // of all containers, sidecars included, in their order

	// HostNetwork pods are on the network of their node: policies do not apply to
	// them, and peers know them by the address of the node.
	HostNetwork bool

	Addresses []netip.Addr // of running pods, where known
	File      string       // place of the manifest, where known: "shop/web.yaml:12"
}

// Resolve returns the numbers that a port has in this workload: none for a name
// that no container has with this protocol. Where several containers use one
// name, Kubernetes takes the first (k8s.io/kubernetes/pkg/api/v1/pod FindPort).
func (w *Workload) Resolve(p Port) PortSet {
	if p.Name == "" {
		return Ports(p)
	}
	for _, c := range w.Ports {
		if c.Name == p.Name && c.Protocol == p.Protocol {
			return Ports(NumberedPort(c.Protocol, c.Number))
		}
	}
	return PortSet{}
}

// Named returns the different ports that have a name, of any protocol.
func (w *Workload) Named(name string) []ContainerPort {
	var out []ContainerPort
	for _, c := range w.Ports {
		if c.Name == name && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}
