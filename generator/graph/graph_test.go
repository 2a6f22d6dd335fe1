// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// wish is a connection in short.
type wish struct {
	from, to generator.Peer
	port     uint16
}

func workload(namespace, name string) *generator.Workload {
	return &generator.Workload{
		ID: generator.WorkloadID{Namespace: namespace, Kind: "Deployment", Name: name}, Labels: map[string]string{"app": name},
	}
}

func modelOf(t *testing.T, workloads []*generator.Workload, wishes ...wish) *generator.Model {
	t.Helper()
	u, err := generator.NewUniverse(workloads, nil)
	if err != nil {
		t.Fatal(err)
	}
	env := generator.NewEnvironment()
	env.DNS = generator.Group{Pods: []generator.PodSet{{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}}}}
	env.Gateway = generator.Group{Pods: []generator.PodSet{{Namespace: "edge", Labels: map[string]string{"app": "proxy"}}}}
	var edges []generator.Edge
	for _, w := range wishes {
		edges = append(edges, generator.Edge{From: w.from, To: w.to, Port: generator.NumberedPort(generator.TCP, w.port), Because: []generator.Evidence{{Source: generator.Intent, Where: "a test"}}})
	}
	m, problems := generator.Build(generator.Input{Inventory: inventory.New(), Universe: u, Environment: env, Edges: edges})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return m
}

func peer(namespace, name string) generator.Peer {
	return generator.WorkloadPeerOf(workload(namespace, name).ID)
}

// shop is web -> carts -> db in one namespace, reached through the gateway, with
// name servers for all and a workload without lines.
func shop(t *testing.T) *generator.Model {
	t.Helper()
	var list []*generator.Workload
	var wishes []wish
	for _, name := range []string{"web", "carts", "db", "idle"} {
		list = append(list, workload("shop", name))
		wishes = append(wishes, wish{peer("shop", name), generator.Peer{Kind: generator.DNSPeer}, 53})
	}
	return modelOf(t, list, append(wishes,
		wish{generator.Peer{Kind: generator.GatewayPeer}, peer("shop", "web"), 8080},
		wish{peer("shop", "web"), peer("shop", "carts"), 80}, wish{peer("shop", "web"), peer("shop", "carts"), 81},
		wish{peer("shop", "carts"), peer("shop", "db"), 5432},
		wish{peer("shop", "carts"), generator.CIDRPeerOf(netip.MustParsePrefix("203.0.113.0/24")), 443},
	)...)
}

