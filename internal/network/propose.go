// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"
	"slices"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/rollout"
	"github.com/gatehouse-sh/gatehouse/generator/templates"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Proposal is the plan of one namespace, proved, and what it would change. Make
// one with Cluster.Propose.
type Proposal struct {
	Model *generator.Model

	// Policies are in the order in which they are applied, as generator/rollout
	// writes them. Of a plan that is refused they are not to be applied.
	Policies []*networkingv1.NetworkPolicy
	Digest   string // of the policies

	// Refusals say why the plan must not be applied; none for one that may be.
	Refusals []string

	// Fault is why there is no plan: it could not be made. It is among the refusals,
	// and there are no policies then.
	Fault error

	Extra        []verify.Difference // allowed beyond the model, by policies of others too
	Gained, Lost []verify.Difference // between what is there and the plan
	Problems     []generator.Problem // evidence of which no connection came
	Drops        []Drop
	Conflicts    []generator.Conflict // where what was declared and what was seen disagree
	Workloads    int                  // of the namespace; those on the network of their node do not count

	state   rollout.State
	missing int // differences by which the policies allow too little
}

// Transition is the way from the policies that are there to others.
type Transition struct {
	state  rollout.State
	wanted []*networkingv1.NetworkPolicy
}

// Next returns the next stage and its steps.
func (t Transition) Next() (rollout.Stage, []rollout.Step) { return rollout.Next(t.state, t.wanted) }

// Opening reports whether something holds the namespace open now.
func (t Transition) Opening() bool { return slices.ContainsFunc(t.state.Ours, rollout.IsOpening) }

// Apply is the way to the policies of the plan.
func (p *Proposal) Apply() Transition { return Transition{p.state, p.Policies} }

// To is the way to policies of ours, as Named gave them.
func (p *Proposal) To(policies []*networkingv1.NetworkPolicy) Transition {
	return Transition{p.state, policies}
}

// Denies reports whether something of ours denies in the namespace now.
func (p *Proposal) Denies() bool { return slices.ContainsFunc(p.state.Ours, rollout.IsDenial) }

// Expires is the next moment at which a piece of evidence for the plan counts no
// longer; zero for one that stays.
func (p *Proposal) Expires() time.Time {
	var next time.Time
	for i := range p.Model.Edges {
		for _, w := range p.Model.Edges[i].Because {
			if !w.Expires.IsZero() && (next.IsZero() || w.Expires.Before(next)) {
				next = w.Expires
			}
		}
	}
	return next
}

// Withdraw is the way to none of ours.
func (p *Proposal) Withdraw() Transition { return Transition{p.state, nil} }

// Withdraw is the way to none of ours in a namespace without a plan.
func (c *Cluster) Withdraw(namespace string) Transition { return Transition{c.stateOf(namespace), nil} }

// Propose makes the plan of a namespace as its NetworkPlan wants it (an empty one:
// every default). What is wrong is in the proposal.
//
// What opens the namespace to pods of another, or another to its pods, must be said
// by an object of a namespace that it trusts; it trusts itself, and those that its
// NetworkPlan names.
func (c *Cluster) Propose(namespace string, spec *v1alpha1.NetworkPlanSpec) *Proposal {
	p := &Proposal{state: c.stateOf(namespace)}
	if err := c.propose(namespace, spec, p); err != nil {
		// Of half a plan nothing is to be read.
		p.Policies, p.Digest, p.Extra, p.Gained, p.Lost, p.missing = nil, "", nil, nil, nil, 0
		p.Fault = err
		what := "the plan cannot be made: " + err.Error()
		p.Refusals = append([]string{what}, p.Refusals...)
		p.Problems = append([]generator.Problem{{Edge: generator.Edge{From: generator.NamespacePeerOf(namespace)}, What: what}}, p.Problems...)
	}
	return p
}

