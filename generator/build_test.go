// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// shop is a small application in which every way through a Service occurs.
const shop = `
{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop"},"spec":{"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i","ports":[{"name":"http","containerPort":8080}]}]}}}}
{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"carts","namespace":"shop"},"spec":{"selector":{"matchLabels":{"app":"carts"}},"template":{"metadata":{"labels":{"app":"carts"}},"spec":{"containers":[{"name":"c","image":"i","ports":[{"name":"api","containerPort":9000}]}]}}}}
{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"agent","namespace":"shop"},"spec":{"selector":{"matchLabels":{"app":"agent"}},"template":{"metadata":{"labels":{"app":"agent"}},"spec":{"hostNetwork":true,"containers":[{"name":"c","image":"i","ports":[{"name":"metrics","containerPort":9400}]}]}}}}
{"apiVersion":"v1","kind":"Pod","metadata":{"name":"carts-5d8f-x1","namespace":"shop","labels":{"app":"carts","pod-template-hash":"5d8f"},"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"carts-5d8f","uid":"1","controller":true}]},"spec":{"containers":[{"name":"c","image":"i"}]},"status":{"podIP":"10.1.0.5","podIPs":[{"ip":"10.1.0.5"}]}}
{"apiVersion":"v1","kind":"Service","metadata":{"name":"carts","namespace":"shop"},"spec":{"selector":{"app":"carts"},"ports":[{"name":"http","port":80,"targetPort":"api"},{"name":"admin","port":81,"targetPort":9100}]}}
{"apiVersion":"v1","kind":"Service","metadata":{"name":"agent","namespace":"shop"},"spec":{"selector":{"app":"agent"},"ports":[{"port":9400}]}}
{"apiVersion":"v1","kind":"Service","metadata":{"name":"agent-named","namespace":"shop"},"spec":{"selector":{"app":"agent"},"ports":[{"port":80,"targetPort":"metrics"}]}}
{"apiVersion":"v1","kind":"Service","metadata":{"name":"pay","namespace":"shop"},"spec":{"type":"ExternalName","externalName":"api.pay.example"}}
{"apiVersion":"v1","kind":"Service","metadata":{"name":"alias","namespace":"shop"},"spec":{"type":"ExternalName","externalName":"carts.shop.svc.cluster.local"}}
{"apiVersion":"v1","kind":"Service","metadata":{"name":"db","namespace":"shop"},"spec":{"ports":[{"name":"pg","port":5432}]}}
{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"db-1","namespace":"shop","labels":{"kubernetes.io/service-name":"db"}},"addressType":"IPv4","endpoints":[{"addresses":["192.0.2.7"]},{"addresses":["10.1.0.5"]}],"ports":[{"name":"pg","port":5433}]}
`

func shopInventory(t *testing.T) *inventory.Inventory {
	t.Helper()
	return inventoryOf(t, strings.Split(strings.TrimSpace(shop), "\n")...)
}

// inventoryOf holds objects, each as JSON.
func inventoryOf(t *testing.T, lines ...string) *inventory.Inventory {
	t.Helper()
	return inventory.New(objectsOf(t, lines...)...)
}

