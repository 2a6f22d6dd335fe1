// SPDX-License-Identifier: Apache-2.0

// Package graph draws the connections of a model: namespaces as groups, their
// workloads in columns so that most connections lead to the right, and what is
// outside of namespaces at both sides. It is pure and knows three notations: SVG
// to look at, Mermaid for documents, DOT for other programs.
package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/graph/drawing"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// Side is where a node stands.
type Side uint8

// The sides. An end outside of all namespaces that both opens and accepts
// connections is two nodes.
const (
	Inside Side = iota // in the box of a namespace
	Left               // opens connections
	Right              // accepts connections
)

// Node is one box.
type Node struct {
	Side      Side
	Namespace string // of a node inside; empty for a whole namespace
	Label     string // "web", "10.0.0.0/8"
	Kind      string // "Deployment", "12 workloads"; empty where the label says it
	Ports     string // on which wanted connections come in: "8080, 53/UDP"

	// Whole says that this is a namespace, whose name is the label, with so many workloads.
	Whole     bool
	Workloads int

	// Unguarded workloads accept connections on one of these ports from a pod that
	// nobody described, of a namespace that nobody named.
	Unguarded bool
}

// Edge is the wanted connections from one node to another, by their indexes.
type Edge struct {
	From, To  int
	Ports     string // "TCP/80, TCP/8080"
	Exposed   bool   // comes from outside of the cluster
	Unguarded bool   // anybody in the cluster may do the same
	Blocked   bool   // the policies refuse it, or a part of it
	Because   []string
}

// Note is what all workloads of a namespace connect to in the same way. It stands
// in the box of the namespace instead of as many lines.
type Note struct{ Namespace, Text string }

// Graph is what to draw. Nodes are ordered by side, namespace and name.
type Graph struct {
	Nodes  []Node
	Edges  []Edge
	Notes  []Note
	Judged bool // policies were asked: otherwise nothing is said of unguarded or blocked

	options Options
}

// Options say how a graph is drawn. The zero value is a graph of everything that says
// nothing meanwhile.
type Options struct {
	// Namespaces are those of which the workloads are drawn. Others are one box each, and
	// only where these have connections with them. None: all.
	Namespaces []string

	// Bound is how large the graph may be. A larger one is drawn with one box for each
	// namespace, unless Namespaces say otherwise, and is a *TooLargeError if that is too
	// large as well.
	Bound Bound

	// Progress, when set, is called by Build and again by SVG, each with the number of
	// connections that it has drawn so far.
	Progress func(lines int)
}

func (o Options) drawn(lines int) {
	if o.Progress != nil {
		o.Progress(lines)
	}
}

// Build draws a model. What the policies of set allow is asked for each edge; set
// may be nil, and Compile made it of this model.
func Build(m *generator.Model, set *verify.Set, o Options) (*Graph, error) {
	every := func(string) bool { return true }
	drawn := every
	if len(o.Namespaces) > 0 {
		drawn = func(namespace string) bool { return slices.Contains(o.Namespaces, namespace) }
	}
	g, err := compose(m, set, o, drawn, drawn)
	if err != nil || o.Bound.holds(g) {
		return g, err
	}
	large := &TooLargeError{Boxes: len(g.Nodes), Lines: len(g.Edges), Bound: o.Bound}
	if len(o.Namespaces) > 0 {
		return nil, large
	}
	if g, err = compose(m, set, o, every, func(string) bool { return false }); err != nil || o.Bound.holds(g) {
		return g, err
	}
	large.Folded, large.Boxes, large.Lines = true, len(g.Nodes), len(g.Edges)
	return nil, large
}

// compose draws what is about some namespaces, and the workloads of those that are open.
func compose(m *generator.Model, set *verify.Set, o Options, about, open func(namespace string) bool) (*Graph, error) {
	b := builder{model: m, set: set, open: open, nodes: map[nodeKey]int{}, edges: map[[2]int]int{}, graph: &Graph{Judged: set != nil, options: o}}
	for _, w := range m.Universe.Workloads() {
		if about(w.ID.Namespace) {
			b.node(generator.WorkloadPeerOf(w.ID), Inside)
		}
	}
	common := b.common(about)
	for i := range m.Edges {
		e := &m.Edges[i]
		if common[commonKey{e.From.Namespace, e.To, e.Port}] && e.From.Kind == generator.WorkloadPeer || !about(e.From.Namespace) && !about(e.To.Namespace) {
			continue
		}
		if err := b.edge(e); err != nil {
			return nil, err
		}
		o.drawn(i + 1)
	}
	b.order()
	return b.graph, nil
}

type nodeKey struct {
	peer generator.Peer
	side Side
}

type builder struct {
	model *generator.Model
	set   *verify.Set
	open  func(namespace string) bool // its workloads are drawn
	graph *Graph
	nodes map[nodeKey]int
	edges map[[2]int]int
	ports []generator.PortSet // of each node
	names [][]string          // of ports of each node that have only a name
	lines [][]generator.Port  // of each edge
}

