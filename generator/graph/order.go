// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/graph/drawing"
)

// commonKey is a connection of a namespace's workloads with a group.
type commonKey struct {
	namespace string
	to        generator.Peer
	port      generator.Port
}

// common finds what all workloads of a namespace connect to, if they are several:
// name servers, above all. What policies refuse is drawn for each.
func (b *builder) common() map[commonKey]bool {
	count := map[commonKey]int{}
	refused := map[commonKey]bool{}
	for i := range b.model.Edges {
		e := &b.model.Edges[i]
		if e.From.Kind != generator.WorkloadPeer || e.To.Namespace != "" {
			continue
		}
		key := commonKey{e.From.Namespace, e.To, e.Port}
		count[key]++
		if b.set != nil {
			blocked, err := b.blocked(e)
			refused[key] = refused[key] || blocked || err != nil
		}
	}
	out := map[commonKey]bool{}
	words := map[Note][]string{} // ports, by namespace and peer
	pods := map[string]int{}
	for _, w := range b.model.Universe.Workloads() {
		if !w.HostNetwork {
			pods[w.ID.Namespace]++
		}
	}
	for key, n := range count {
		if n == pods[key.namespace] && n > 1 && !refused[key] {
			out[key] = true
			note := Note{key.namespace, key.to.String()}
			words[note] = append(words[note], key.port.String())
		}
	}
	for note, ports := range words {
		slices.Sort(ports)
		b.graph.Notes = append(b.graph.Notes, Note{note.Namespace, "every workload → " + drawing.Visible(note.Text) + " " + strings.Join(ports, ", ")})
	}
	slices.SortFunc(b.graph.Notes, func(x, y Note) int {
		return cmp.Or(strings.Compare(x.Namespace, y.Namespace), strings.Compare(x.Text, y.Text))
	})
	return out
}

// order sorts nodes and renumbers the edges.
func (b *builder) order() {
	g := b.graph
	index := make([]int, len(g.Nodes))
	for i := range index {
		index[i] = i
	}
	slices.SortStableFunc(index, func(x, y int) int {
		p, q := &g.Nodes[x], &g.Nodes[y]
		return cmp.Or(cmp.Compare(p.Side, q.Side), strings.Compare(p.Namespace, q.Namespace), strings.Compare(p.Label, q.Label), strings.Compare(p.Kind, q.Kind))
	})
	nodes, at := make([]Node, len(index)), make([]int, len(index))
	for now, before := range index {
		nodes[now], at[before] = g.Nodes[before], now
	}
	g.Nodes = nodes
	for i := range g.Edges {
		e := &g.Edges[i]
		e.From, e.To = at[e.From], at[e.To]
		slices.Sort(e.Because)
		e.Because = slices.Compact(e.Because)
	}
	slices.SortFunc(g.Edges, func(x, y Edge) int { return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To)) })
}

func joined(list, word string) string {
	if list == "" {
		return word
	}
	return list + ", " + word
}
