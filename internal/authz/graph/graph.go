// SPDX-License-Identifier: Apache-2.0

// Package graph draws who has which dangerous power by which binding and role:
// four columns, subject -> binding -> role -> power. It is pure and knows three
// notations: SVG to look at, Mermaid for documents, DOT for other programs.
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

var columnNames = [columns]string{"subjects", "bindings", "roles", "powers"}

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
	Nodes []Node
	Edges []Edge
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
	b := builder{at: map[Node]int{}, edges: map[[2]int]checks.Severity{}}
	for _, kind := range []inventory.Key{{Kind: inventory.ClusterBindingKind}, {Kind: inventory.RoleBindingKind}} {
		for e := range v.Inventory().Entries(kind.Kind, "") {
			if bound, ok := authz.BoundOf(e.Object); ok {
				b.binding(v, bound, o)
			}
		}
	}
	return b.graph()
}

type builder struct {
	nodes []Node
	at    map[Node]int // by column, label and detail
	edges map[[2]int]checks.Severity
}

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
		subject := b.node(Subjects, authz.Named(s), "")
		binding := b.node(Bindings, g.Binding.String(), where)
		role := b.node(Roles, g.Role.String(), "")
		for _, h := range holds {
			p := b.node(Powers, h.Power.Can, h.Power.ID)
			for _, edge := range [][2]int{{subject, binding}, {binding, role}, {role, p}} {
				b.edges[edge] = max(b.edges[edge], h.Severity)
			}
			for _, n := range []int{subject, binding, role, p} {
				b.nodes[n].Severity = max(b.nodes[n].Severity, h.Severity)
			}
		}
	}
}

func (b *builder) node(c Column, label, detail string) int {
	key := Node{Column: c, Label: label, Detail: detail}
	if i, there := b.at[key]; there {
		return i
	}
	b.at[key] = len(b.nodes)
	b.nodes = append(b.nodes, key)
	return b.at[key]
}

// sweeps is how often the columns are put in order by their neighbours; after a
// few nothing moves any more.
const sweeps = 8

// graph orders the nodes: by severity first, then each column by the mean place
// of its neighbours (Sugiyama, Tagawa and Toda, 1981), left to right and back.
func (b *builder) graph() *Graph {
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
func (b *builder) arrange(list, other []int, neighbours map[int][]int) {
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
func (b *builder) numbered(order [columns][]int) *Graph {
	g := &Graph{Nodes: make([]Node, 0, len(b.nodes))}
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