// node returns the index of a peer's node.
func (b *builder) node(p generator.Peer, side Side) int {
	folded := p.Namespace != "" && !b.open(p.Namespace)
	if p.Namespace != "" {
		side = Inside
	}
	if folded {
		p = generator.NamespacePeerOf(p.Namespace)
	}
	key := nodeKey{p, side}
	if i, known := b.nodes[key]; known {
		return i
	}
	n := Node{Side: side, Namespace: p.Namespace, Label: drawing.Visible(p.String())}
	if folded {
		n = Node{Side: side, Label: drawing.Visible(p.Namespace), Whole: true, Workloads: len(b.model.Universe.Within(p.Namespace))}
		n.Kind = count(n.Workloads, "workload")
	}
	switch p.Kind {
	case generator.WorkloadPeer:
		n.Label, n.Kind = drawing.Visible(p.Name), drawing.Visible(p.Workload)
		if w := b.model.Universe.Workload(p.ID()); w != nil && w.HostNetwork {
			n.Kind += " on the network of its node"
		}
	case generator.NamespacePeer:
		if !folded {
			n.Label = "every pod"
		}
	case generator.ClusterPeer:
		n.Label = "every pod of the cluster"
	case generator.ExternalPeer:
		n.Label = "outside of the cluster"
	case generator.ServicePeer, generator.CIDRPeer, generator.FQDNPeer, generator.DNSPeer, generator.APIServerPeer,
		generator.NodePeer, generator.GatewayPeer, generator.MonitoringPeer: // as the peer says
	}
	b.nodes[key] = len(b.graph.Nodes)
	b.graph.Nodes = append(b.graph.Nodes, n)
	b.ports = append(b.ports, generator.PortSet{})
	b.names = append(b.names, nil)
	return len(b.graph.Nodes) - 1
}

// edge adds what the model wants to the line between two nodes.
func (b *builder) edge(e *generator.Edge) error {
	from, to := b.node(e.From, Left), b.node(e.To, Right)
	key := [2]int{from, to}
	i, known := b.edges[key]
	if !known {
		i = len(b.graph.Edges)
		b.edges[key] = i
		b.graph.Edges = append(b.graph.Edges, Edge{From: from, To: to})
		b.lines = append(b.lines, nil)
	}
	line := &b.graph.Edges[i]
	if !slices.Contains(b.lines[i], e.Port) {
		b.lines[i] = append(b.lines[i], e.Port)
	}
	line.Exposed = line.Exposed || exposed(e.From)
	for _, why := range e.Because {
		line.Because = append(line.Because, drawing.Visible(strings.TrimSpace(why.Where+" "+why.What)))
	}
	b.accepts(to, e.Port)
	if b.set == nil {
		return nil
	}
	blocked, err := b.blocked(e)
	if err != nil {
		return err
	}
	open := e.To.Kind == generator.WorkloadPeer && b.anybody(e)
	line.Blocked = line.Blocked || blocked
	line.Unguarded = line.Unguarded || open
	b.graph.Nodes[to].Unguarded = b.graph.Nodes[to].Unguarded || open
	return nil
}

// exposed reports whether an end is outside of the cluster, or passes on what is.
func exposed(p generator.Peer) bool {
	return p.Kind == generator.GatewayPeer || p.Kind == generator.ExternalPeer || p.Kind == generator.CIDRPeer
}

// accepts notes a port on which a node accepts connections.
func (b *builder) accepts(node int, p generator.Port) {
	if p.Name != "" && !slices.Contains(b.names[node], p.Name) {
		b.names[node] = append(b.names[node], p.Name)
	}
	b.ports[node] = b.ports[node].Union(generator.Ports(p))
	list := b.ports[node].List()
	words := make([]string, 0, len(list)+len(b.names[node]))
	for _, each := range list {
		number := strings.TrimPrefix(each.String(), each.Protocol.String()+"/")
		if each.Protocol != generator.TCP {
			number += "/" + each.Protocol.String()
		}
		words = append(words, number)
	}
	b.graph.Nodes[node].Ports = strings.Join(append(words, b.names[node]...), ", ")
}

// blocked asks the policies about one end for each part of both peers.
func (b *builder) blocked(e *generator.Edge) (bool, error) {
	for _, from := range verify.Samples(b.model, e.From) {
		for _, to := range verify.Samples(b.model, e.To) {
			if !from.IsPod() && !to.IsPod() || e.Port.Name != "" && to.Workload == (generator.WorkloadID{}) {
				continue // not the cluster's; or what has no ports that have names
			}
			v, err := b.set.Allowed(from, to, e.Port)
			if err != nil {
				return false, fmt.Errorf("judge %s: %w", e, err)
			}
			if !v.Allowed {
				return true, nil
			}
		}
	}
	return false, nil
}

// anybody reports whether a pod that nobody described may do the same. Where the
// workload does not have the port, nobody may.
func (b *builder) anybody(e *generator.Edge) bool {
	v, err := b.set.Allowed(verify.StrangerIn(""), verify.PodOf(e.To.ID()), e.Port)
	return err == nil && v.Allowed
}
