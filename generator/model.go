// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Guard says in which directions the pods of a namespace accept and open only
// the connections of the model. The zero value guards nothing.
type Guard struct{ Ingress, Egress bool }

// Model is what is wanted: who may connect to whom, and why. It is a value that
// nobody changes; Build makes one.
type Model struct {
	Universe    *Universe
	Environment Environment

	// Guards are the namespaces that policies are made for. Connections between
	// others are in the model, and no policy is needed for them.
	Guards map[string]Guard

	// Services are those with a cluster address through which edges lead to pods,
	// ordered. Some enforcers look at connections before the address is translated.
	Services []Through

	// Edges are ordered, no two about the same connection. No end is a Service,
	// every port and every peer is valid.
	Edges []Edge
}

// Through is a Service, by what it selects its pods.
type Through struct {
	Service  Peer
	Selector map[string]string // read-only

	// Moved says that the pods accept on other ports than the Service does.
	Moved bool
}

// Problem is a piece of evidence that no edge came of, or a reason for care.
type Problem struct {
	Edge Edge
	What string
}

// String returns the connection, what is wrong, and where it was asked for.
func (p Problem) String() string {
	text := p.Edge.String() + ": " + p.What
	switch e := p.Edge; {
	case e.From == Peer{} && e.To != Peer{}:
		text = e.To.String() + ": " + p.What
	case e.To == Peer{} && e.From != Peer{}:
		text = e.From.String() + ": " + p.What
	}
	if len(p.Edge.Because) > 0 && p.Edge.Because[0].Where != "" {
		text = p.Edge.Because[0].Where + ": " + text
	}
	return text
}

// Reasons why an edge cannot stand.
var (
	errNobody   = errors.New("no reason given")
	errOutside  = errors.New("neither end is a pod of this cluster")
	errNoPort   = errors.New("no port given")
	errDNSFrom  = errors.New("a domain name opens no connections")
	errMetadata = errors.New("reaches a metadata service, which hands out the node's credentials: only an intent may ask for that")
)

// unknownGroup is about a group of which the environment has nothing.
const unknownGroup = "what %q is in this cluster is not known"

// Input is what a model is built from.
type Input struct {
	Inventory   *inventory.Inventory
	Universe    *Universe // Observe(Inventory), unless the caller knows better
	Environment Environment
	Guards      map[string]Guard
	Edges       []Edge // as the sources found them

	// Now is the moment at which the model counts: evidence that expired by then is
	// none. Zero: nothing expires.
	Now time.Time
}

// Build makes the model: Services become what they lead to, groups get their
// ports, pods on the network of their node become the nodes, and what is said
// several times becomes one edge with several reasons. Edges that cannot stand
// come back as problems, in order; none is changed into something wider.
func Build(in Input) (*Model, []Problem) {
	b := builder{inv: in.Inventory, universe: in.Universe, env: in.Environment, edges: make([]Edge, 0, len(in.Edges)), through: map[Peer]Through{}}
	for _, e := range in.Edges {
		because := current(e.Because, in.Now)
		if len(because) == 0 && len(e.Because) > 0 {
			b.problem(e, "expired at %s", e.Expires().UTC().Format(time.RFC3339))
			continue
		}
		e.Because = because
		b.add(e)
	}
	m := &Model{
		Universe: in.Universe, Environment: in.Environment, Guards: in.Guards, Edges: merged(b.edges),
		Services: slices.SortedFunc(maps.Values(b.through), func(x, y Through) int { return x.Service.Compare(y.Service) }),
	}
	b.problems = append(b.problems, m.wrongLabels()...)
	slices.SortStableFunc(b.problems, func(x, y Problem) int { return x.Edge.Compare(y.Edge) })
	return m, b.problems
}

type builder struct {
	inv      *inventory.Inventory
	universe *Universe
	env      Environment
	edges    []Edge
	problems []Problem
	through  map[Peer]Through
}

func (b *builder) problem(e Edge, format string, args ...any) {
	b.problems = append(b.problems, Problem{Edge: e, What: fmt.Sprintf(format, args...)})
}

// add takes one edge through: Services first, since they decide the other end
// and the port, then groups, then nodes.
func (b *builder) add(e Edge) {
	if len(e.Because) == 0 {
		b.problem(e, "%v", errNobody)
		return
	}
	if err := errors.Join(e.From.Validate(), e.To.Validate()); err != nil {
		b.problem(e, "%v", err)
		return
	}
	for _, from := range b.sources(e) {
		for _, to := range b.targets(from) {
			b.place(to)
		}
	}
}