func (c *Cluster) propose(namespace string, spec *v1alpha1.NetworkPlanSpec, p *Proposal) error {
	trusted := trusts(namespace, spec)
	if u, is := c.unread[namespace]; is {
		p.Problems = append(p.Problems, generator.Problem{Edge: generator.Edge{From: generator.NamespacePeerOf(namespace)}, What: u.What})
		if u.Holds {
			p.Refusals = append(p.Refusals, u.What)
		}
	}
	guard, edges := c.asks(namespace, spec, trusted, p)
	kept, left := heard(c.declared.Edges, namespace, trusted)
	kept, claims := unclaimed(kept, edges, namespace, c.declared.Claimed, trusted)
	left = append(left, claims...)
	if spec.Learn != v1alpha1.NetworkNone {
		edges, p.Problems = append(edges, kept...), append(p.Problems, left...)
		p.Problems = append(p.Problems, c.declared.Problems...)
	}
	in := generator.Input{
		Inventory: c.inv, Universe: c.universe, Environment: c.env, Edges: edges, Guards: map[string]generator.Guard{namespace: guard}, Now: c.now,
	}
	m, problems := generator.Build(in)
	if spec.Domains == v1alpha1.DomainsExternal {
		var more []generator.Problem
		in.Edges = generator.NamesOutside(m.Edges, "spec.domains: "+string(v1alpha1.DomainsExternal))
		m, more = generator.Build(in)
		problems = append(problems, more...)
	}
	p.Model = m
	p.Problems = m.About(append(p.Problems, problems...))
	p.Workloads = len(slices.DeleteFunc(slices.Clone(c.universe.Within(namespace)), func(w *generator.Workload) bool { return w.HostNetwork }))
	if err := c.prove(p); err != nil {
		return err
	}
	for _, cut := range m.Cuts(c.inv, credible(p.Problems, trusted)) {
		p.Refusals = append(p.Refusals, "it would cut "+cut.String())
	}
	p.Problems = append(p.Problems, m.Disbelieved(c.inv, p.Problems)...)
	p.Problems = append(p.Problems, m.Widened(false)...) // NetworkPolicies know no requests
	if spec.Learn == v1alpha1.NetworkNone {
		if err := c.unasked(p, kept); err != nil {
			return err
		}
	}
	p.Problems = append(p.Problems, c.silent(namespace, m)...) // a doubt, which holds nothing up
	if p.Workloads == 0 {
		p.Refusals = append(p.Refusals, "the namespace has no workload yet")
	}
	p.Conflicts = c.conflicts(namespace, m)
	var err error
	p.Drops, err = c.drops(namespace, p)
	return err
}

// asks returns what the namespace's own objects ask for, and in which directions
// it is guarded.
func (c *Cluster) asks(namespace string, spec *v1alpha1.NetworkPlanSpec, trusted func(string) bool, p *Proposal) (generator.Guard, []generator.Edge) {
	guard := generator.Guard{Ingress: true, Egress: true}
	if len(spec.Directions) > 0 {
		guard = generator.Guard{Ingress: slices.Contains(spec.Directions, v1alpha1.NetworkIngress), Egress: slices.Contains(spec.Directions, v1alpha1.NetworkEgress)}
	}
	edges := within(c.asked.For(namespace, trusted), namespace)
	p.Problems = append(p.Problems, c.asked.Problems...)
	for i := range spec.Templates {
		t := &spec.Templates[i]
		applied, err := c.template(namespace, t)
		if err != nil {
			p.Refusals = append(p.Refusals, fmt.Sprintf("spec.templates[%d]: %v", i, err))
			continue
		}
		edges = append(edges, applied.Edges...)
		p.Problems = append(p.Problems, applied.Problems...)
	}
	return guard, edges
}

func (c *Cluster) template(namespace string, t *v1alpha1.NetworkTemplate) (templates.Applied, error) {
	var found *templates.Template
	if library := c.options.Templates; library != nil {
		found = library.Template(t.Name)
	}
	if found == nil {
		return templates.Applied{}, fmt.Errorf("there is no template %q", t.Name)
	}
	applied, err := templates.Apply(found, t.Parameters, templates.Input{
		Namespace: namespace, Inventory: c.inv, Universe: c.universe, Environment: c.env, Enforcer: templates.EnforcerOf(c.options.Enforcer.String()),
	})
	if err == nil && len(applied.Tiers) > 0 {
		err = fmt.Errorf("template %q is for a whole cluster", t.Name)
	}
	return applied, err
}

// stateOf reads the policies of a namespace and the labels of its pods.
func (c *Cluster) stateOf(namespace string) rollout.State {
	s := rollout.State{Namespace: namespace}
	for policy := range c.inv.NetworkPolicies(namespace) {
		if rollout.IsOurs(policy) && !c.strangers[Stranger{namespace, policy.Name}] {
			s.Ours = append(s.Ours, policy)
		} else {
			s.Foreign = append(s.Foreign, policy)
		}
	}
	for _, w := range c.universe.Within(namespace) {
		s.Pods = append(s.Pods, labels.Set(w.Labels))
	}
	for e := range c.inv.Entries(inventory.PodKind, namespace) {
		s.Pods = append(s.Pods, labels.Set(e.Workload.Labels))
	}
	for k := generator.DNSPeer; k <= generator.MonitoringPeer; k++ {
		group, _ := c.env.Group(k)
		for _, set := range group.Pods {
			if set.Namespace == namespace {
				s.Pods = append(s.Pods, labels.Set(set.Labels))
			}
		}
	}
	return s
}

// within returns the edges that a namespace has an end of.
func within(edges []generator.Edge, namespace string) []generator.Edge {
	var out []generator.Edge
	for i := range edges {
		if concerns(&edges[i], namespace) {
			out = append(out, edges[i])
		}
	}
	return out
}
