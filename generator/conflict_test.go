// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSourcesDisagree has one row for each way in which edges of several sources
// may be about the same.
func TestSourcesDisagree(t *testing.T) {
	t.Parallel()
	workload := func(name string) Peer {
		return WorkloadPeerOf(WorkloadID{Namespace: "shop", Kind: "Deployment", Name: name})
	}
	web, carts, silent := workload("web"), workload("carts"), workload("silent")
	cidr := func(text string) Peer { return CIDRPeerOf(netip.MustParsePrefix(text)) }
	http, number, other := NamedPort(TCP, "http"), NumberedPort(TCP, 8080), NumberedPort(TCP, 9090)
	because := func(s Source, from, to Peer, p Port) Edge {
		return Edge{From: from, To: to, Port: p, Because: []Evidence{{Source: s}}}
	}
	const (
		declared   = "declared but never seen"
		configured = "in manifests but not seen"
		undeclared = "seen but not declared"
	)
	for name, tc := range map[string]struct {
		edges []Edge
		want  []string
	}{
		"nobody looked":                           {[]Edge{because(Intent, web, carts, number), because(Manifest, web, carts, other)}, nil},
		"one edge of both":                        {[]Edge{because(Intent, web, carts, number), because(Flow, web, carts, number)}, nil},
		"an intent":                               {[]Edge{because(Intent, web, carts, other), because(Manifest, web, carts, number), because(Flow, web, carts, number)}, []string{declared + ": Deployment shop/web -> Deployment shop/carts TCP/9090"}},
		"a manifest":                              {[]Edge{because(Manifest, web, carts, other), because(Intent, web, carts, number), because(Flow, web, carts, number)}, []string{configured + ": Deployment shop/web -> Deployment shop/carts TCP/9090"}},
		"a template need not be used":             {[]Edge{because(Template, web, carts, other), because(Template, web, carts, number), because(Flow, web, carts, number)}, nil},
		"a flow":                                  {[]Edge{because(Flow, web, carts, number)}, []string{undeclared + ": Deployment shop/web -> Deployment shop/carts TCP/8080"}},
		"a flow in the other direction":           {[]Edge{because(Intent, web, carts, number), because(Flow, carts, web, number)}, []string{declared + ": Deployment shop/web -> Deployment shop/carts TCP/8080", undeclared + ": Deployment shop/carts -> Deployment shop/web TCP/8080"}},
		"a name of the port that was seen":        {[]Edge{because(Manifest, web, carts, http), because(Flow, web, carts, number)}, nil},
		"a name of another port":                  {[]Edge{because(Manifest, web, carts, http), because(Flow, web, carts, other)}, []string{configured + ": Deployment shop/web -> Deployment shop/carts TCP/http", undeclared + ": Deployment shop/web -> Deployment shop/carts TCP/9090"}},
		"a range around the port":                 {[]Edge{because(Intent, web, carts, Port{Protocol: TCP, First: 8000, Last: 8999}), because(Flow, web, carts, number)}, nil},
		"another protocol":                        {[]Edge{because(Intent, web, carts, NumberedPort(UDP, 8080)), because(Flow, web, carts, number)}, []string{declared + ": Deployment shop/web -> Deployment shop/carts UDP/8080", undeclared + ": Deployment shop/web -> Deployment shop/carts TCP/8080"}},
		"a namespace around both":                 {[]Edge{because(Template, NamespacePeerOf("shop"), NamespacePeerOf("shop"), EveryPort(TCP)), because(Flow, web, carts, number)}, nil},
		"the cluster around both":                 {[]Edge{because(Template, Peer{Kind: ClusterPeer}, Peer{Kind: ClusterPeer}, EveryPort(TCP)), because(Flow, web, carts, number)}, nil},
		"another namespace":                       {[]Edge{because(Template, NamespacePeerOf("bank"), carts, number), because(Flow, web, carts, number)}, []string{undeclared + ": Deployment shop/web -> Deployment shop/carts TCP/8080"}},
		"a block around an address":               {[]Edge{because(Intent, web, cidr("198.51.100.0/24"), number), because(Flow, web, cidr("198.51.100.7/32"), number)}, nil},
		"an address within a block that was seen": {[]Edge{because(Intent, web, cidr("198.51.100.7/32"), number), because(Flow, web, cidr("198.51.100.0/24"), number)}, []string{declared + ": Deployment shop/web -> 198.51.100.7/32 TCP/8080", undeclared + ": Deployment shop/web -> 198.51.100.0/24 TCP/8080"}},
		"the outside around an address":           {[]Edge{because(Intent, web, Peer{Kind: ExternalPeer}, number), because(Flow, web, cidr("198.51.100.7/32"), number)}, nil},
		"the outside around a private address":    {[]Edge{because(Template, web, Peer{Kind: ExternalPeer}, number), because(Flow, web, cidr("10.9.9.9/32"), number)}, []string{undeclared + ": Deployment shop/web -> 10.9.9.9/32 TCP/8080"}},
		"the outside around a name":               {[]Edge{because(Intent, web, Peer{Kind: ExternalPeer}, number), because(Flow, web, FQDNPeerOf("api.example.com"), number)}, nil},
		"a workload at which nobody looked":       {[]Edge{because(Intent, silent, carts, number), because(Manifest, silent, web, number), because(Flow, web, carts, number), because(Manifest, web, carts, number)}, nil},
		"a namespace with one of those":           {[]Edge{because(Intent, NamespacePeerOf("shop"), carts, other), because(Manifest, web, carts, number), because(Flow, web, carts, number)}, nil},
		"a destination at which nobody looked":    {[]Edge{because(Intent, web, silent, number), because(Manifest, web, carts, number), because(Flow, web, carts, number)}, []string{declared + ": Deployment shop/web -> Deployment shop/silent TCP/8080"}},
		"from outside to where somebody looked":   {[]Edge{because(Intent, Peer{Kind: ExternalPeer}, carts, number), because(Manifest, web, carts, number), because(Flow, web, carts, number)}, []string{declared + ": external -> Deployment shop/carts TCP/8080"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var list []*Workload
			for _, p := range []Peer{web, carts, silent} {
				list = append(list, &Workload{ID: p.ID(), Labels: map[string]string{"app": p.Name}, Ports: []ContainerPort{{Name: "http", Protocol: TCP, Number: 8080}}})
			}
			u, err := NewUniverse(list, map[string]map[string]string{"bank": nil})
			if err != nil {
				t.Fatal(err)
			}
			m := &Model{Universe: u, Environment: NewEnvironment(), Edges: merged(tc.edges)}
			var got []string
			for _, c := range m.Conflicts(func(id WorkloadID) bool { return id.Name != "silent" }) {
				got = append(got, c.Kind.String()+": "+c.Edge.String())
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("conflicts (want -, got +):\n%s", d)
			}
		})
	}
}