// sources replaces a Service that opens connections by the workloads behind it.
func (b *builder) sources(e Edge) []Edge {
	if e.From.Kind != ServicePeer {
		return []Edge{e}
	}
	s := b.inv.Service(e.From.Namespace, e.From.Name)
	if s == nil {
		b.problem(e, "there is no %s", e.From)
		return nil
	}
	var out []Edge
	for _, id := range b.behind(s) {
		out = append(out, Edge{From: WorkloadPeerOf(id), To: e.To, Port: e.Port, Because: e.Because})
	}
	if len(out) == 0 {
		b.problem(e, "%s selects no workload", e.From)
	}
	return out
}

// targets replaces a Service that accepts connections, and gives a group its ports.
func (b *builder) targets(e Edge) []Edge {
	if e.To.Kind == ServicePeer {
		return b.throughService(e)
	}
	if e.Port != (Port{}) {
		return []Edge{e}
	}
	group, is := b.env.Group(e.To.Kind)
	var out []Edge
	for _, p := range group.Ports {
		out = append(out, Edge{From: e.From, To: e.To, Port: p, Because: e.Because})
	}
	switch {
	case len(out) > 0:
	case is && group.Empty():
		b.problem(e, unknownGroup, e.To)
	default:
		b.problem(e, "%v", errNoPort)
	}
	for _, other := range group.Others {
		for _, p := range other.Ports {
			out = append(out, Edge{From: e.From, To: CIDRPeerOf(other.Addresses), Port: p, Because: e.Because})
		}
	}
	return out
}

// place checks an edge whose ends are final and keeps it.
func (b *builder) place(e Edge) {
	if err := e.Port.Validate(); err != nil {
		b.problem(e, "%v", err)
		return
	}
	if err := b.number(&e); err != nil {
		b.problem(e, "%v", err)
		return
	}
	for _, end := range []*Peer{&e.From, &e.To} {
		if err := b.settle(end); err != nil {
			b.problem(e, "%v", err)
			return
		}
	}
	switch {
	case e.From.Kind == FQDNPeer:
		b.problem(e, "%v", errDNSFrom)
	case !e.From.HasPods() && !e.To.HasPods():
		b.problem(e, "%v", errOutside)
	case b.reachesMetadata(e):
		b.problem(e, "%v", errMetadata)
	default:
		b.edges = append(b.edges, e)
	}
}

// number replaces the name of a port of a workload on the network of its node by
// its number: the node, which it is for policies, has no names for ports.
func (b *builder) number(e *Edge) error {
	if e.To.Kind != WorkloadPeer || e.Port.Name == "" {
		return nil
	}
	w := b.universe.Workload(e.To.ID())
	if w == nil || !w.HostNetwork {
		return nil
	}
	for _, p := range w.Resolve(e.Port).List() {
		e.Port = p
		return nil
	}
	return fmt.Errorf("%s is on the network of its node, and no container gives a port the name %q", w.ID, e.Port.Name)
}

// settle replaces a workload on the network of its node by the nodes, and
// refuses a peer of which nothing is known.
func (b *builder) settle(p *Peer) error {
	if p.Kind == WorkloadPeer {
		w := b.universe.Workload(p.ID())
		if w == nil {
			return fmt.Errorf("there is no %s", p)
		}
		if !w.HostNetwork {
			return nil
		}
		if b.env.Nodes.Empty() {
			return fmt.Errorf("%s is on the network of its node, and the addresses of the nodes are not known", p)
		}
		*p = Peer{Kind: NodePeer}
	}
	if group, is := b.env.Group(p.Kind); is && group.Empty() {
		return fmt.Errorf(unknownGroup, p)
	}
	return nil
}

// reachesMetadata reports whether an edge leads to a metadata service without a
// person having asked for it.
func (b *builder) reachesMetadata(e Edge) bool {
	if e.To.Kind != CIDRPeer || slices.ContainsFunc(e.Because, func(w Evidence) bool { return w.Source == Intent }) {
		return false
	}
	for _, p := range b.env.Metadata {
		if p.Overlaps(e.To.Prefix) {
			return true
		}
	}
	return false
}

// HasPods reports whether policies can apply to this end: whether it is, or may
// be, pods of the cluster.
func (p Peer) HasPods() bool {
	switch p.Kind {
	case WorkloadPeer, NamespacePeer, ClusterPeer, DNSPeer, GatewayPeer, MonitoringPeer:
		return true
	case ServicePeer, CIDRPeer, FQDNPeer, ExternalPeer, APIServerPeer, NodePeer:
	}
	return false
}
