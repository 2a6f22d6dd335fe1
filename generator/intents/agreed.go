// SPDX-License-Identifier: Apache-2.0

package intents

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// Agreed returns the edges for a model that guards several namespaces at once
// (in.Guards; in.Edges is not looked at): of every wish what each guarded namespace
// that it would open asks for as well, or grants by trusting the author. What is left out
// is a problem, and so is what generator.Build says of the wishes. trusts reports
// whether a namespace takes another's word; nil: none does.
func (f *Found) Agreed(in generator.Input, trusts func(namespace, author string) bool) ([]generator.Edge, []generator.Problem) {
	a := agreement{guards: in.Guards, said: map[string][]generator.Edge{}, trusts: trusts}
	written := map[string][]generator.Edge{}
	for i := range f.Wishes {
		w := &f.Wishes[i]
		written[w.Namespace] = append(written[w.Namespace], w.Edge)
	}
	authors := slices.Sorted(maps.Keys(written))
	for _, author := range authors {
		var problems []generator.Problem
		in.Edges = written[author]
		a.model, problems = generator.Build(in)
		a.said[author] = a.model.Edges
		a.problems = append(a.problems, problems...)
	}
	for _, author := range authors {
		for _, e := range a.said[author] {
			a.judge(author, e)
		}
	}
	return a.edges, a.problems
}

type agreement struct {
	model    *generator.Model // any of them: for its universe and its environment
	guards   map[string]generator.Guard
	said     map[string][]generator.Edge // by author
	trusts   func(namespace, author string) bool
	edges    []generator.Edge
	problems []generator.Problem
}

// judge keeps an edge, or what others have said of it.
func (a *agreement) judge(author string, e generator.Edge) {
	asked := a.opened(author, e)
	if len(asked) == 0 {
		a.edges = append(a.edges, e)
		return
	}
	a.edges = append(a.edges, a.beside(e, asked)...)
	for _, namespace := range asked {
		agreed := false
		for _, other := range a.said[namespace] {
			for _, both := range a.meet(e, other) {
				agreed = true
				a.edges = append(a.edges, both)
			}
		}
		if !agreed {
			a.problems = append(a.problems, generator.Problem{Edge: e, What: fmt.Sprintf("namespace %s is guarded too and asks for no such connection: it needs an annotation %s or %s there, or a NetworkPlan", namespace, AllowFrom, AllowTo)})
		}
	}
}

// opened returns the guarded namespaces, but for the author's, that an edge would
// open and that do not trust the author.
func (a *agreement) opened(author string, e generator.Edge) []string {
	var out []string
	for namespace, guard := range a.guards {
		if namespace != author && (guard.Egress && a.within(e.From, namespace) || guard.Ingress && a.within(e.To, namespace)) &&
			(a.trusts == nil || !a.trusts(namespace, author)) {
			out = append(out, namespace)
		}
	}
	slices.Sort(out)
	return out
}

// within reports whether pods of a namespace may belong to an end.
func (a *agreement) within(p generator.Peer, namespace string) bool {
	if p.Kind == generator.ClusterPeer || p.Namespace == namespace {
		return true
	}
	group, _ := a.model.Environment.Group(p.Kind)
	return slices.ContainsFunc(group.Pods, func(s generator.PodSet) bool { return s.Namespace == namespace })
}

// beside returns the part of an edge with every pod of the cluster that concerns the known
// namespaces which need not be asked. The parts of other ends are all asked for.
func (a *agreement) beside(e generator.Edge, asked []string) []generator.Edge {
	var out []generator.Edge
	for _, namespace := range a.model.Universe.Namespaces() {
		if slices.Contains(asked, namespace) {
			continue
		}
		part, wide := e, false
		for _, end := range []*generator.Peer{&part.From, &part.To} {
			if end.Kind == generator.ClusterPeer {
				*end, wide = generator.NamespacePeerOf(namespace), true
			}
		}
		if wide {
			out = append(out, part)
		}
	}
	return out
}

// meet returns the connections that belong to both edges, with the evidence of both.
func (a *agreement) meet(e, f generator.Edge) []generator.Edge {
	from, okFrom := a.common(e.From, f.From)
	to, okTo := a.common(e.To, f.To)
	if !okFrom || !okTo {
		return nil
	}
	requests, okRequests := e.Requests().Intersect(f.Requests())
	if !okRequests {
		return nil
	}
	because := slices.Concat(e.Because, f.Because)
	for i := range because {
		because[i].Requests = requests // neither allows what the other does not
	}
	if e.Port == f.Port {
		return []generator.Edge{{From: from, To: to, Port: e.Port, Because: because}}
	}
	mine, theirs := generator.Ports(e.Port), generator.Ports(f.Port)
	if w := a.model.Universe.Workload(to.ID()); w != nil {
		mine, theirs = w.Resolve(e.Port), w.Resolve(f.Port)
	}
	var out []generator.Edge
	for _, p := range mine.Intersect(theirs).List() {
		out = append(out, generator.Edge{From: from, To: to, Port: p, Because: because})
	}
	return out
}

// common returns the end that is in both; false where there is none, or none that
// could be said.
func (a *agreement) common(p, q generator.Peer) (generator.Peer, bool) {
	switch {
	case p == q, a.holds(q, p):
		return p, true
	case a.holds(p, q):
		return q, true
	}
	return generator.Peer{}, false
}

// holds reports whether every pod of an end belongs to another.
func (a *agreement) holds(whole, part generator.Peer) bool {
	switch part.Kind { //nolint:exhaustive // the others are a part of nothing
	case generator.WorkloadPeer:
		w := a.model.Universe.Workload(part.ID())
		return slices.Contains(a.model.Members(whole), w)
	case generator.NamespacePeer:
		return whole.Kind == generator.ClusterPeer
	case generator.DNSPeer, generator.GatewayPeer, generator.MonitoringPeer:
		group, _ := a.model.Environment.Group(part.Kind)
		return len(group.Addresses) == 0 && (whole.Kind == generator.ClusterPeer || whole.Kind == generator.NamespacePeer &&
			!slices.ContainsFunc(group.Pods, func(s generator.PodSet) bool { return s.Namespace != whole.Namespace }))
	}
	return false
}
