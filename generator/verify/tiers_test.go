// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// pairModel is two workloads in two namespaces, of which shop is guarded, a
// workload on the network of its node, and one wanted connection.
func pairModel(t testing.TB) *generator.Model {
	t.Helper()
	workload := func(namespace, name string) *generator.Workload {
		return &generator.Workload{ID: generator.WorkloadID{Namespace: namespace, Kind: "Deployment", Name: name}, Labels: map[string]string{"app": name}}
	}
	agent := workload("ops", "agent")
	agent.HostNetwork = true
	u, err := generator.NewUniverse([]*generator.Workload{workload("shop", "web"), workload("pay", "api"), agent}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &generator.Model{
		Universe: u, Environment: generator.NewEnvironment(), Guards: map[string]generator.Guard{"shop": {Ingress: true, Egress: true}},
		Edges: []generator.Edge{{From: web, To: api, Port: generator.NumberedPort(generator.TCP, 80)}},
	}
}

var (
	web      = generator.WorkloadPeerOf(generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "web"})
	api      = generator.WorkloadPeerOf(generator.WorkloadID{Namespace: "pay", Kind: "Deployment", Name: "api"})
	everyPod = Pods{labels.Everything(), labels.Everything()}
	http     = generator.NumberedPort(generator.TCP, 80)
)

func named(namespace string) Pods {
	return Pods{labels.SelectorFromSet(labels.Set{corev1.LabelMetadataName: namespace}), labels.Everything()}
}

func ingress(name string, tier Tier, priority int32, actions ...Action) Policy {
	p := Policy{Name: name, Tier: tier, Priority: priority, Subject: named("pay")}
	for i, a := range actions {
		p.Ingress = append(p.Ingress, Rule{Name: "ingress[" + string(rune('0'+i)) + "]", Action: a, Anyone: true, Ports: []generator.Port{http}})
	}
	return p
}

