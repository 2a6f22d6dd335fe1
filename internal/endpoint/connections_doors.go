// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/generator"
)

// portOffset is the flag of the gateway by which the ports of listeners are raised.
const portOffset = "port-offset"

// doors are the connections that clients open to the listeners of a Gateway. Where a
// Service leads to the gateway's pods it says who comes in by it.
func (d *doorway) doors() {
	for _, to := range d.from {
		offset, opens := d.all.offsetOf(to)
		if !opens {
			continue
		}
		for i := range d.snapshot.Listeners {
			l := &d.snapshot.Listeners[i]
			port, protocol := int(l.Address.Port())+offset, generator.TCP
			if l.Protocol == config.UDP {
				protocol = generator.UDP
			}
			if port < 1 || port > generator.MaxPort {
				continue // the gateway says PortUnavailable
			}
			why := evidence(d.key(), "spec.listeners", fmt.Sprintf("is reached from outside on port %d, which no Service leads to", l.Address.Port()))
			for _, from := range d.all.clients() {
				d.all.out.Edges = append(d.all.out.Edges, generator.Edge{From: from, To: to, Port: generator.NumberedPort(protocol, uint16(port)), Because: []generator.Evidence{why}})
			}
		}
	}
}

// clients are who comes from outside: the node may put its own address in the place of
// the client's.
func (c *connecting) clients() []generator.Peer {
	out := []generator.Peer{{Kind: generator.ExternalPeer}}
	if !c.servers.Environment.Nodes.Empty() {
		out = append(out, generator.Peer{Kind: generator.NodePeer})
	}
	return out
}

// offsetOf says by how much the pods of a workload raise the ports of listeners; false
// for what is no workload, for one that a Service leads to or that is on the network of
// its node, where no policy applies, and where the number is not known.
func (c *connecting) offsetOf(p generator.Peer) (int, bool) {
	if p.Kind != generator.WorkloadPeer {
		return 0, false
	}
	own := c.servers.Universe.Workload(p.ID())
	if own.HostNetwork {
		return 0, false
	}
	for range c.Inventory.Selecting(p.Namespace, own.Labels) {
		return 0, false
	}
	for w := range c.Inventory.Selected(p.Namespace, own.Labels) {
		if generator.OwnerOf(c.Inventory, w) == p.ID() && w.Spec != nil {
			return offsetIn(w.Spec)
		}
	}
	return 0, false
}

// offsetIn reads the flag in the arguments of the containers; 0 where it is not given.
func offsetIn(spec *corev1.PodSpec) (int, bool) {
	for i := range spec.Containers {
		words := slices.Concat(spec.Containers[i].Command, spec.Containers[i].Args)
		for k, word := range words {
			name, value, given := strings.Cut(strings.TrimLeft(word, "-"), "=")
			if name != portOffset || !strings.HasPrefix(word, "-") {
				continue
			}
			if !given && k+1 < len(words) {
				value = words[k+1]
			}
			n, err := strconv.Atoi(value)
			return n, err == nil
		}
	}
	return 0, true
}
