// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
)

func pods(labels ...string) metav1.LabelSelector {
	out := metav1.LabelSelector{}
	for i := 0; i < len(labels); i += 2 {
		if out.MatchLabels == nil {
			out.MatchLabels = map[string]string{}
		}
		out.MatchLabels[labels[i]] = labels[i+1]
	}
	return out
}

func workload(name string) generator.Peer {
	return generator.WorkloadPeerOf(generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: name})
}

func prefix(text string) netip.Prefix { return netip.MustParsePrefix(text) }

// cluster has two nodes, of which one is the API server, and workloads of which
// one gives a name to two ports.
func cluster(t testing.TB) *generator.Model {
	t.Helper()
	env := generator.NewEnvironment()
	env.Nodes.Addresses = []netip.Prefix{prefix("10.0.0.1/32"), prefix("10.0.0.2/32")}
	env.APIServer.Addresses = []netip.Prefix{prefix("10.0.0.1/32")}
	env.Gateway.Addresses = []netip.Prefix{prefix("10.8.0.7/32")}
	env.DNS.Ports = []generator.Port{generator.NumberedPort(generator.TCP, 53), generator.NumberedPort(generator.UDP, 53)}
	u, err := generator.NewUniverse([]*generator.Workload{
		{ID: workload("web").ID(), Labels: map[string]string{"app": "web"}},
		{ID: workload("db").ID(), Labels: map[string]string{"app": "db"}, Ports: []generator.ContainerPort{{Name: "sql", Protocol: generator.TCP, Number: 5432}}},
		{ID: workload("twice").ID(), Labels: map[string]string{"app": "twice"}, Ports: []generator.ContainerPort{
			{Name: "dns", Protocol: generator.TCP, Number: 53}, {Name: "dns", Protocol: generator.UDP, Number: 53},
		}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &generator.Model{Universe: u, Environment: env}
}

func edge(to generator.Peer, port generator.Port) *generator.Edge {
	return &generator.Edge{From: workload("web"), To: to, Port: port, Because: []generator.Evidence{{Source: generator.Intent, Where: "NetworkPlan shop/web"}}}
}

var http = generator.NumberedPort(generator.TCP, 80)

func one(kind generator.PeerKind, peers ...compact.Peer) compact.Rule {
	r := compact.Rule{Ports: []generator.Port{http}}
	for _, p := range peers {
		p.Kind = kind
		r.Peers = append(r.Peers, p)
		to := generator.Peer{Kind: kind, Name: p.Name, Prefix: p.Block.Prefix}
		if kind == generator.WorkloadPeer {
			to = workload(p.Pods.MatchLabels["app"])
		}
		r.Edges = append(r.Edges, edge(to, http))
	}
	return r
}

func block(text string, except ...string) compact.Peer {
	b := generator.Block{Prefix: prefix(text)}
	for _, e := range except {
		b.Except = append(b.Except, prefix(e))
	}
	return compact.Peer{Block: b}
}

// dns is the rule by which pods may ask the name servers.
func dns(ports ...generator.Port) compact.Rule {
	r := compact.Rule{Ports: ports, Peers: []compact.Peer{{Kind: generator.DNSPeer, Namespaces: []string{"kube-system"}, Pods: pods("k8s-app", "kube-dns")}}}
	for _, p := range ports {
		r.Edges = append(r.Edges, edge(generator.Peer{Kind: generator.DNSPeer}, p))
	}
	return r
}

// rules renders rules of shop/web and returns those of the direction as JSON.
func rules(t *testing.T, d compact.Direction, o RenderOptions, list ...compact.Rule) (string, []generator.Problem) {
	t.Helper()
	rendered, problems := Render(cluster(t), []compact.Policy{{Namespace: "shop", Name: "p", Direction: d, Subject: pods("app", "web"), Rules: list}}, o)
	if len(rendered) == 0 {
		return "", problems
	}
	if len(rendered) > 1 {
		t.Fatalf("%d policies", len(rendered))
	}
	var what any = rendered[0].Spec.Egress
	if d == compact.Ingress {
		what = rendered[0].Spec.Ingress
	}
	text, err := json.Marshal(what)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), problems
}

const tcp80 = `"toPorts":[{"ports":[{"port":"80","protocol":"TCP"}]}]`

// TestRender: the names begin with the trap of the catalogue of semantics that
// they are about.
func TestRender(t *testing.T) {
	t.Parallel()
	ranges := one(generator.ClusterPeer, compact.Peer{})
	ranges.Ports = []generator.Port{{Protocol: generator.SCTP, First: 80, Last: 90}, generator.EveryPort(generator.UDP), generator.NamedPort(generator.TCP, "http")}
	mixed := one(generator.CIDRPeer, block("192.0.2.0/24"))
	mixed.Peers = append(mixed.Peers, compact.Peer{Kind: generator.NamespacePeer, Namespaces: []string{"pay"}}, one(generator.APIServerPeer, block("10.0.0.1/32")).Peers[0])
	udp53, tcp53 := generator.NumberedPort(generator.UDP, 53), generator.NumberedPort(generator.TCP, 53)
	const asks = `{"toEndpoints":[{"matchLabels":{"k8s:io.kubernetes.pod.namespace":"kube-system","k8s:k8s-app":"kube-dns"}}],` +
		`"toPorts":[{"ports":[{"port":"53","protocol":"TCP"},{"port":"53","protocol":"UDP"}],"rules":{"dns":[{"matchPattern":"*"}]}}`
	many := one(generator.ClusterPeer, compact.Peer{})
	many.Ports = nil
	var first, second []string
	for i := range 41 {
		many.Ports = append(many.Ports, generator.NumberedPort(generator.TCP, uint16(1000+2*i)))
		text := fmt.Sprintf(`{"port":"%d","protocol":"TCP"}`, 1000+2*i)
		if i < 40 {
			first = append(first, text)
		} else {
			second = append(second, text)
		}
	}
	for name, tc := range map[string]struct {
		rules   []compact.Rule
		options RenderOptions
		ingress bool
		want    string
	}{
		"B2.4 all pods of the own namespace": {
			rules: []compact.Rule{one(generator.NamespacePeer, compact.Peer{Namespaces: []string{"shop"}})},
			want:  `[{"toEndpoints":[{}],` + tcp80 + `}]`,
		},
		"B2.4 and B2.5 every pod of every namespace, and no node": {
			rules: []compact.Rule{one(generator.ClusterPeer, compact.Peer{})},
			want:  `[{"toEndpoints":[{"matchExpressions":[{"key":"k8s:io.kubernetes.pod.namespace","operator":"Exists"}]}],` + tcp80 + `}]`,
		},
		"B2.5 pods of another namespace": {
			rules:   []compact.Rule{one(generator.WorkloadPeer, compact.Peer{Namespaces: []string{"pay"}, Pods: pods("app", "db")})},
			ingress: true,
			want:    `[{"fromEndpoints":[{"matchLabels":{"k8s:app":"db","k8s:io.kubernetes.pod.namespace":"pay"}}],` + tcp80 + `}]`,
		},
		"B2.5 pods of several namespaces": {
			rules: []compact.Rule{one(generator.NamespacePeer, compact.Peer{Namespaces: []string{"pay", "shop"}})},
			want:  `[{"toEndpoints":[{"matchExpressions":[{"key":"k8s:io.kubernetes.pod.namespace","operator":"In","values":["pay","shop"]}]}],` + tcp80 + `}]`,
		},
		"B2.3 one kind of peers in a rule": {
			rules: []compact.Rule{mixed},
			want: `[{"toEndpoints":[{"matchLabels":{"k8s:io.kubernetes.pod.namespace":"pay"}}],` + tcp80 + `},` +
				`{"toEntities":["kube-apiserver"],` + tcp80 + `},{"toCIDRSet":[{"cidr":"192.0.2.0/24"}],` + tcp80 + `}]`,
		},
		"B2.8 a name comes with the answers about it, and two stars are all labels": {
			rules: []compact.Rule{dns(tcp53, udp53), one(generator.FQDNPeer, compact.Peer{Name: "*.example.com"}, compact.Peer{Name: "api.example.com"})},
			want:  `[` + asks + `]},{"toPorts":[{"ports":[{"port":"80","protocol":"TCP"}]}],"toFQDNs":[{"matchPattern":"**.example.com"},{"matchName":"api.example.com"}]}]`,
		},
		"B2.8 and B2.13 answers are read on single ports, beside wider ones": {
			rules: []compact.Rule{dns(generator.EveryPort(generator.TCP), udp53), one(generator.FQDNPeer, compact.Peer{Name: "api.example.com"})},
			want:  `[` + asks + `,{"ports":[{"port":"0","protocol":"TCP"}]}]},{"toPorts":[{"ports":[{"port":"80","protocol":"TCP"}]}],"toFQDNs":[{"matchName":"api.example.com"}]}]`,
		},
		"B2.8 without a name no answer is read": {
			rules: []compact.Rule{dns(udp53)},
			want:  `[{"toEndpoints":[{"matchLabels":{"k8s:io.kubernetes.pod.namespace":"kube-system","k8s:k8s-app":"kube-dns"}}],"toPorts":[{"ports":[{"port":"53","protocol":"UDP"}]}]}]`,
		},
		"B2.9 and B2.10 the nodes are entities": {
			rules: []compact.Rule{one(generator.NodePeer, block("10.0.0.1/32"), block("10.0.0.2/32"))},
			want:  `[{"toEntities":["host","remote-node"],` + tcp80 + `}]`,
		},
		"B2.9 a block that holds all nodes says so": {
			rules: []compact.Rule{one(generator.CIDRPeer, block("10.0.0.0/8", "10.9.0.0/16"))},
			want:  `[{"toEntities":["host","remote-node"],` + tcp80 + `},{"toCIDRSet":[{"cidr":"10.0.0.0/8","except":["10.9.0.0/16"]}],` + tcp80 + `}]`,
		},
		"B2.9 every address is the world and the nodes": {
			rules: []compact.Rule{one(generator.CIDRPeer, block("0.0.0.0/0"), block("::/0"))},
			want:  `[{"toEntities":["host","remote-node","world"],` + tcp80 + `}]`,
		},
		"B2.11 a gateway of pods is pods and addresses": {
			rules: []compact.Rule{one(generator.GatewayPeer, block("10.8.0.7/32"))}, ingress: true,
			want: `[{"fromCIDRSet":[{"cidr":"10.8.0.7/32"}],` + tcp80 + `}]`,
		},
		"B2.11 Cilium's own gateway is an entity": {
			rules: []compact.Rule{one(generator.GatewayPeer, block("10.8.0.7/32"))}, options: RenderOptions{Gateway: OwnGateway}, ingress: true,
			want: `[{"fromEntities":["ingress"],` + tcp80 + `}]`,
		},
		"B2.13 ranges, all ports of a protocol, and names": {
			rules: []compact.Rule{ranges}, options: RenderOptions{SCTP: true},
			want: `[{"toEndpoints":[{"matchExpressions":[{"key":"k8s:io.kubernetes.pod.namespace","operator":"Exists"}]}],` +
				`"toPorts":[{"ports":[{"port":"80","endPort":90,"protocol":"SCTP"},{"port":"0","protocol":"UDP"},{"port":"http","protocol":"TCP"}]}]}]`,
		},
		"B2.13 forty ports in an entry": {
			rules: []compact.Rule{many},
			want: `[{"toEndpoints":[{"matchExpressions":[{"key":"k8s:io.kubernetes.pod.namespace","operator":"Exists"}]}],` +
				`"toPorts":[{"ports":[` + strings.Join(first, ",") + `]},{"ports":[` + strings.Join(second, ",") + `]}]}]`,
		},
		"B2.13 requests are asked for where they are accepted": {
			rules: []compact.Rule{asking(one(generator.NamespacePeer, compact.Peer{Namespaces: []string{"shop"}}), getAPI...)}, ingress: true,
			want: `[{"fromEndpoints":[{}],"toPorts":[{"ports":[{"port":"80","protocol":"TCP"}],"rules":{"http":[` +
				`{"method":"HEAD"},{"path":"/api/v1\\.0/.*","method":"GET"},{"path":"/login(\\?.*)?"}]}}]}]`,
		},
		"requests are not asked for where they leave": {
			rules: []compact.Rule{asking(one(generator.NamespacePeer, compact.Peer{Namespaces: []string{"shop"}}), getAPI...)},
			want:  `[{"toEndpoints":[{}],"toPorts":[{"ports":[{"port":"80","protocol":"TCP"}]}]}]`,
		},
		"requests are not asked for where nothing is denied": {
			rules: []compact.Rule{asking(one(generator.NamespacePeer, compact.Peer{Namespaces: []string{"shop"}}), getAPI...)}, ingress: true,
			options: RenderOptions{Enforcement: Observe},
			want:    `[{"fromEndpoints":[{}],"toPorts":[{"ports":[{"port":"80","protocol":"TCP"}]}]}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := compact.Egress
			if tc.ingress {
				d = compact.Ingress
			}
			got, problems := rules(t, d, tc.options, tc.rules...)
			if diff := cmp.Diff(tc.want, got); diff != "" || len(problems) > 0 {
				t.Errorf("%s\n%v", diff, problems)
			}
		})
	}
}

// TestNothingBecomesEverything: what cannot be said leaves no rule behind that
// would allow more.
func TestNothingBecomesEverything(t *testing.T) {
	t.Parallel()
	named := func(w string, p generator.Port) compact.Rule {
		r := one(generator.WorkloadPeer, compact.Peer{Namespaces: []string{"shop"}, Pods: pods("app", w)})
		r.Ports, r.Edges[0].Port = []generator.Port{p}, p
		return r
	}
	local := dns(generator.NumberedPort(generator.UDP, 53))
	local.Peers = []compact.Peer{{Kind: generator.DNSPeer, Block: generator.Block{Prefix: prefix("169.254.20.10/32")}}}
	for text, tc := range map[string]struct {
		rule    compact.Rule
		options RenderOptions
		problem string
	}{
		"B2.8 a name that nobody may ask for":     {one(generator.FQDNPeer, compact.Peer{Name: "api.example.com"}), RenderOptions{}, "reach dns"},
		"B2.8 a name server on the node":          {local, RenderOptions{}, "CiliumLocalRedirectPolicy"},
		"B2.9 one node of two":                    {one(generator.CIDRPeer, block("10.0.0.2/32")), RenderOptions{}, "the nodes are all of them or none"},
		"B2.9 a block with one node of two":       {one(generator.CIDRPeer, block("10.0.0.0/8", "10.0.0.2/32")), RenderOptions{}, "the nodes are all of them or none"},
		"B2.11 a block with Cilium's own gateway": {one(generator.CIDRPeer, block("10.8.0.0/30")), RenderOptions{Gateway: OwnGateway}, ""},
		"B2.13 SCTP that agents do not know":      {named("db", generator.NumberedPort(generator.SCTP, 80)), RenderOptions{}, "enable-sctp"},
		"B2.13 a name of two ports":               {named("twice", generator.NamedPort(generator.TCP, "dns")), RenderOptions{}, "several ports named dns"},
		"B2.13 requests on every port":            {asking(named("db", generator.EveryPort(generator.TCP)), getAPI...), RenderOptions{}, "requests of HTTP"},
		"B2.13 requests on UDP":                   {asking(named("db", generator.NumberedPort(generator.UDP, 80)), getAPI...), RenderOptions{}, "requests of HTTP"},
		"no peers":                                {compact.Rule{Ports: []generator.Port{http}, Edges: []*generator.Edge{edge(workload("db"), http)}}, RenderOptions{}, "no peer is left"},
		"no ports":                                {compact.Rule{Peers: []compact.Peer{{Kind: generator.ClusterPeer}}, Edges: []*generator.Edge{edge(workload("db"), http)}}, RenderOptions{}, "no port is left"},
		"pods of no namespace":                    {one(generator.WorkloadPeer, compact.Peer{Pods: pods("app", "db")}), RenderOptions{}, "neither pods nor addresses"},
		"a block that is excepted":                {one(generator.CIDRPeer, block("10.1.0.0/16", "10.0.0.0/8")), RenderOptions{}, "nothing is left"},
	} {
		d := compact.Egress
		if !tc.rule.Requests.All() {
			d = compact.Ingress
		}
		got, problems := rules(t, d, tc.options, tc.rule)
		if tc.problem == "" { // the gateway is not in that block
			if len(problems) > 0 || !strings.Contains(got, "10.8.0.0/30") {
				t.Errorf("%s: %s %v", text, got, problems)
			}
			continue
		}
		if got != "" || len(problems) != 1 || !strings.Contains(problems[0].What, tc.problem) {
			t.Errorf("%s: %q %v, not one problem about %q", text, got, problems, tc.problem)
		}
	}
}

// getAPI is some requests of each form.
var getAPI = []generator.Request{{Method: "GET", Path: "/api/v1.0/*"}, {Path: "/login"}, {Method: "HEAD"}}

// TestRequestsOnSomePorts: what cannot be asked for requests takes nothing else along.
func TestRequestsOnSomePorts(t *testing.T) {
	t.Parallel()
	udp := generator.NumberedPort(generator.UDP, 53)
	rule := asking(one(generator.NamespacePeer, compact.Peer{Namespaces: []string{"shop"}}), generator.Request{Path: "/a"})
	rule.Ports = append(rule.Ports, udp)
	rule.Edges = append(rule.Edges, edge(generator.NamespacePeerOf("shop"), udp))
	got, problems := rules(t, compact.Ingress, RenderOptions{}, rule)
	const want = `[{"fromEndpoints":[{}],"toPorts":[{"ports":[{"port":"80","protocol":"TCP"}],"rules":{"http":[{"path":"/a(\\?.*)?"}]}}]}]`
	if got != want || len(problems) != 1 || problems[0].Edge.Port != udp {
		t.Errorf("%s\n%v", got, problems)
	}
}

// asking is a rule for some requests alone.
func asking(r compact.Rule, requests ...generator.Request) compact.Rule {
	r.Requests = generator.RequestsOf(requests...)
	return r
}

// TestNoNameOfAPortForABlock: B1.6. What pods open to addresses is by numbers; what
// they accept by a name of theirs, they accept from addresses too.
func TestNoNameOfAPortForABlock(t *testing.T) {
	t.Parallel()
	named := generator.NamedPort(generator.TCP, "http")
	rule := compact.Rule{
		Ports: []generator.Port{generator.NumberedPort(generator.TCP, 80), named},
		Peers: []compact.Peer{{Kind: generator.MonitoringPeer, Namespaces: []string{"pay"}}, {Kind: generator.MonitoringPeer, Block: generator.Block{Prefix: prefix("192.0.2.7/32")}}},
		Edges: []*generator.Edge{edge(generator.Peer{Kind: generator.MonitoringPeer}, named)},
	}
	for d, want := range map[compact.Direction]int{compact.Egress: 1, compact.Ingress: 2} {
		got, problems := rules(t, d, RenderOptions{}, rule)
		if n := strings.Count(got, `"http"`); n != want || strings.Count(got, `"80"`) != 2 || len(problems) > 0 {
			t.Errorf("%s: the name is in %d rules: %s %v", d, n, got, problems)
		}
	}
}

// TestDenials: B2.1 and B2.2. A policy without rules is none, and one empty rule
// allows nobody.
func TestDenials(t *testing.T) {
	t.Parallel()
	policies := []compact.Policy{
		{Namespace: "shop", Name: "deny-in", Direction: compact.Ingress},
		{Namespace: "shop", Name: "deny-out", Direction: compact.Egress},
		{Name: "deny-everywhere", Direction: compact.Ingress},
	}
	for _, tc := range []struct {
		enforcement Enforcement
		want        []string
	}{
		{Enforce, []string{
			`{"endpointSelector":{},"ingress":[{}],"enableDefaultDeny":{"ingress":true}}`,
			`{"endpointSelector":{},"egress":[{}],"enableDefaultDeny":{"egress":true}}`,
			`{"endpointSelector":{"matchExpressions":[{"key":"k8s:io.kubernetes.pod.namespace","operator":"Exists"}]},"ingress":[{}],"enableDefaultDeny":{"ingress":true}}`,
		}},
		// B2.7: nothing is denied before somebody looked.
		{Observe, []string{
			`{"endpointSelector":{},"ingress":[{}],"enableDefaultDeny":{"ingress":false}}`,
			`{"endpointSelector":{},"egress":[{}],"enableDefaultDeny":{"egress":false}}`,
			`{"endpointSelector":{"matchExpressions":[{"key":"k8s:io.kubernetes.pod.namespace","operator":"Exists"}]},"ingress":[{}],"enableDefaultDeny":{"ingress":false}}`,
		}},
	} {
		m := cluster(t)
		list, problems := Render(m, policies, RenderOptions{Enforcement: tc.enforcement})
		if len(list) != len(policies) || len(problems) > 0 {
			t.Fatalf("%v %v", list, problems)
		}
		for i, p := range list {
			got, err := json.Marshal(p.Spec)
			if err != nil || string(got) != tc.want[i] {
				t.Errorf("%s %v, not %s", got, err, tc.want[i])
			}
			if err := p.Spec.DeepCopy().Sanitize(); err != nil {
				t.Error(err)
			}
		}
		if list[0].Kind != Kind || list[2].Kind != ClusterwideKind || list[2].Namespace != "" {
			t.Errorf("%s, %s", list[0], list[2])
		}
		read, err := Read(list, &m.Environment, PodGateway)
		if err != nil {
			t.Fatal(err)
		}
		enforced := tc.enforcement == Enforce
		if read[0].Isolates != (generator.Guard{Ingress: enforced}) || read[1].Isolates != (generator.Guard{Egress: enforced}) || len(read[0].Ingress)+len(read[1].Egress) > 0 {
			t.Errorf("%+v", read)
		}
	}
}

// TestGreatPoliciesAreCut: the parts say together what the whole said (B1.24).
func TestGreatPoliciesAreCut(t *testing.T) {
	t.Parallel()
	var peers []compact.Peer
	for i := range 5000 {
		peers = append(peers, compact.Peer{Block: generator.Block{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), 32)}})
	}
	const most = 64 << 10
	list, problems := Render(cluster(t), []compact.Policy{{Namespace: "shop", Name: "p", Direction: compact.Egress, Subject: pods("app", "web"), Rules: []compact.Rule{one(generator.CIDRPeer, peers...)}}}, RenderOptions{MaxBytes: most})
	seen, names := map[string]bool{}, map[string]bool{}
	for _, p := range list {
		text, err := json.Marshal(p.Spec)
		if err != nil || len(text) > most+1024 || names[p.Name] {
			t.Errorf("%s: %d bytes %v", p.Name, len(text), err)
		}
		names[p.Name] = true
		for _, r := range p.Spec.Egress {
			for _, b := range r.ToCIDRSet {
				seen[string(b.Cidr)] = true
			}
		}
	}
	if len(list) < 2 || len(seen) != len(peers) || len(problems) > 0 {
		t.Errorf("%d policies, %d blocks, %v", len(list), len(seen), problems)
	}
}