func TestTiers(t *testing.T) {
	t.Parallel()
	isolating := func(p Policy) Policy { p.Isolates.Ingress = true; return p }
	m := pairModel(t)
	for name, c := range map[string]struct {
		policies []Policy
		allowed  bool
		because  string
	}{
		"nobody decides": {nil, true, "no policy decides"},
		"an Admin policy that accepts is above isolation": {
			[]Policy{isolating(ingress("np", Normal, 0)), ingress("admin", Admin, 9, Accept)}, true, "accepted by admin, ingress[0]",
		},
		"an Admin policy that denies is above what a policy accepts": {
			[]Policy{isolating(ingress("np", Normal, 0, Accept)), ingress("admin", Admin, 9, Deny)}, false, "denied by admin, ingress[0]",
		},
		"the lower priority counts first": {
			[]Policy{ingress("a", Admin, 2, Deny), ingress("b", Admin, 1, Accept)}, true, "accepted by b",
		},
		"the first rule counts": {[]Policy{ingress("admin", Admin, 1, Deny, Accept)}, false, "denied by admin, ingress[0]"},
		"Pass leaves the other Admin policies out": {
			[]Policy{ingress("first", Admin, 1, Pass, Deny), ingress("second", Admin, 2, Deny), isolating(ingress("np", Normal, 0, Accept))}, true, "accepted by np",
		},
		"Pass without a policy below leads to Baseline": {
			[]Policy{ingress("first", Admin, 1, Pass), ingress("base", Baseline, 1, Deny)}, false, "denied by base",
		},
		"Pass in Baseline leads to what nobody decides": {[]Policy{ingress("base", Baseline, 1, Pass, Deny)}, true, "no policy decides"},
		"a policy that isolates leaves nothing to Baseline": {
			[]Policy{isolating(ingress("np", Normal, 0)), isolating(ingress("other", Normal, 0)), ingress("base", Baseline, 1, Accept)}, false, "np and 1 more isolate",
		},
		"what no policy of the normal tier decides is left to Baseline": {[]Policy{ingress("base", Baseline, 1, Deny)}, false, "denied by base"},
		"in the normal tier Deny beats Accept":                          {[]Policy{isolating(ingress("a", Normal, 0, Accept)), isolating(ingress("b", Normal, 0, Deny))}, false, "denied by b"},
		"a rule without peers is about nobody": {
			[]Policy{{Name: "p", Tier: Admin, Subject: named("pay"), Ingress: []Rule{{Name: "none", Action: Deny, EveryPort: true}}}}, true, "no policy decides",
		},
		"a rule without ports is about nothing": {
			[]Policy{{Name: "p", Tier: Admin, Subject: named("pay"), Ingress: []Rule{{Name: "none", Action: Deny, Anyone: true}}}}, true, "no policy decides",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Compile(c.policies, m, Options{})
			if err != nil {
				t.Fatal(err)
			}
			v, err := s.Allowed(PodOf(web.ID()), PodOf(api.ID()), http)
			if err != nil {
				t.Fatal(err)
			}
			if v.Allowed != c.allowed || !strings.Contains(v.Ingress.String(), c.because) {
				t.Errorf("%v, %s: not %v, %q", v.Allowed, v.Ingress, c.allowed, c.because)
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	block := func(prefix string, except ...string) Peer {
		b := generator.Block{Prefix: netip.MustParsePrefix(prefix)}
		for _, text := range except {
			b.Except = append(b.Except, netip.MustParsePrefix(text))
		}
		return Peer{Block: b}
	}
	rule := func(change func(*Rule)) []Policy {
		p := ingress("named", Normal, 0, Accept)
		change(&p.Ingress[0])
		return []Policy{p}
	}
	peers := func(list ...Peer) []Policy {
		return rule(func(r *Rule) { r.Anyone, r.Peers = false, list })
	}
	ties := func(with Action) []Policy {
		return []Policy{ingress("named", Admin, 1, Accept), ingress("other", Admin, 1, with)}
	}
	for name, c := range map[string]struct {
		policies []Policy
		want     string
	}{
		"no tier":                            {[]Policy{{Name: "named", Subject: everyPod}}, "no tier"},
		"no subject":                         {[]Policy{{Name: "named", Tier: Normal}}, "selector"},
		"half a subject":                     {[]Policy{{Name: "named", Tier: Normal, Subject: Pods{Pods: labels.Everything()}}}, "selector"},
		"an Admin policy that isolates":      {[]Policy{{Name: "named", Tier: Admin, Subject: everyPod, Isolates: generator.Guard{Egress: true}}}, "isolate"},
		"no action":                          {rule(func(r *Rule) { r.Action = 0 }), "no action"},
		"Pass in the normal tier":            {rule(func(r *Rule) { r.Action = Pass }), "pass"},
		"everyone and somebody":              {rule(func(r *Rule) { r.Peers = []Peer{{Pods: everyPod}} }), "everything"},
		"every port and some":                {rule(func(r *Rule) { r.EveryPort = true }), "everything"},
		"a port that is none":                {rule(func(r *Rule) { r.Ports = []generator.Port{{Protocol: generator.TCP}} }), "port"},
		"a peer that is nobody":              {peers(Peer{}), "a peer is"},
		"a peer that is two":                 {peers(Peer{Pods: everyPod, Domain: "a.example"}), "a peer is"},
		"a peer with half a selection":       {peers(Peer{Pods: Pods{Namespaces: labels.Everything()}}), "selector"},
		"pods with the scope of a block":     {peers(Peer{Pods: everyPod, Scope: BlocksMatchPods}), "scope"},
		"an exception outside its block":     {peers(block("10.0.0.0/8", "11.0.0.0/16")), "11.0.0.0/16 is no part"},
		"an exception as large as its block": {peers(block("10.0.0.0/8", "10.0.0.0/8")), "is no part"},
		"two policies that contradict":       {ties(Deny), "named and other: both at priority 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Compile(c.policies, pairModel(t), Options{}); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "named") {
				t.Errorf("%v, not about %q of the policy named", err, c.want)
			}
		})
	}
	if _, err := Compile(peers(block("10.0.0.0/8")), pairModel(t), Options{Blocks: BlocksMatchPods}); err == nil || !strings.Contains(err.Error(), "ranges") {
		t.Errorf("%v: whether a block matches pods cannot be said without their addresses", err)
	}
	apart := ties(Deny)
	apart[1].Subject = named("shop")
	if _, err := Compile(apart, pairModel(t), Options{}); err != nil {
		t.Errorf("policies for different pods contradict nobody: %v", err)
	}
	if _, err := Compile(ties(Accept), pairModel(t), Options{}); err != nil {
		t.Errorf("policies of one effect contradict nobody: %v", err)
	}
}

// TestStrangersSeeThroughSmallClusters: in a universe of one client, a rule for
// every namespace would look exact.
func TestStrangersSeeThroughSmallClusters(t *testing.T) {
	t.Parallel()
	m := pairModel(t)
	m.Guards = map[string]generator.Guard{"pay": {Ingress: true}}
	deny := Policy{Name: "deny", Tier: Normal, Subject: named("pay"), Isolates: generator.Guard{Ingress: true}}
	app := func(op string) labels.Selector {
		s, err := labels.Parse(op)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	open := ingress("np", Normal, 0, Accept)
	open.Subject.Pods = app("app=api")
	rule := &open.Ingress[0]
	for name, c := range map[string]struct {
		peer  Pods
		extra string // at the end of one sentence; empty for an exact rule
	}{
		"the client":                        {Pods{named("shop").Namespaces, app("app=web")}, ""},
		"every pod of its namespace":        {named("shop"), "another pod of namespace shop"},
		"the label in every namespace":      {Pods{labels.Everything(), app("app=web")}, ""},
		"a label with any value":            {Pods{named("shop").Namespaces, app("app")}, "another labelled pod of namespace shop"},
		"not the label of somebody else":    {Pods{named("shop").Namespaces, app("app!=api")}, "another pod of namespace shop"},
		"every namespace but that of a few": {Pods{app(corev1.LabelMetadataName + " notin (pay,ops)"), app("app")}, "another labelled pod of a namespace that nobody named"},
	} {
		rule.Anyone, rule.Peers = false, []Peer{{Pods: c.peer}}
		report, err := Compare([]Policy{deny, open}, m, Options{})
		if err != nil {
			t.Fatal(err)
		}
		found := c.extra == ""
		for _, d := range report.Extra {
			for end := range d.From.All() {
				found = found || strings.HasPrefix(end.String(), c.extra) && d.Ports.String() == "TCP/80" && d.Ingress.Rule == "ingress[0]" && d.Egress.Policy == ""
			}
		}
		if !found || len(report.Missing) > 0 || (c.extra == "") != (len(report.Extra) == 0) {
			t.Errorf("%s: missing %v, extra %v; not %q", name, report.Missing, report.Extra, c.extra)
		}
	}
}

func TestMissingSaysWhoRefuses(t *testing.T) {
	t.Parallel()
	m := pairModel(t)
	closed := Policy{Name: "np", Tier: Normal, Subject: named("shop"), Isolates: generator.Guard{Ingress: true, Egress: true}}
	report, err := Compare([]Policy{closed}, m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Extra) > 0 || len(report.Missing) != 1 {
		t.Fatalf("%+v: one connection is missing", report)
	}
	d := report.Missing[0]
	if d.String() != "Deployment shop/web -> Deployment pay/api TCP/80" || d.Egress.String() != "refused, as np isolates and no rule accepts" || d.Ingress.Policy != "" {
		t.Errorf("%s (%s; %s)", d, d.Egress, d.Ingress)
	}
	gained, lost, err := Diff(nil, []Policy{closed}, m, Options{})
	if err != nil || len(gained) > 0 || len(lost) == 0 {
		t.Errorf("%v %v %v: connections are lost, and none is gained", gained, lost, err)
	}
	m.Guards = nil
	if report, err = Compare(nil, m, Options{}); err != nil || !report.Exact() {
		t.Errorf("%v %v: without guards nothing is asked for", report, err)
	}
}

// TestGroupsWithoutWorkloads: name servers that no file describes are wanted all
// the same, by the labels of their Service's selector.
func TestGroupsWithoutWorkloads(t *testing.T) {
	t.Parallel()
	m := pairModel(t)
	m.Environment.DNS = generator.Group{Pods: []generator.PodSet{{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}}}}
	m.Edges = []generator.Edge{{From: web, To: generator.Peer{Kind: generator.DNSPeer}, Port: http}}
	app := func(key, name string) labels.Selector { return labels.SelectorFromSet(labels.Set{key: name}) }
	deny := Policy{Name: "deny", Tier: Normal, Subject: named("shop"), Isolates: generator.Guard{Ingress: true, Egress: true}}
	p := Policy{Name: "np", Tier: Normal, Subject: Pods{named("shop").Namespaces, app("app", "web")}, Egress: []Rule{{Name: "egress[0]", Action: Accept, Ports: []generator.Port{http}}}}
	for name, c := range map[string]struct {
		pods    labels.Selector
		missing bool
		extra   bool
	}{
		"their labels":       {app("k8s-app", "kube-dns"), false, false},
		"others":             {app("k8s-app", "coredns"), true, false},
		"all of kube-system": {labels.Everything(), false, true},
	} {
		p.Egress[0].Peers = []Peer{{Pods: Pods{named("kube-system").Namespaces, c.pods}}}
		report, err := Compare([]Policy{deny, p}, m, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if (len(report.Missing) > 0) != c.missing || (len(report.Extra) > 0) != c.extra {
			t.Errorf("%s: missing %v, extra %v", name, report.Missing, report.Extra)
		}
		for _, d := range report.Missing {
			if d.To.String() != "a pod of namespace kube-system with k8s-app=kube-dns" {
				t.Error(d)
			}
		}
	}
}

// TestAddressesAmongPods: in a range of pods addresses are pods, unless a group or
// an edge names them, as where nodes and pods share a network.
func TestAddressesAmongPods(t *testing.T) {
	t.Parallel()
	m := pairModel(t)
	prefix := netip.MustParsePrefix
	m.Environment.PodRanges = []netip.Prefix{prefix("10.0.0.0/16")}
	m.Environment.Nodes.Addresses = []netip.Prefix{prefix("10.0.9.0/24")}
	m.Edges = append(m.Edges,
		generator.Edge{From: web, To: generator.Peer{Kind: generator.NodePeer}, Port: http},
		generator.Edge{From: web, To: generator.CIDRPeerOf(prefix("10.0.7.7/32")), Port: http})
	block := func(text string) Peer { return Peer{Block: generator.Block{Prefix: prefix(text)}} }
	deny := Policy{Name: "deny", Tier: Normal, Subject: named("shop"), Isolates: generator.Guard{Ingress: true, Egress: true}}
	app := func(name string) labels.Selector { return labels.SelectorFromSet(labels.Set{"app": name}) }
	p := Policy{Name: "np", Tier: Normal, Subject: Pods{named("shop").Namespaces, app("web")}}
	for name, c := range map[string]struct {
		peers          []Peer
		missing, extra string
	}{
		"nothing":     {nil, "10.0.7.7 10.0.9.0/24", ""},
		"the nodes":   {[]Peer{block("10.0.9.0/24")}, "10.0.7.7", ""},
		"both":        {[]Peer{block("10.0.9.0/24"), block("10.0.7.7/32")}, "", ""},
		"all of them": {[]Peer{block("10.0.0.0/16")}, "", ""},
		"and more":    {[]Peer{block("10.0.0.0/15")}, "", "10.1.0.0/16"},
	} {
		p.Egress = []Rule{{Name: "egress[0]", Action: Accept, Peers: append(c.peers, Peer{Pods: Pods{named("pay").Namespaces, app("api")}}), Ports: []generator.Port{http}}}
		report, err := Compare([]Policy{deny, p}, m, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{c.missing, c.extra} {
			var got []string
			for _, d := range [][]Difference{report.Missing, report.Extra}[i] {
				for end := range d.To.All() {
					got = append(got, end.String())
				}
			}
			if slices.Sort(got); strings.Join(got, " ") != want {
				t.Errorf("%s: %q, not %q", name, got, want)
			}
		}
	}
}

func TestAllowedRefusesToGuess(t *testing.T) {
	t.Parallel()
	s, err := Compile(nil, pairModel(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	known := PodOf(web.ID())
	for want, c := range map[string]struct {
		from, to End
		port     generator.Port
	}{
		"source: nothing is known of Deployment shop/gone": {PodOf(generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "gone"}), known, http},
		"destination: Deployment ops/agent is on the network of its node": {
			known, PodOf(generator.WorkloadID{Namespace: "ops", Kind: "Deployment", Name: "agent"}), http,
		},
		"destination: nothing is known of api.example.com": {known, DomainOf("api.example.com"), http},
		"source: api.example.com is a domain name":         {DomainOf("api.example.com"), known, http},
		"Deployment shop/web has no port TCP/metrics":      {known, known, generator.NamedPort(generator.TCP, "metrics")},
		"no protocol": {known, known, generator.Port{First: 1, Last: 1}},
	} {
		if v, err := s.Allowed(c.from, c.to, c.port); err == nil || !strings.Contains(err.Error(), want) || v.Allowed {
			t.Errorf("%v %v, not %q", v, err, want)
		}
	}
}

func TestEndsSpeak(t *testing.T) {
	t.Parallel()
	at := netip.MustParseAddr
	for want, e := range map[string]End{
		"192.0.2.0/25":          {Address: at("192.0.2.0"), Last: at("192.0.2.127")},
		"192.0.2.1-192.0.2.127": {Address: at("192.0.2.1"), Last: at("192.0.2.127")},
		"::/0":                  {Address: at("::"), Last: at("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")},
		"192.0.2.1":             AddressOf(at("::ffff:192.0.2.1")),
		"example.com":           DomainOf("example.com"),
		"another pod of a namespace that nobody named":                   StrangerIn(""),
		"another labelled pod of a labelled namespace that nobody named": {Stranger: Stranger{Kind: Marked, Elsewhere: true}},
		"Deployment shop/web at 10.0.0.1":                                {Workload: web.ID(), Address: at("10.0.0.1")},
	} {
		if got := e.String(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	s, err := Compile(nil, pairModel(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for c := range s.Asker().Connectivity() {
		total += c.From.Len()
		if text := c.To.String(); c.To.Len() > shownEnds && !strings.Contains(text, " more") {
			t.Errorf("%q", text)
		}
	}
	if total == 0 {
		t.Error("nothing is connected")
	}
}
