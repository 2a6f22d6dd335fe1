// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/intents"
)

// heard returns the edges of a source that count for a namespace. What opens it to
// pods of another, or another to its pods, needs a word of its own: evidence that
// stands in an object of a namespace that it trusts, in one of the whole cluster,
// or in none (a template, a recording). What is left out is a problem that says how
// to take it in.
func heard(edges []generator.Edge, namespace string, trusts func(string) bool) (kept []generator.Edge, left []generator.Problem) {
	for i := range edges {
		if !concerns(&edges[i], namespace) { // of a large cluster almost all
			continue
		}
		e := edges[i]
		other, foreign := across(&e, namespace)
		if !foreign {
			kept = append(kept, e)
			continue
		}
		because := slices.DeleteFunc(slices.Clone(e.Because), func(w generator.Evidence) bool {
			return w.Object.Namespace != "" && !trusts(w.Object.Namespace)
		})
		if len(because) == 0 {
			left = append(left, generator.Problem{Edge: e, What: fmt.Sprintf(
				"only objects of namespace %s say so: take it in by spec.trustedNamespaces of the NetworkPlan, by spec.allow, or by an annotation %s or %s here", other, intents.AllowFrom, intents.AllowTo)})
			continue
		}
		e.Because = because
		kept = append(kept, e)
	}
	return kept, left
}

// unclaimed takes out of the edges of manifests that count for a namespace those from
// workloads of others that are known by their labels alone to serve the class of a route:
// anybody with a namespace could make such a workload, so the namespace must be trusted.
// Where nobody else is left to serve the route, the problem is one for which a plan is
// refused; asked are the edges that the namespace asks for, which may say who does.
func unclaimed(edges, asked []generator.Edge, namespace string, claimed func(*generator.Edge) bool, trusts func(string) bool) (kept []generator.Edge, left []generator.Problem) {
	var claims []generator.Edge
	for _, e := range edges {
		if e.To.Namespace == namespace && e.From.Namespace != namespace && !trusts(e.From.Namespace) && claimed(&e) {
			claims = append(claims, e)
		} else {
			kept = append(kept, e)
		}
	}
	for _, e := range claims {
		p := generator.Problem{Edge: e, What: fmt.Sprintf(
			"that it serves the class is known by its labels alone: take it in by namespace %s in spec.trustedNamespaces of the NetworkPlan, or by spec.allow", e.From.Namespace)}
		same := func(k generator.Edge) bool { return k.To == e.To && k.Because[0].Object == e.Because[0].Object }
		named := func(k generator.Edge) bool {
			return same(k) && slices.ContainsFunc(asked, func(a generator.Edge) bool { return a.From.Namespace == k.From.Namespace })
		}
		if !slices.ContainsFunc(kept, same) && !slices.ContainsFunc(claims, named) {
			p.What = e.From.String() + ": " + p.What
			p.Edge.From = generator.Peer{}
		}
		left = append(left, p)
	}
	return kept, left
}

// credible are the problems that stand in objects of namespaces whose word counts,
// or of the whole cluster: what somebody else writes must not hold a plan up.
func credible(problems []generator.Problem, trusts func(string) bool) []generator.Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p generator.Problem) bool {
		foreign := func(w generator.Evidence) bool { return w.Object.Namespace != "" && !trusts(w.Object.Namespace) }
		return len(p.Edge.Because) > 0 && !slices.ContainsFunc(p.Edge.Because, func(w generator.Evidence) bool { return !foreign(w) })
	})
}

// across reports whether an edge needs the word of a namespace, and who else it is
// about: pods of another, or, for what comes in by the gateway, whose object says so.
// Who scrapes metrics is known to the cluster, and whose object asks for it is not
// asked.
func across(e *generator.Edge, namespace string) (string, bool) {
	if e.From.Kind == generator.GatewayPeer || e.From.Kind == generator.ExternalPeer {
		for _, w := range e.Because {
			if w.Object.Namespace != "" && w.Object.Namespace != namespace {
				return w.Object.Namespace, true
			}
		}
		return "", false
	}
	if e.From.Namespace == namespace && !e.To.HasPods() {
		for _, w := range e.Because { // a policy of another namespace has the gateway of this one ask somebody
			if w.Object.Namespace != "" && w.Object.Namespace != namespace {
				return w.Object.Namespace, true
			}
		}
	}
	for _, p := range []generator.Peer{e.From, e.To} {
		switch p.Kind { //nolint:exhaustive // the others are no pods of one namespace
		case generator.WorkloadPeer, generator.ServicePeer, generator.NamespacePeer:
			if p.Namespace != namespace {
				return p.Namespace, true
			}
		case generator.ClusterPeer:
			return "other namespaces", true
		}
	}
	return "", false
}
