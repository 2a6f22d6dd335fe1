// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"fmt"
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

// maxExceptions is how many workloads a note may name that do not do what it says.
const maxExceptions = 2

// common finds what all workloads of a namespace connect to, if they are several, and what
// all but few do: name servers, above all. What policies refuse is drawn for each.
func (b *builder) common(about func(namespace string) bool) map[commonKey]bool {
	doing := map[commonKey]map[generator.Peer]bool{}
	refused := map[commonKey]bool{}
	for i := range b.model.Edges {
		e := &b.model.Edges[i]
		if e.From.Kind != generator.WorkloadPeer || e.To.Namespace != "" {
			continue
		}
		key := commonKey{e.From.Namespace, e.To, e.Port}
		if doing[key] == nil {
			doing[key] = map[generator.Peer]bool{}
		}
		doing[key][e.From] = true
		if b.set != nil {
			blocked, err := b.blocked(e)
			refused[key] = refused[key] || blocked || err != nil
		}
	}
	out := map[commonKey]bool{}
	words := map[Note][]string{}  // ports, by namespace and text
	folded := map[commonKey]int{} // namespaces, by what all of the workloads in one connect to
	for key, who := range doing {
		if !about(key.namespace) {
			continue
		}
		others, ok := b.exceptions(key.namespace, who)
		if !ok || refused[key] {
			continue
		}
		if !b.open(key.namespace) {
			if len(others) == 0 {
				folded[commonKey{"", key.to, key.port}]++
			}
			continue
		}
		out[key] = true
		text := "every workload"
		if len(others) > 0 {
			text += " but " + strings.Join(others, ", ")
		}
		note := Note{key.namespace, text + " → " + drawing.Visible(key.to.String())}
		words[note] = append(words[note], key.port.String())
	}
	b.everywhere(folded, about, out, words)
	for note, ports := range words {
		slices.Sort(ports)
		b.graph.Notes = append(b.graph.Notes, Note{note.Namespace, note.Text + " " + strings.Join(ports, ", ")})
	}
	slices.SortFunc(b.graph.Notes, func(x, y Note) int {
		return cmp.Or(strings.Compare(x.Namespace, y.Namespace), strings.Compare(x.Text, y.Text))
	})
	return out
}

// everywhere adds what the workloads of all namespaces that are one box connect to.
func (b *builder) everywhere(folded map[commonKey]int, about func(string) bool, common map[commonKey]bool, words map[Note][]string) {
	var closed []string
	for _, namespace := range b.model.Universe.Namespaces() {
		if about(namespace) && !b.open(namespace) && len(b.model.Universe.Within(namespace)) > 0 {
			closed = append(closed, namespace)
		}
	}
	for key, namespaces := range folded {
		if namespaces < len(closed) {
			continue
		}
		for _, namespace := range closed {
			common[commonKey{namespace, key.to, key.port}] = true
		}
		note := Note{"", "every workload → " + drawing.Visible(key.to.String())}
		words[note] = append(words[note], key.port.String())
	}
}

// exceptions returns the workloads of a namespace that are not among those; false where they are too many
// to speak of every workload. Those on the network of their node do not count.
func (b *builder) exceptions(namespace string, those map[generator.Peer]bool) (names []string, ok bool) {
	for _, w := range b.model.Universe.Within(namespace) {
		if !w.HostNetwork && !those[generator.WorkloadPeerOf(w.ID)] {
			names = append(names, drawing.Visible(w.ID.Name))
		}
	}
	slices.Sort(names)
	return names, len(those) > 1 && len(names) <= maxExceptions && 3*len(names) <= len(those)
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
		e.Because = some(slices.Compact(e.Because))
		words := make([]string, 0, len(b.lines[i]))
		for _, p := range b.lines[i] {
			words = append(words, p.String())
		}
		e.Ports = strings.Join(some(words), ", ")
	}
	slices.SortFunc(g.Edges, func(x, y Edge) int { return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To)) })
}

// maxWords is how much is said of one line: more than that nobody reads in a tooltip.
const maxWords = 20

// some is a list of which the last entry counts those that are too many.
func some(list []string) []string {
	if len(list) <= maxWords {
		return list
	}
	return append(slices.Clip(list[:maxWords]), fmt.Sprintf("and %d more", len(list)-maxWords))
}
