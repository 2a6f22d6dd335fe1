// SPDX-License-Identifier: Apache-2.0

package templates

import (
	"fmt"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// applier is the state of one call of Apply.
type applier struct {
	template *Template
	in       Input
	out      Applied
}

func (a *applier) why(because string) []generator.Evidence {
	return []generator.Evidence{{Source: generator.Template, Confidence: generator.Certain, Where: "template " + a.template.Name, What: because}}
}

func (a *applier) problem(because, format string, args ...any) {
	about := generator.Peer{Kind: generator.ClusterPeer}
	if a.in.Namespace != "" {
		about = generator.NamespacePeerOf(a.in.Namespace)
	}
	a.out.Problems = append(a.out.Problems, generator.Problem{Edge: generator.Edge{From: about, Because: a.why(because)}, What: fmt.Sprintf(format, args...)})
}

// edge adds every connection of the peers of one end with those of the other.
func (a *applier) edge(e *edge) {
	from, to := a.peers(&e.from, e.because), a.peers(&e.to, e.because)
	if e.probes {
		a.probed(e, from)
		return
	}
	ports := e.ports
	if len(ports) == 0 {
		ports = []generator.Port{{}} // those of the group or the Service; Build knows them
	}
	for _, f := range from {
		for _, t := range to {
			for _, p := range ports {
				a.out.Edges = append(a.out.Edges, generator.Edge{From: f, To: t, Port: p, Because: a.why(e.because)})
			}
		}
	}
}

// peers returns what one end is in this cluster.
func (a *applier) peers(p *peer, because string) []generator.Peer {
	var out []generator.Peer
	namespace := p.in
	if namespace == "" {
		namespace = a.in.Namespace
	}
	switch {
	case p.workloads != nil && p.workloads.every:
		out = append(out, generator.NamespacePeerOf(namespace))
	case p.workloads != nil:
		for _, w := range a.workloads(p) {
			out = append(out, generator.WorkloadPeerOf(w.ID))
		}
		if len(out) == 0 {
			set := generator.PodSet{Namespace: namespace, Labels: p.workloads.pairs}
			a.problem(because, "no workload of namespace %s has the labels %s", namespace, words(set.Labels))
		}
	case p.service != nil:
		if p.service[0] != "" {
			namespace = p.service[0]
		}
		out = append(out, generator.ServicePeerOf(namespace, p.service[1]))
	case p.group != 0:
		out = append(out, generator.Peer{Kind: p.group})
	}
	for _, name := range p.namespaces {
		out = append(out, generator.NamespacePeerOf(name))
	}
	for _, prefix := range p.addresses {
		out = append(out, generator.CIDRPeerOf(prefix))
	}
	for _, name := range p.domains {
		out = append(out, generator.FQDNPeerOf(name))
	}
	return out
}

// workloads returns the known workloads that an end names.
func (a *applier) workloads(p *peer) []*generator.Workload {
	set := generator.PodSet{Namespace: p.in, Labels: p.workloads.pairs}
	if set.Namespace == "" {
		set.Namespace = a.in.Namespace
	}
	var out []*generator.Workload
	for _, w := range a.in.Universe.Within(set.Namespace) {
		if set.Holds(w.ID.Namespace, w.Labels) {
			out = append(out, w)
		}
	}
	return out
}
