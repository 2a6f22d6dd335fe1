// SPDX-License-Identifier: Apache-2.0

// Package graph draws who has which dangerous power by which binding and role:
// four columns, subject -> binding -> role -> power. It is pure and knows three
// notations: SVG to look at, Mermaid for documents, DOT for other programs. Others draw
// four columns of their own with a Builder (internal/endpoint).
package graph

import (
	"cmp"
	"maps"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Column is where a node stands.
type Column int

// The columns, from left to right.
const (
	Subjects Column = iota
	Bindings
	Roles
	Powers
	columns
)

// Titles are what the columns of a graph are called, from left to right.
type Titles [columns]string

// Node is one box.
type Node struct {
	Column   Column
	Label    string          // "ServiceAccount shop/web"
	Detail   string          // what else is worth saying, such as where a binding holds
	Severity checks.Severity // of a power; of other nodes the worst that they lead to
}

// Edge connects two nodes by their indexes.
type Edge struct {
	From, To int
	Severity checks.Severity // the worst that leads over it
}

// Graph is what to draw. Nodes are ordered by column and, within one, so that
// edges cross little.
type Graph struct {
	Titles Titles
	Nodes  []Node
	Edges  []Edge
}

// Options choose what to draw.
type Options struct {
	// Keep chooses subjects as bindings list them, the namespace of an account
	// filled in; nil keeps all.
	Keep func(rbacv1.Subject) bool

	// Least leaves out powers below it. SeverityUnset draws all.
	Least checks.Severity
}

// Build draws the subjects of all bindings that have a dangerous power. Subjects
// without one are left out: a graph of everything is a graph of nothing.
func Build(v authz.View, o Options) *Graph {
	b := builder{NewBuilder(Titles{"subjects", "bindings", "roles", "powers"})}
	for _, kind := range []inventory.Key{{Kind: inventory.ClusterBindingKind}, {Kind: inventory.RoleBindingKind}} {
		for e := range v.Inventory().Entries(kind.Kind, "") {
			if bound, ok := authz.BoundOf(e.Object); ok {
				b.binding(v, bound, o)
			}
		}
	}
	return b.Graph()
}

// Builder collects what a graph of four columns has. It is for one goroutine.
type Builder struct {
	titles Titles
	nodes  []Node
	at     map[Node]int // by column, label and detail
	edges  map[[2]int]checks.Severity
}

// NewBuilder begins a graph.
func NewBuilder(titles Titles) *Builder {
	return &Builder{titles: titles, at: map[Node]int{}, edges: map[[2]int]checks.Severity{}}
}

type builder struct{ *Builder }

func (b *builder) binding(v authz.View, bound authz.Bound, o Options) {
	g := v.Grant(bound)
	var holds []power.Hold
	for _, h := range power.Of(g.Rules, power.Scope{Namespace: g.Namespace}) {
		if h.Severity >= o.Least {
			holds = append(holds, h)
		}
	}
	if len(holds) == 0 {
		return
	}
	for _, s := range bound.Subjects {
		if s.Kind == rbacv1.ServiceAccountKind {
			s.Namespace = cmp.Or(s.Namespace, bound.Key.Namespace)
		}
		if o.Keep != nil && !o.Keep(s) {
			continue
		}
		where := "" // the name of a RoleBinding says it
		if g.Namespace == "" {
			where = "everywhere"
		}
		for _, h := range holds {
			subject := b.Node(Subjects, authz.Named(s), "", h.Severity)
			binding := b.Node(Bindings, g.Binding.String(), where, h.Severity)
			role := b.Node(Roles, g.Role.String(), "", h.Severity)
			p := b.Node(Powers, h.Power.Can, h.Power.ID, h.Severity)
			b.Edge(subject, binding, h.Severity)
			b.Edge(binding, role, h.Severity)
			b.Edge(role, p, h.Severity)
		}
	}
}

// Node returns the index of the box with a label and a detail in a column, which there is
// from then on. It is as severe as the worst that is said of it.
func (b *Builder) Node(c Column, label, detail string, s checks.Severity) int {
	key := Node{Column: c, Label: label, Detail: detail}
	i, there := b.at[key]
	if !there {
		i = len(b.nodes)
		b.at[key], b.nodes = i, append(b.nodes, key)
	}
	b.nodes[i].Severity = max(b.nodes[i].Severity, s)
	return i
}

// Edge connects two boxes, by the worst that is said of both.
func (b *Builder) Edge(from, to int, s checks.Severity) {
	b.edges[[2]int{from, to}] = max(b.edges[[2]int{from, to}], s)
}

// sweeps is how often the columns are put in order by their neighbours; after a
// few nothing moves any more.
const sweeps = 8

// Graph orders the nodes: by severity first, then each column by the mean place
// of its neighbours (Sugiyama, Tagawa and Toda, 1981), left to right and back.
func (b *Builder) Graph() *Graph {
	var order [columns][]int
	for i, n := range b.nodes {
		order[n.Column] = append(order[n.Column], i)
	}
	for _, list := range order {
		slices.SortFunc(list, func(x, y int) int {
			a, c := b.nodes[x], b.nodes[y]
			return cmp.Or(cmp.Compare(c.Severity, a.Severity), cmp.Compare(a.Label, c.Label), cmp.Compare(a.Detail, c.Detail))
		})
	}
	// In order, because sums of fractions depend on theirs: equal clusters have
	// equal pictures.
	neighbours := make(map[int][]int, len(b.nodes))
	for _, e := range slices.SortedFunc(maps.Keys(b.edges), func(x, y [2]int) int { return slices.Compare(x[:], y[:]) }) {
		neighbours[e[0]] = append(neighbours[e[0]], e[1])
		neighbours[e[1]] = append(neighbours[e[1]], e[0])
	}
	for sweep := range sweeps {
		for c := Column(1); c < columns; c++ {
			to, from := c, c-1
			if sweep%2 == 1 {
				to, from = columns-1-c, columns-c
			}
			b.arrange(order[to], order[from], neighbours)
		}
	}
	return b.numbered(order)
}

// arrange sorts a column by the mean place of each node's neighbours in another
// one, as a share of its length.
func (b *Builder) arrange(list, other []int, neighbours map[int][]int) {
	place := make(map[int]float64, len(other))
	for i, n := range other {
		place[n] = float64(i) / float64(len(other))
	}
	mean := make(map[int]float64, len(list))
	for _, n := range list {
		sum, count := 0.0, 0
		for _, m := range neighbours[n] {
			if at, there := place[m]; there {
				sum += at
				count++
			}
		}
		if count > 0 {
			mean[n] = sum / float64(count)
		}
	}
	slices.SortStableFunc(list, func(x, y int) int { return cmp.Compare(mean[x], mean[y]) })
}

// numbered returns the graph with its nodes in order.
func (b *Builder) numbered(order [columns][]int) *Graph {
	g := &Graph{Titles: b.titles, Nodes: make([]Node, 0, len(b.nodes))}
	number := make([]int, len(b.nodes))
	for _, list := range order {
		for _, n := range list {
			number[n] = len(g.Nodes)
			g.Nodes = append(g.Nodes, b.nodes[n])
		}
	}
	for e, severity := range b.edges {
		g.Edges = append(g.Edges, Edge{number[e[0]], number[e[1]], severity})
	}
	slices.SortFunc(g.Edges, func(x, y Edge) int { return cmp.Or(x.From-y.From, x.To-y.To) })
	return g
}