func objectsOf(t *testing.T, lines ...string) []inventory.Object {
	t.Helper()
	var objects []inventory.Object
	for _, line := range lines {
		o, _, err := inventory.DecodeAny([]byte(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		objects = append(objects, o)
	}
	return objects
}

func TestBuildFollowsServices(t *testing.T) {
	t.Parallel()
	inv := shopInventory(t)
	u, err := Observe(inv)
	if err != nil {
		t.Fatal(err)
	}
	carts := u.Workload(WorkloadID{"shop", "Deployment", "carts"})
	if carts == nil || !slices.Equal(carts.Addresses, []netip.Addr{netip.MustParseAddr("10.1.0.5")}) {
		t.Fatalf("%v: the pod of a ReplicaSet nobody listed belongs to the Deployment", carts)
	}

	web := WorkloadPeerOf(WorkloadID{"shop", "Deployment", "web"})
	for _, c := range []struct {
		name, to string
		port     Port
		nodes    string
		want     []string // edges
		problem  string
	}{
		{name: "a named target port", to: "carts", port: NumberedPort(TCP, 80), want: []string{"Deployment shop/carts TCP/api"}},
		{name: "a Service port by its name", to: "carts", port: NamedPort(TCP, "admin"), want: []string{"Deployment shop/carts TCP/9100"}},
		{name: "every port of a Service", to: "carts", want: []string{"Deployment shop/carts TCP/api", "Deployment shop/carts TCP/9100"}},
		{name: "the pod's port is not the Service's", to: "carts", port: NumberedPort(TCP, 9000), problem: "no such port"},
		{name: "another protocol", to: "carts", port: NumberedPort(UDP, 80), problem: "no such port"},
		{name: "a name outside", to: "pay", port: NumberedPort(TCP, 443), want: []string{"api.pay.example TCP/443"}},
		{name: "a name outside without a port", to: "pay", problem: "no port is given"},
		{name: "a name of this cluster", to: "alias", port: NumberedPort(TCP, 80), want: []string{"Deployment shop/carts TCP/api"}},
		{name: "endpoints instead of a selector", to: "db", port: NumberedPort(TCP, 5432), want: []string{"Deployment shop/carts TCP/5433", "192.0.2.7/32 TCP/5433"}},
		{name: "the network of the node", to: "agent", port: NumberedPort(TCP, 9400), problem: "the addresses of the nodes are not known"},
		{name: "the network of a known node", to: "agent", port: NumberedPort(TCP, 9400), nodes: "198.51.100.0/24", want: []string{"nodes TCP/9400"}},
		{name: "a named port on the network of a known node", to: "agent-named", port: NumberedPort(TCP, 80), nodes: "198.51.100.0/24", want: []string{"nodes TCP/9400"}},
		{name: "no such Service", to: "nothing", port: NumberedPort(TCP, 80), problem: "there is no Service shop/nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env := NewEnvironment()
			if c.nodes != "" {
				env.Nodes.Addresses = []netip.Prefix{netip.MustParsePrefix(c.nodes)}
			}
			why := []Evidence{{Source: Manifest, Where: "web.yaml:3", What: c.name}}
			m, problems := Build(Input{Inventory: inv, Universe: u, Environment: env, Edges: []Edge{{From: web, To: ServicePeerOf("shop", c.to), Port: c.port, Because: why}}})
			var got []string
			for _, e := range m.Edges {
				if e.From != web {
					t.Errorf("from %s", e.From)
				}
				if err := e.Port.Validate(); err != nil {
					t.Error(err)
				}
				got = append(got, e.To.String()+" "+e.Port.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, not %q", got, c.want)
			}
			if (c.problem != "") != (len(problems) > 0) {
				t.Errorf("problems: %v", problems)
			}
			for _, p := range problems {
				if text := p.String(); !strings.Contains(text, c.problem) || !strings.Contains(text, "web.yaml:3") {
					t.Errorf("%s: not about %q at its place", text, c.problem)
				}
			}
		})
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	inv := shopInventory(t)
	u, err := Observe(inv)
	if err != nil {
		t.Fatal(err)
	}
	web := WorkloadPeerOf(WorkloadID{"shop", "Deployment", "web"})
	metadata := CIDRPeerOf(netip.MustParsePrefix("169.254.0.0/16"))
	seen := []Evidence{{Source: Flow, Confidence: Certain, Flows: 9}}
	https := NumberedPort(TCP, 443)
	for _, c := range []struct {
		edge    Edge
		problem string
	}{
		{Edge{}, "no reason"},
		{Edge{From: web, To: Peer{}, Port: https, Because: seen}, "names nothing"},
		{Edge{From: web, To: NamespacePeerOf("shop"), Because: seen}, "no port"},
		{Edge{From: web, To: NamespacePeerOf("shop"), Port: Port{Protocol: TCP, First: 9, Last: 3}, Because: seen}, "not a range"},
		{Edge{From: web, To: Peer{Kind: DNSPeer}, Port: https, Because: seen}, "not known"},
		{Edge{From: web, To: metadata, Port: https, Because: seen}, "metadata service"},
		{Edge{From: web, To: CIDRPeerOf(netip.MustParsePrefix("64:ff9b::/96")), Port: https, Because: seen}, "metadata service"},
		{Edge{From: metadata, To: CIDRPeerOf(netip.MustParsePrefix("192.0.2.0/24")), Port: https, Because: seen}, "neither end"},
		{Edge{From: FQDNPeerOf("a.example"), To: web, Port: https, Because: seen}, "opens no connections"},
		{Edge{From: web, To: WorkloadPeerOf(WorkloadID{"shop", "Deployment", "gone"}), Port: https, Because: seen}, "there is no"},
		{Edge{From: web, To: WorkloadPeerOf(WorkloadID{"shop", "DaemonSet", "agent"}), Port: NamedPort(TCP, "other"), Because: seen}, "no container gives a port the name"},
	} {
		m, problems := Build(Input{Inventory: inv, Universe: u, Environment: NewEnvironment(), Edges: []Edge{c.edge}})
		if len(m.Edges) != 0 || len(problems) != 1 || !strings.Contains(problems[0].String(), c.problem) {
			t.Errorf("%v %v, not one problem about %q", m.Edges, problems, c.problem)
		}
	}
	m, problems := Build(Input{Inventory: inv, Universe: u, Environment: NewEnvironment(), Edges: []Edge{
		{From: web, To: metadata, Port: https, Because: []Evidence{{Source: Intent, Where: "NetworkPlan shop/web"}}},
		{From: web, To: metadata, Port: https, Because: seen},
		{From: web, To: CIDRPeerOf(netip.MustParsePrefix("::ffff:192.0.2.9/120")), Port: https, Because: seen},
		{From: web, To: CIDRPeerOf(netip.MustParsePrefix("192.0.2.0/24")), Port: https, Because: seen},
	}})
	if len(problems) != 1 {
		t.Errorf("%v: what was seen asks for nothing by itself", problems)
	}
	if len(m.Edges) != 2 {
		t.Errorf("%v: one block has one edge, however it is written", m.Edges)
	}
}

// TestExpiredEvidenceIsNone: from the moment of its end on, evidence is as if it
// were not there, and an edge of which nothing else is left is told.
func TestExpiredEvidenceIsNone(t *testing.T) {
	t.Parallel()
	inv := shopInventory(t)
	u, err := Observe(inv)
	if err != nil {
		t.Fatal(err)
	}
	end := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	short, forever := Evidence{Source: Intent, Where: "a plan", Expires: end}, Evidence{Source: Manifest, Where: "web.yaml:3"}
	edge := func(because ...Evidence) Edge {
		return Edge{From: WorkloadPeerOf(WorkloadID{"shop", "Deployment", "web"}), To: WorkloadPeerOf(WorkloadID{"shop", "Deployment", "carts"}), Port: NumberedPort(TCP, 9000), Because: because}
	}
	for name, c := range map[string]struct {
		edge    Edge
		now     time.Time
		reasons int // of the one edge; 0 for no edge
	}{
		"a moment before its end":      {edge(short), end.Add(-1), 1},
		"at its end":                   {edge(short), end, 0},
		"after its end":                {edge(short), end.Add(1), 0},
		"nobody says what time it is":  {edge(short), time.Time{}, 1},
		"beside evidence that remains": {edge(short, forever), end, 1},
		"evidence without an end":      {edge(forever), end, 1},
	} {
		m, problems := Build(Input{Inventory: inv, Universe: u, Environment: NewEnvironment(), Edges: []Edge{c.edge}, Now: c.now})
		switch {
		case c.reasons == 0 && (len(m.Edges) != 0 || len(problems) != 1 || !strings.Contains(problems[0].String(), "a plan: Deployment shop/web -> Deployment shop/carts TCP/9000: expired at 2026-11-22T12:00:00Z")):
			t.Errorf("%s: %v %v, not one problem", name, m.Edges, problems)
		case c.reasons > 0 && (len(m.Edges) != 1 || len(m.Edges[0].Because) != c.reasons || len(problems) != 0):
			t.Errorf("%s: %v %v, not one edge with %d reasons", name, m.Edges, problems, c.reasons)
		}
		if got := c.edge.Because[0]; got != short && got != forever {
			t.Errorf("%s: the evidence that was handed in was changed", name)
		}
	}
}

// TestBuildKeepsTheServices: those with an address of their own, through which
// edges lead to pods.
func TestBuildKeepsTheServices(t *testing.T) {
	t.Parallel()
	inv := inventoryOf(t, append(strings.Split(strings.TrimSpace(shop), "\n"),
		`{"apiVersion":"v1","kind":"Service","metadata":{"name":"same","namespace":"shop"},"spec":{"selector":{"app":"carts"},"ports":[{"port":9000,"targetPort":"api"}]}}`,
		`{"apiVersion":"v1","kind":"Service","metadata":{"name":"peers","namespace":"shop"},"spec":{"clusterIP":"None","selector":{"app":"carts"},"ports":[{"port":80,"targetPort":"api"}]}}`)...)
	u, err := Observe(inv)
	if err != nil {
		t.Fatal(err)
	}
	var edges []Edge
	for _, name := range []string{"same", "peers", "alias", "db", "pay", "same"} {
		port := map[string]Port{"same": {}, "peers": {}, "alias": NumberedPort(TCP, 80), "db": {}, "pay": NumberedPort(TCP, 443)}[name]
		edges = append(edges, Edge{From: WorkloadPeerOf(WorkloadID{"shop", "Deployment", "web"}), To: ServicePeerOf("shop", name), Port: port, Because: []Evidence{{Source: Intent, Where: name}}})
	}
	m, problems := Build(Input{Inventory: inv, Universe: u, Environment: NewEnvironment(), Edges: edges})
	want := []Through{
		{Service: ServicePeerOf("shop", "carts"), Selector: map[string]string{"app": "carts"}, Moved: true},
		{Service: ServicePeerOf("shop", "same"), Selector: map[string]string{"app": "carts"}},
	}
	if !slices.EqualFunc(m.Services, want, func(a, b Through) bool {
		return a.Service == b.Service && maps.Equal(a.Selector, b.Selector) && a.Moved == b.Moved
	}) || len(problems) > 0 {
		t.Errorf("%+v %v", m.Services, problems)
	}
}