// isolated compiles one policy that isolates the pods of an app from all ingress.
func isolated(t *testing.T, m *generator.Model, apps ...string) *verify.Set {
	t.Helper()
	var list []*networkingv1.NetworkPolicy
	for _, app := range apps {
		list = append(list, &networkingv1.NetworkPolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: app},
			Spec:       networkingv1.NetworkPolicySpec{PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}, PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}},
		})
	}
	read, err := netpol.Read(list)
	if err != nil {
		t.Fatal(err)
	}
	set, err := verify.Compile(read, m, verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func build(t *testing.T, m *generator.Model, set *verify.Set) *Graph {
	t.Helper()
	g, err := Build(m, set, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func linesOf(g *Graph) []string {
	var out []string
	for _, e := range g.Edges {
		out = append(out, strings.TrimSpace(g.Nodes[e.From].Label+" -> "+g.Nodes[e.To].Label+" "+e.Ports+" "+e.words()))
	}
	slices.Sort(out)
	return out
}

func TestLinesAreMarked(t *testing.T) {
	t.Parallel()
	m := shop(t)
	for name, tc := range map[string]struct {
		set  *verify.Set
		want []string
	}{
		"without policies nothing is judged": {nil, []string{
			"carts -> 203.0.113.0/24 TCP/443", "carts -> db TCP/5432", "gateway -> web TCP/8080 exposed", "web -> carts TCP/80, TCP/81",
		}},
		"what a policy cuts is blocked, and what none guards is open to all": {isolated(t, m, "db"), []string{
			"carts -> 203.0.113.0/24 TCP/443", "carts -> db TCP/5432 blocked", "gateway -> web TCP/8080 exposed, unguarded", "web -> carts TCP/80, TCP/81 unguarded",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := build(t, m, tc.set)
			if diff := cmp.Diff(tc.want, linesOf(g)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff([]Note{{"shop", "every workload → dns TCP/53"}}, g.Notes); diff != "" {
				t.Errorf("notes, -want +got:\n%s", diff)
			}
		})
	}
}

func TestAPictureIsWellFormedAndNothingStandsOnAnother(t *testing.T) {
	t.Parallel()
	for name, g := range map[string]*Graph{"shop": build(t, shop(t), nil), "a hundred workloads": build(t, hundred(t), nil), "nothing": build(t, modelOf(t, nil), nil)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := xml.NewDecoder(strings.NewReader(g.SVG("<title> & \"more\"")))
			for {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
			l := g.layout()
			for i, a := range l.boxes {
				if a.x < 0 || a.x+a.width > l.width || a.y-boxHeight/2 < header || a.y+boxHeight/2 > l.height {
					t.Errorf("%s is outside of the picture: %+v of %.0f x %.0f", g.Nodes[i].name(), a, l.width, l.height)
				}
				for j, b := range l.boxes[:i] {
					if a.x < b.x+b.width && b.x < a.x+a.width && max(a.y, b.y)-min(a.y, b.y) < boxHeight {
						t.Errorf("%s and %s stand on each other: %+v, %+v", g.Nodes[i].name(), g.Nodes[j].name(), a, b)
					}
				}
			}
			for i, a := range l.groups {
				for _, b := range l.groups[:i] {
					if a.y < b.y+b.height && b.y < a.y+a.height {
						t.Errorf("namespaces %s and %s stand on each other", a.name, b.name)
					}
				}
			}
		})
	}
}

// TestNoLineRunsBehindABox: lines pass between boxes, also where they are long, lead
// back or are many.
func TestNoLineRunsBehindABox(t *testing.T) {
	t.Parallel()
	circles := make([]*generator.Workload, 0, 12)
	var wishes []wish
	for i := range 12 {
		circles = append(circles, workload("a", fmt.Sprintf("w%02d", i)))
		wishes = append(wishes, wish{peer("a", fmt.Sprintf("w%02d", i)), peer("a", fmt.Sprintf("w%02d", (i+1)%12)), 80}, wish{peer("a", fmt.Sprintf("w%02d", i)), peer("a", fmt.Sprintf("w%02d", (i*5)%12)), 81})
	}
	for name, g := range map[string]*Graph{
		"shop": build(t, shop(t), nil), "a hundred workloads": build(t, hundred(t), nil), "circles": build(t, modelOf(t, circles, wishes...), nil),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := g.layout()
			lines, bent := 0, 0
			for i, e := range g.Edges {
				route := l.route(l.boxes[e.From], l.boxes[e.To], i)
				lines++
				if len(route) > 1 {
					bent++
				}
				at := point{l.boxes[e.From].x + l.boxes[e.From].width, l.boxes[e.From].y}
				for _, c := range route {
					if c[0] != at {
						t.Fatalf("%s -> %s is broken at %v", g.Nodes[e.From].name(), g.Nodes[e.To].name(), c[0])
					}
					at = c[3]
					for k := range 101 {
						p := c.at(float64(k) / 100)
						for n, b := range l.boxes {
							if n != e.From && n != e.To && p.x > b.x && p.x < b.x+b.width && p.y > b.y-boxHeight/2 && p.y < b.y+boxHeight/2 {
								t.Fatalf("%s -> %s runs behind %s at %v", g.Nodes[e.From].name(), g.Nodes[e.To].name(), g.Nodes[n].name(), p)
							}
						}
					}
				}
				if end := (point{l.boxes[e.To].x - arrow, l.boxes[e.To].y}); at != end {
					t.Errorf("%s -> %s ends at %v, not at %v", g.Nodes[e.From].name(), g.Nodes[e.To].name(), at, end)
				}
			}
			if lines == 0 || name != "shop" && bent == 0 {
				t.Errorf("%d lines, %d with bends: nothing was in the way", lines, bent)
			}
		})
	}
}

// TestANoteNamesFewExceptions: what nearly every workload of a namespace does is a note too.
func TestANoteNamesFewExceptions(t *testing.T) {
	t.Parallel()
	for silent, want := range map[int][]Note{
		0: {{"a", "every workload → dns TCP/53"}},
		1: {{"a", "every workload but w0 → dns TCP/53"}},
		2: {{"a", "every workload but w0, w1 → dns TCP/53"}},
		3: nil, // of nine: too many
	} {
		var list []*generator.Workload
		var wishes []wish
		for i := range 9 {
			name := fmt.Sprintf("w%d", i)
			list = append(list, workload("a", name))
			if i >= silent {
				wishes = append(wishes, wish{peer("a", name), generator.Peer{Kind: generator.DNSPeer}, 53})
			}
		}
		g := build(t, modelOf(t, list, wishes...), nil)
		if diff := cmp.Diff(want, g.Notes); diff != "" {
			t.Errorf("%d silent: -want +got:\n%s", silent, diff)
		}
		if lines := len(g.Edges); (lines == 0) != (want != nil) {
			t.Errorf("%d silent: %d lines beside the note", silent, lines)
		}
	}
}

// hundred is five namespaces of twenty workloads, each of which calls three others.
func hundred(t *testing.T) *generator.Model {
	t.Helper()
	var list []*generator.Workload
	var wishes []wish
	at := func(i int) (string, string) { return fmt.Sprintf("team-%d", i/20), fmt.Sprintf("service-%02d", i) }
	for i := range 100 {
		list = append(list, workload(at(i)))
		from := peer(at(i))
		wishes = append(wishes, wish{from, generator.Peer{Kind: generator.DNSPeer}, 53})
		for _, to := range []int{i*2 + 1, i*2 + 2, i + 7} {
			if to < 100 {
				wishes = append(wishes, wish{from, peer(at(to)), 8080})
			}
		}
		if i%20 == 0 {
			wishes = append(wishes, wish{generator.Peer{Kind: generator.GatewayPeer}, from, 8080})
		}
	}
	return modelOf(t, list, wishes...)
}

func TestLinesLeadToTheRight(t *testing.T) {
	t.Parallel()
	g := build(t, shop(t), nil)
	l := g.layout()
	for _, e := range g.Edges {
		if l.boxes[e.From].x+l.boxes[e.From].width >= l.boxes[e.To].x {
			t.Errorf("%s -> %s leads to the left", g.Nodes[e.From].name(), g.Nodes[e.To].name())
		}
	}
	// Two that call each other are a circle: one line leads back, and none is lost.
	circle := build(t, modelOf(t, []*generator.Workload{workload("a", "x"), workload("a", "y")},
		wish{peer("a", "x"), peer("a", "y"), 80}, wish{peer("a", "y"), peer("a", "x"), 80}, wish{peer("a", "x"), peer("a", "x"), 81}), nil)
	if ranks, _ := circle.ranks(); len(circle.Edges) != 3 || ranks[0] == ranks[1] {
		t.Errorf("ranks %v of %v", ranks, linesOf(circle))
	}
}

func TestNotationsNameEveryNodeAndLine(t *testing.T) {
	t.Parallel()
	m := shop(t)
	g := build(t, m, isolated(t, m, "db"))
	dot, mermaid := g.DOT(), g.Mermaid()
	for _, want := range []string{
		"subgraph cluster_0 {", `label="shop, every workload → dns TCP/53";`, `[label="TCP/5432 (blocked)", color="#a50026", style=dashed]`, `[label="web", style=dashed]`,
	} {
		if !strings.Contains(dot, want) {
			t.Errorf("DOT lacks %s:\n%s", want, dot)
		}
	}
	for _, want := range []string{"flowchart LR\n", `subgraph s0 ["shop, every workload → dns TCP/53"]`, `-->|"TCP/8080 (exposed, unguarded)"|`, "stroke:#a50026,stroke-dasharray:2 3"} {
		if !strings.Contains(mermaid, want) {
			t.Errorf("Mermaid lacks %s:\n%s", want, mermaid)
		}
	}
	if got := strings.Count(mermaid, "linkStyle"); got != len(g.Edges) || got == 0 {
		t.Errorf("%d styles of %d lines", got, len(g.Edges))
	}
}

func TestTheSameModelGivesTheSamePicture(t *testing.T) {
	t.Parallel()
	first := build(t, hundred(t), nil).SVG("x")
	for range 5 {
		if build(t, hundred(t), nil).SVG("x") != first {
			t.Fatal("another picture")
		}
	}
}
