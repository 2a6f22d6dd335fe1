// SPDX-License-Identifier: Apache-2.0

// Package network makes the plans of a cluster's namespaces: which policies each
// needs, what they would change, and what they would drop. It is pure; the
// controller reads and writes.
//
// Each namespace has a model of its own, which guards that namespace alone, so
// that what is wrong in one holds no other up. Who may write objects in one
// namespace must not open another: see Cluster.Propose.
package network

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/enforcer"
	"github.com/gatehouse-sh/gatehouse/generator/intents"
	"github.com/gatehouse-sh/gatehouse/generator/manifests"
	"github.com/gatehouse-sh/gatehouse/generator/notation"
	"github.com/gatehouse-sh/gatehouse/generator/templates"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Options say what the objects of a cluster do not.
type Options struct {
	Domain       string // of the cluster's Services; generator.DefaultDomain when empty
	Surroundings notation.Surroundings

	// Gateways are the Services of the gateway, each as "namespace/name": what is
	// behind them belongs to it, besides what Surroundings say.
	Gateways []string

	Classes   []string           // of Ingresses and Gateways that the gateway serves; none: gatehouse
	Templates *templates.Library // those that a plan may name; nil for none
	Enforcer  enforcer.Profile   // who enforces the policies; the zero value refuses every connection
}

// Traffic is what was seen of the network. The zero value is that nobody looks.
type Traffic struct {
	Seen    []generator.Edge // connections that came about
	Refused []generator.Edge // those that something dropped, nobody said at which end

	// Those that were dropped where they leave their source, or reach their destination:
	// the policies of the other end have no part in it.
	RefusedLeaving, RefusedEntering []generator.Edge
}

// Stranger is a policy with the label of ours that is somebody else's.
type Stranger struct{ Namespace, Name string }

// Sources are what the plans of a cluster are made from, besides the options.
type Sources struct {
	// Inventory is one version of the objects; its workloads have their environment
	// variables (inventory.Pool.Connections).
	Inventory *inventory.Inventory

	// Observer knows the workloads of the version before. It is changed; nil for none.
	Observer *generator.Observer

	Plans   []*v1alpha1.NetworkPlan
	Traffic Traffic

	// Strangers are policies that have the label of ours and that somebody else wrote.
	Strangers map[Stranger]bool

	// Unread says of a namespace which of its evidence could not be read.
	Unread map[string]Unread
}

// Unread is evidence that could not be read.
type Unread struct {
	What  string // it is, and why
	Holds bool   // nothing is applied before it could be read
}

// Cluster is what the plans of all namespaces are made from: one version of the
// objects. It does not change; any number of goroutines may ask it, and one after the
// other makes a plan.
type Cluster struct {
	inv      *inventory.Inventory
	universe *generator.Universe
	env      generator.Environment
	declared manifests.Found
	asked    intents.Found
	traffic  Traffic
	options  Options
	now      time.Time

	strangers map[Stranger]bool
	unread    map[string]Unread

	making  sync.Mutex // for compact
	compact compact.Options
}

// Survey returns the workloads of a version of a cluster, and what the groups among
// the peers are. The observer remembers what did not change; nil remembers nothing.
func Survey(inv *inventory.Inventory, o Options, observer *generator.Observer) (*generator.Universe, generator.Environment, error) {
	env := generator.Discover(inv)
	if o.Domain != "" {
		env.Domain = o.Domain
	}
	if err := o.Surroundings.Apply(&env); err != nil {
		return nil, env, fmt.Errorf("read what the cluster has: %w", err)
	}
	if err := followGateway(inv, o.Gateways, &env.Gateway); err != nil {
		return nil, env, err
	}
	universe, err := observer.Observe(inv)
	if err != nil {
		return nil, env, fmt.Errorf("read the workloads: %w", err)
	}
	return universe, env, nil
}

// Look reads a version of a cluster. The moment is that at which intents expire.
func Look(s Sources, o Options, now time.Time) (*Cluster, error) {
	inv := s.Inventory
	universe, env, err := Survey(inv, o, s.Observer)
	if err != nil {
		return nil, err
	}
	var classes map[string]generator.Peer // nil: the gateway's own
	for _, name := range o.Classes {
		if classes == nil {
			classes = map[string]generator.Peer{}
		}
		classes[name] = generator.Peer{Kind: generator.GatewayPeer}
	}
	c := &Cluster{inv: inv, universe: universe, env: env, traffic: s.Traffic, options: o, now: now, strangers: s.Strangers, unread: s.Unread}
	c.compact = compact.Options{Selectors: o.Enforcer.Selectors()}.Shared(universe, &c.env)
	routed, faults := c.routed(o.Classes)
	c.declared = manifests.Edges(inv, universe, &c.env, manifests.Options{Classes: classes, Routed: routed})
	c.declared.Problems = append(c.declared.Problems, faults...)
	c.declared.Placed(nil)
	c.asked = intents.Read(inv, universe, &c.env, intents.Options{Plans: s.Plans})
	c.asked.Placed(nil)
	return c, nil
}

// trusts returns whether a namespace takes the word of objects of another.
func trusts(namespace string, spec *v1alpha1.NetworkPlanSpec) func(string) bool {
	return func(other string) bool {
		return other == namespace || slices.ContainsFunc(spec.TrustedNamespaces, func(p v1alpha1.NamePattern) bool { return matches(string(p), other) })
	}
}

func matches(pattern, name string) bool {
	if n := len(pattern) - 1; n >= 0 && pattern[n] == '*' {
		return len(name) >= n && name[:n] == pattern[:n]
	}
	return pattern == name
}

// concerns reports whether pods of a namespace are, or may be, an end of an edge.
func concerns(e *generator.Edge, namespace string) bool {
	within := func(p *generator.Peer) bool { return p.Namespace == namespace || p.Kind == generator.ClusterPeer }
	return within(&e.From) || within(&e.To)
}