func TestAConflictSaysWhereItWasSaid(t *testing.T) {
	t.Parallel()
	e := Edge{From: NamespacePeerOf("shop"), To: Peer{Kind: DNSPeer}, Port: NumberedPort(UDP, 53), Because: []Evidence{{Source: Intent, Where: "NetworkPlan shop/web"}}}
	if got, want := (Conflict{DeclaredUnseen, e}).String(), "NetworkPlan shop/web: namespace shop -> dns UDP/53: declared but never seen"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if got := ConflictKind(0).String(); got != "no conflict" {
		t.Errorf("%q", got)
	}
}

// TestConflictsOfAGreatModel: 5,000 workloads, each with a connection that was
// seen and one that was not. Comparing each with each would take minutes.
func TestConflictsOfAGreatModel(t *testing.T) {
	t.Parallel()
	const n = 5000
	var list []*Workload
	var edges []Edge
	peer := func(i int) Peer {
		return WorkloadPeerOf(WorkloadID{Namespace: "shop", Kind: "Deployment", Name: fmt.Sprintf("w%d", i%n)})
	}
	seen, asked := []Evidence{{Source: Flow}}, []Evidence{{Source: Intent}}
	for i := range n {
		list = append(list, &Workload{ID: peer(i).ID()})
		edges = append(edges, Edge{peer(i), peer(i + 1), NumberedPort(TCP, 1), seen}, Edge{peer(i), peer(i + 7), NumberedPort(TCP, 2), asked},
			Edge{peer(i), Peer{Kind: DNSPeer}, NumberedPort(UDP, 53), seen}, Edge{Peer{Kind: NodePeer}, peer(i), NumberedPort(TCP, 3), asked})
	}
	u, err := NewUniverse(list, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := &Model{Universe: u, Environment: NewEnvironment(), Edges: merged(edges)}
	if got := m.Conflicts(func(WorkloadID) bool { return true }); len(got) != 4*n {
		t.Errorf("%d conflicts", len(got))
	}
}
