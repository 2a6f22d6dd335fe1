// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// TestALargeGraphHasOneBoxForEachNamespace: nothing of it is lost but the workloads'
// names, and the bound is not passed.
func TestALargeGraphHasOneBoxForEachNamespace(t *testing.T) {
	t.Parallel()
	m := hundred(t)
	whole := build(t, m, nil)
	if whole.Folded() {
		t.Error("folded without a bound")
	}
	exact := Bound{len(whole.Nodes), len(whole.Edges)}
	for name, c := range map[string]struct {
		bound  Bound
		folded bool
	}{
		"as large as it may be": {exact, false},
		"a box too many":        {Bound{exact.Boxes - 1, exact.Lines}, true},
		"a line too many":       {Bound{exact.Boxes, exact.Lines - 1}, true},
	} {
		g, err := Build(m, nil, Options{Bound: c.bound})
		if err != nil || g.Folded() != c.folded || !c.bound.holds(g) {
			t.Errorf("%s: folded %v, %d boxes and %d lines, %v", name, g.Folded(), len(g.Nodes), len(g.Edges), err)
		}
	}
	g, err := Build(m, nil, Options{Bound: Bound{20, 20}})
	if err != nil {
		t.Fatal(err)
	}
	if got := g.Summary(); !strings.HasPrefix(got, "100 workloads in 5 namespaces, 18 lines between them: 5 exposed") {
		t.Error(got)
	}
	lines := strings.Join(linesOf(g), "\n")
	for _, want := range []string{"gateway -> team-0 TCP/8080 exposed", "team-0 -> team-1 TCP/8080", "team-3 -> team-3 TCP/8080"} {
		if !strings.Contains(lines, want) {
			t.Errorf("%q is not among\n%s", want, lines)
		}
	}
	if fmt.Sprint(g.Notes) != "[{ every workload → dns TCP/53}]" {
		t.Error(g.Notes)
	}
	for notation, text := range map[string]string{"SVG": g.SVG("x"), "Mermaid": g.Mermaid(), "DOT": g.DOT()} {
		if !strings.Contains(text, "namespaces") || !strings.Contains(text, "team-4") || strings.Contains(text, "service-") {
			t.Errorf("%s: %s", notation, text)
		}
	}
	var large *TooLargeError
	if _, err = Build(m, nil, Options{Bound: Bound{6, 13}}); !errors.As(err, &large) || !large.Folded || large.Lines != 18 || large.Boxes != 6 {
		t.Error(err)
	}
}

// TestSomeNamespacesAreDrawn with their workloads, and others where they connect.
func TestSomeNamespacesAreDrawn(t *testing.T) {
	t.Parallel()
	m := hundred(t)
	g, err := Build(m, nil, Options{Namespaces: []string{"team-4"}, Bound: Bound{25, 100}})
	if err != nil || g.Folded() {
		t.Fatal(err)
	}
	workloads, whole := 0, []string{}
	for _, n := range g.Nodes {
		if n.Whole {
			whole = append(whole, n.Label)
		} else if n.Side == Inside {
			workloads++
		}
	}
	if workloads != 20 || fmt.Sprint(whole) != "[team-1 team-2 team-3]" {
		t.Errorf("%d workloads, and as one box %v", workloads, whole)
	}
	for _, line := range linesOf(g) {
		if !strings.Contains(line, "service-") {
			t.Errorf("%s is about other namespaces", line)
		}
	}
	var large *TooLargeError
	if _, err = Build(m, nil, Options{Namespaces: []string{"team-4"}, Bound: Bound{22, 100}}); !errors.As(err, &large) || large.Folded {
		t.Error(err)
	}
}

// TestALineSaysNoMoreThanIsRead: however many connections it is for.
func TestALineSaysNoMoreThanIsRead(t *testing.T) {
	t.Parallel()
	var wishes []wish
	for port := range uint16(3 * maxWords) {
		wishes = append(wishes, wish{peer("a", "x"), peer("a", "y"), 8000 + port})
	}
	g := build(t, modelOf(t, []*generator.Workload{workload("a", "x"), workload("a", "y")}, wishes...), nil)
	if got := g.Edges[0].Ports; len(g.Edges) != 1 || !strings.HasPrefix(got, "TCP/8000, TCP/8001, ") || !strings.HasSuffix(got, "TCP/8019, and 40 more") {
		t.Error(got)
	}
}
