// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/selector"
)

// end is one end of an edge, as the subject of policies or as a peer of rules.
type end struct {
	subjects []*subject
	key      peerKey
	workload *generator.Workload // of a class of several; nil otherwise
}

// add writes down an edge at those of its ends that are guarded.
func (c *compactor) add(e *generator.Edge) {
	if e.Port.Name != "" {
		if faults := validation.IsValidPortName(e.Port.Name); len(faults) > 0 {
			c.problem(e, "port name %q: %s", e.Port.Name, faults[0]) // no API server takes a policy with it
			return
		}
	}
	for _, at := range []struct {
		direction Direction
		own, far  generator.Peer
	}{{Egress, e.From, e.To}, {Ingress, e.To, e.From}} {
		if !c.guarded(at.own, at.direction) {
			continue
		}
		own, what := c.subjects(at.own, at.direction)
		if what != "" {
			c.problem(e, "%s", what)
		}
		if len(own.subjects) == 0 {
			continue
		}
		named := e.Port.Name
		if at.direction == Ingress {
			named = "" // a port of the pods that the policy is about, whoever connects
		}
		far, what := c.peer(at.far, named)
		if what != "" {
			c.problem(e, "%s", what)
			continue
		}
		if c.options.Requests && at.direction == Ingress {
			far.key.requests = e.Requests()
		}
		for _, s := range own.subjects {
			s.add(e, own, far)
		}
	}
}

func (s *subject) add(e *generator.Edge, own, far end) {
	found, known := s.cells[far.key]
	if !known {
		found = &cell{}
		s.cells[far.key] = found
	}
	p := portsOf(e.Port)
	found.ports = found.ports.union(p)
	found.edges = append(found.edges, e)
	if own.workload != nil || far.workload != nil {
		if found.pairs == nil {
			found.pairs = map[[2]*generator.Workload]ports{}
		}
		pair := [2]*generator.Workload{own.workload, far.workload}
		found.pairs[pair] = found.pairs[pair].union(p)
	}
}

// guards reports whether a namespace is guarded in a direction.
func (c *compactor) guards(namespace string, d Direction) bool {
	g := c.model.Guards[namespace]
	return d == Ingress && g.Ingress || d == Egress && g.Egress
}

// guarded reports whether policies are made for any pod of a peer.
func (c *compactor) guarded(p generator.Peer, d Direction) bool {
	switch p.Kind {
	case generator.WorkloadPeer, generator.NamespacePeer:
		return c.guards(p.Namespace, d)
	case generator.ClusterPeer:
		return len(c.model.Guards) > 0
	case generator.ServicePeer, generator.CIDRPeer, generator.FQDNPeer, generator.ExternalPeer:
		return false // no pods
	case generator.DNSPeer, generator.APIServerPeer, generator.NodePeer, generator.GatewayPeer, generator.MonitoringPeer:
		group, _ := c.model.Environment.Group(p.Kind)
		return slices.ContainsFunc(group.Pods, func(s generator.PodSet) bool { return c.guards(s.Namespace, d) })
	}
	return false
}

// subjects returns the pods of a peer that policies select, or says why some
// cannot be selected.
func (c *compactor) subjects(p generator.Peer, d Direction) (end, string) {
	switch p.Kind {
	case generator.WorkloadPeer:
		own, what := c.workload(p)
		if what == "" {
			own.subjects = []*subject{c.class(p.Namespace, d, own.key.class)}
		}
		return own, what
	case generator.NamespacePeer:
		return end{subjects: []*subject{c.whole(p.Namespace, d)}}, ""
	case generator.ClusterPeer:
		var out end
		for _, namespace := range slices.Sorted(maps.Keys(c.model.Guards)) {
			if c.guards(namespace, d) {
				out.subjects = append(out.subjects, c.whole(namespace, d))
			}
		}
		return out, ""
	case generator.ServicePeer, generator.CIDRPeer, generator.FQDNPeer, generator.ExternalPeer: // no pods
	case generator.DNSPeer, generator.APIServerPeer, generator.NodePeer, generator.GatewayPeer, generator.MonitoringPeer:
		return c.groupSubjects(p.Kind, d)
	}
	return end{}, ""
}

