// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"slices"
)

// sweeps is how often all columns are ordered by their neighbours.
const sweeps = 6

// ranks returns the column of each node inside: one behind the last that connects
// to it, over lines that close no circle. Nodes without any line
// are lonely.
func (g *Graph) ranks() (ranks []int, lonely []bool) {
	out := make([][]int, len(g.Nodes))
	lonely = make([]bool, len(g.Nodes))
	for i, n := range g.Nodes {
		lonely[i] = n.Side == Inside
	}
	for _, e := range g.Edges {
		lonely[e.From], lonely[e.To] = false, false
		if e.From != e.To && g.Nodes[e.From].Side == Inside && g.Nodes[e.To].Side == Inside {
			out[e.From] = append(out[e.From], e.To)
		}
	}
	// In the order in which a search leaves nodes, reversed, every line that closes
	// no circle leads forward.
	const (
		unseen = iota
		inside
		left
	)
	state := make([]int, len(g.Nodes))
	var reversed []int
	back := map[[2]int]bool{}
	var visit func(int)
	visit = func(i int) {
		state[i] = inside
		for _, to := range out[i] {
			switch state[to] {
			case unseen:
				visit(to)
			case inside:
				back[[2]int{i, to}] = true
			}
		}
		state[i] = left
		reversed = append(reversed, i)
	}
	called := make([]bool, len(g.Nodes))
	for _, list := range out {
		for _, to := range list {
			called[to] = true
		}
	}
	for _, first := range []bool{true, false} { // those that nobody calls come first
		for i := range g.Nodes {
			if state[i] == unseen && called[i] != first {
				visit(i)
			}
		}
	}
	ranks = make([]int, len(g.Nodes))
	for _, i := range slices.Backward(reversed) {
		for _, to := range out[i] {
			if !back[[2]int{i, to}] {
				ranks[to] = max(ranks[to], ranks[i]+1)
			}
		}
	}
	return ranks, lonely
}

// columnOrder returns the nodes of each namespace by column, ordered so that
// lines cross little: each at the mean place of its neighbours, over and over.
func (g *Graph) columnOrder(ranks []int, lonely []bool) map[string][][]int {
	out := map[string][][]int{}
	for i, n := range g.Nodes {
		if n.Side != Inside || lonely[i] {
			continue
		}
		columns := out[n.Namespace]
		for len(columns) <= ranks[i] {
			columns = append(columns, nil)
		}
		columns[ranks[i]] = append(columns[ranks[i]], i)
		out[n.Namespace] = columns
	}
	near := make([][]int, len(g.Nodes))
	for _, e := range g.Edges {
		if g.Nodes[e.From].Side == Inside && g.Nodes[e.To].Side == Inside && g.Nodes[e.From].Namespace == g.Nodes[e.To].Namespace {
			near[e.From] = append(near[e.From], e.To)
			near[e.To] = append(near[e.To], e.From)
		}
	}
	place := make([]float64, len(g.Nodes))
	number := func(column []int) {
		for k, i := range column {
			place[i] = (float64(k) + 0.5) / float64(len(column))
		}
	}
	for _, namespace := range g.namespaces() {
		columns := out[namespace]
		for _, column := range columns {
			number(column)
		}
		for sweep := range sweeps {
			for k := range columns {
				column := columns[k]
				if sweep%2 == 1 {
					column = columns[len(columns)-1-k]
				}
				wish := make(map[int]float64, len(column))
				for _, i := range column {
					wish[i] = place[i]
					if len(near[i]) > 0 {
						sum := 0.0
						for _, other := range near[i] {
							sum += place[other]
						}
						wish[i] = sum / float64(len(near[i]))
					}
				}
				slices.SortStableFunc(column, func(a, b int) int { return cmp.Compare(wish[a], wish[b]) })
				number(column)
			}
		}
	}
	return out
}