func (c *compactor) groupSubjects(k generator.PeerKind, d Direction) (end, string) {
	var out end
	problem := ""
	group, _ := c.model.Environment.Group(k)
	for i, set := range group.Pods {
		switch what := c.unselectable(set); {
		case !c.guards(set.Namespace, d):
		case what != "":
			problem = what
		case len(set.Labels) == 0:
			out.subjects = append(out.subjects, c.whole(set.Namespace, d))
		case c.onNodes(groupKey{k, i}, set): // where no policy selects them
		default:
			out.subjects = append(out.subjects, c.group(set, d, groupKey{k, i}))
		}
	}
	return out, problem
}

func (c *compactor) side(namespace string, d Direction) *side {
	s, known := c.sides[place{namespace, d}]
	if !known {
		s = &side{classes: map[*selector.Class]*subject{}, groups: map[groupKey]*subject{}}
		c.sides[place{namespace, d}] = s
	}
	return s
}

func (c *compactor) whole(namespace string, d Direction) *subject {
	s := c.side(namespace, d)
	if s.whole == nil {
		s.whole = &subject{kind: generator.NamespacePeer, cells: map[peerKey]*cell{}}
	}
	return s.whole
}

func (c *compactor) class(namespace string, d Direction, k *selector.Class) *subject {
	s := c.side(namespace, d)
	if s.classes[k] == nil {
		s.classes[k] = &subject{kind: generator.WorkloadPeer, class: k, cells: map[peerKey]*cell{}}
	}
	return s.classes[k]
}

func (c *compactor) group(set generator.PodSet, d Direction, k groupKey) *subject {
	s := c.side(set.Namespace, d)
	if s.groups[k] == nil {
		s.groups[k] = &subject{kind: k.kind, pods: selecting(set), cells: map[peerKey]*cell{}}
	}
	return s.groups[k]
}

// workload returns the end of an edge that is a workload, or why no policy can
// select it.
func (c *compactor) workload(p generator.Peer) (end, string) {
	w := c.model.Universe.Workload(p.ID())
	class := c.index.ClassOf(w)
	switch {
	case w == nil:
		return end{}, "there is no " + p.String()
	case class == nil:
		return end{}, p.String() + " is on the network of its node, where no policy selects it"
	}
	if _, err := c.index.One(class); err != nil {
		return end{}, p.String() + ": " + err.Error() + c.unused(w)
	}
	out := end{key: peerKey{kind: generator.WorkloadPeer, namespace: p.Namespace, class: class}}
	if len(class.Workloads) > 1 {
		out.workload = w
	}
	return out, ""
}

// peer returns an end that rules name, or why no rule can. The name is that of the
// port which the peer has; empty for a number, and where the subject has it.
func (c *compactor) peer(p generator.Peer, named string) (end, string) {
	const noName = "no address has a port named "
	out := end{key: peerKey{kind: p.Kind, namespace: p.Namespace, name: p.Name, prefix: p.Prefix}}
	switch p.Kind {
	case generator.WorkloadPeer:
		return c.workload(p)
	case generator.NamespacePeer, generator.ClusterPeer:
		return out, ""
	case generator.CIDRPeer, generator.FQDNPeer:
		if named != "" {
			return end{}, noName + named
		}
		return out, ""
	case generator.ServicePeer:
		return end{}, p.String() + " is not what it leads to, which policies are about"
	case generator.ExternalPeer, generator.DNSPeer, generator.APIServerPeer, generator.NodePeer, generator.GatewayPeer, generator.MonitoringPeer:
		group := c.expand(p.Kind)
		if group.problem != "" {
			return end{}, group.problem
		}
		if named != "" && !slices.ContainsFunc(group.peers, func(p Peer) bool { return p.IsPods() }) {
			return end{}, noName + named
		}
		return out, ""
	}
	return end{}, generator.ErrPeer.Error()
}
