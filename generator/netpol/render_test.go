// SPDX-License-Identifier: Apache-2.0

package netpol

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
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

// edge of a rule, for what a peer is of.
func edge(to generator.Peer) []*generator.Edge {
	return []*generator.Edge{{From: workload("web"), To: to, Port: generator.NumberedPort(generator.TCP, 80), Because: []generator.Evidence{{Source: generator.Intent, Where: "NetworkPlan shop/web"}}}}
}

var http = []generator.Port{generator.NumberedPort(generator.TCP, 80)}

func block(text string, except ...string) compact.Peer {
	b := generator.Block{Prefix: netip.MustParsePrefix(text)}
	for _, e := range except {
		b.Except = append(b.Except, netip.MustParsePrefix(e))
	}
	return compact.Peer{Kind: generator.CIDRPeer, Block: b}
}

// spec renders one rule of shop/web, and returns the rules as YAML on one line.
func spec(t *testing.T, d compact.Direction, r compact.Rule) (string, []generator.Problem) {
	t.Helper()
	list, problems := Render([]compact.Policy{{Namespace: "shop", Name: "p", Direction: d, Subject: pods("app", "web"), Rules: []compact.Rule{r}}}, RenderOptions{})
	if len(list) == 0 {
		return "", problems
	}
	if len(list) > 1 {
		t.Fatalf("%d policies", len(list))
	}
	text, err := json.Marshal(list[0].Spec)
	if err != nil {
		t.Fatal(err)
	}
	const before = `{"podSelector":{"matchLabels":{"app":"web"}},`
	rest, ok := strings.CutPrefix(string(text), before)
	if !ok {
		t.Fatalf("%s does not begin with %s", text, before)
	}
	return strings.TrimSuffix(rest, "}"), problems
}

// TestRender: the names begin with the trap of the catalogue of semantics that
// they are about, where there is one.
func TestRender(t *testing.T) {
	t.Parallel()
	const ns = "kubernetes.io/metadata.name"
	const tcp80 = `"ports":[{"protocol":"TCP","port":80}]`
	for name, tc := range map[string]struct {
		peers   []compact.Peer
		ports   []generator.Port
		ingress bool
		want    string
	}{
		"B1.2 the direction is said": {
			[]compact.Peer{{Kind: generator.WorkloadPeer, Namespaces: []string{"shop"}, Pods: pods("app", "db")}},
			http, true,
			`"ingress":[{` + tcp80 + `,"from":[{"podSelector":{"matchLabels":{"app":"db"}}}]}],"policyTypes":["Ingress"]`,
		},
		"B1.3 all pods of the own namespace": {
			[]compact.Peer{{Kind: generator.NamespacePeer, Namespaces: []string{"shop"}}},
			http, false,
			`"egress":[{` + tcp80 + `,"to":[{"podSelector":{}}]}],"policyTypes":["Egress"]`,
		},
		"B1.3 every pod of every namespace": {
			[]compact.Peer{{Kind: generator.ClusterPeer}},
			http, false,
			`"egress":[{` + tcp80 + `,"to":[{"namespaceSelector":{}}]}],"policyTypes":["Egress"]`,
		},
		"B1.4 and B1.5 pods of another namespace are one entry, and the namespace is known by its own name": {
			[]compact.Peer{{Kind: generator.WorkloadPeer, Namespaces: []string{"pay"}, Pods: pods("app", "db")}},
			http, false,
			`"egress":[{` + tcp80 + `,"to":[{"podSelector":{"matchLabels":{"app":"db"}},"namespaceSelector":{"matchLabels":{"` + ns + `":"pay"}}}]}],"policyTypes":["Egress"]`,
		},
		"B1.13 the own namespace by its name, where the pods on its nodes must not be meant": {
			[]compact.Peer{{Kind: generator.NamespacePeer, Namespaces: []string{"shop"}, Spelled: true}},
			http, false,
			`"egress":[{` + tcp80 + `,"to":[{"namespaceSelector":{"matchLabels":{"` + ns + `":"shop"}}}]}],"policyTypes":["Egress"]`,
		},
		"the same in several namespaces": {
			[]compact.Peer{{Kind: generator.NamespacePeer, Namespaces: []string{"pay", "shop"}}},
			http, false,
			`"egress":[{` + tcp80 + `,"to":[{"namespaceSelector":{"matchExpressions":[{"key":"` + ns + `","operator":"In","values":["pay","shop"]}]}}]}],"policyTypes":["Egress"]`,
		},
		"B1.6 and B1.7 names, ranges, and all ports of a protocol": {
			[]compact.Peer{{Kind: generator.ClusterPeer}},
			[]generator.Port{{Protocol: generator.SCTP, First: 80, Last: 90}, generator.EveryPort(generator.UDP), generator.NamedPort(generator.TCP, "http")},
			false,
			`"egress":[{"ports":[{"protocol":"SCTP","port":80,"endPort":90},{"protocol":"UDP"},{"protocol":"TCP","port":"http"}],"to":[{"namespaceSelector":{}}]}],"policyTypes":["Egress"]`,
		},
		"B1.18 an address of each family, and no host bits": {
			[]compact.Peer{block("192.0.2.7/32"), block("2001:db8::1/128"), block("10.1.2.3/8")},
			http, false,
			`"egress":[{` + tcp80 + `,"to":[{"ipBlock":{"cidr":"192.0.2.7/32"}},{"ipBlock":{"cidr":"2001:db8::1/128"}},{"ipBlock":{"cidr":"10.0.0.0/8"}}]}],"policyTypes":["Egress"]`,
		},
		"B1.16 and B1.18 an exception lies inside its block": {
			[]compact.Peer{block("0.0.0.0/0", "169.254.169.254/32", "10.9.9.9/8"), block("2001:db8::/32", "10.0.0.0/8", "2001:db8:1::/48")},
			http, false,
			`"egress":[{` + tcp80 + `,"to":[{"ipBlock":{"cidr":"0.0.0.0/0","except":["169.254.169.254/32","10.0.0.0/8"]}},{"ipBlock":{"cidr":"2001:db8::/32","except":["2001:db8:1::/48"]}}]}],"policyTypes":["Egress"]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := compact.Egress
			if tc.ingress {
				d = compact.Ingress
			}
			got, problems := spec(t, d, compact.Rule{Peers: tc.peers, Ports: tc.ports, Edges: edge(workload("db"))})
			if diff := cmp.Diff(tc.want, got); diff != "" || len(problems) > 0 {
				t.Errorf("%s\n%v", diff, problems)
			}
		})
	}
}

// TestNoNameOfAPortForABlock: B1.6. A port's name is never one of an address, so
// that a rule with a block and a name would allow nothing and seem to allow
// something; what pods accept by a name of theirs, they accept from blocks too.
func TestNoNameOfAPortForABlock(t *testing.T) {
	t.Parallel()
	named := generator.NamedPort(generator.TCP, "http")
	pod := compact.Peer{Kind: generator.DNSPeer, Namespaces: []string{"pay"}}
	resolver := block("192.0.2.7/32")
	resolver.Kind = generator.DNSPeer
	const (
		name   = `{"protocol":"TCP","port":"http"}`
		number = `{"protocol":"TCP","port":80}`
		pods   = `{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"pay"}}}`
		blocks = `{"ipBlock":{"cidr":"192.0.2.7/32"}}`
	)
	for about, tc := range map[string]struct {
		d       compact.Direction
		to      generator.Peer
		rule    compact.Rule
		want    string
		problem string
	}{
		"a block by a name": {compact.Egress, generator.CIDRPeerOf(netip.MustParsePrefix("192.0.2.7/32")), compact.Rule{Ports: []generator.Port{named}, Peers: []compact.Peer{block("192.0.2.7/32")}}, "", "no address has a name"},
		"pods and a block of one group by a name": {
			compact.Egress,
			generator.Peer{Kind: generator.DNSPeer},
			compact.Rule{Ports: []generator.Port{named}, Peers: []compact.Peer{pod, resolver}},
			`"egress":[{"ports":[` + name + `],"to":[` + pods + `]}],"policyTypes":["Egress"]`, "",
		},
		"pods and a block by a name and a number": {
			compact.Egress,
			generator.Peer{Kind: generator.DNSPeer},
			compact.Rule{Ports: []generator.Port{http[0], named}, Peers: []compact.Peer{pod, resolver}},
			`"egress":[{"ports":[` + number + `,` + name + `],"to":[` + pods + `]},{"ports":[` + number + `],"to":[` + blocks + `]}],"policyTypes":["Egress"]`, "",
		},
		"a block by a name and a number": {
			compact.Egress,
			generator.Peer{Kind: generator.DNSPeer},
			compact.Rule{Ports: []generator.Port{http[0], named}, Peers: []compact.Peer{resolver}},
			`"egress":[{"ports":[` + number + `],"to":[` + blocks + `]}],"policyTypes":["Egress"]`, "",
		},
		"from a block, on a port that the pods name": {
			compact.Ingress,
			generator.Peer{Kind: generator.DNSPeer},
			compact.Rule{Ports: []generator.Port{named}, Peers: []compact.Peer{resolver}},
			`"ingress":[{"ports":[` + name + `],"from":[` + blocks + `]}],"policyTypes":["Ingress"]`, "",
		},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			tc.rule.Edges = edge(tc.to)
			got, problems := spec(t, tc.d, tc.rule)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if text := fmt.Sprint(problems); (len(problems) > 0) != (tc.problem != "") || !strings.Contains(text, tc.problem) {
				t.Error(text)
			}
		})
	}
}

// TestNothingBecomesEverything: what cannot be said leaves no rule behind that
// would allow more (B1.3, B1.26).
func TestNothingBecomesEverything(t *testing.T) {
	t.Parallel()
	name := compact.Peer{Kind: generator.FQDNPeer, Name: "api.example.com"}
	for text, tc := range map[string]struct {
		rule    compact.Rule
		problem string
	}{
		"a domain name":            {compact.Rule{Peers: []compact.Peer{name}, Ports: http, Edges: edge(generator.FQDNPeerOf("api.example.com"))}, "give the addresses as a block"},
		"no peers":                 {compact.Rule{Ports: http, Edges: edge(workload("db"))}, "no peer is left"},
		"no ports":                 {compact.Rule{Peers: []compact.Peer{{Kind: generator.ClusterPeer}}, Edges: edge(workload("db"))}, "no port is left"},
		"ports that are none":      {compact.Rule{Peers: []compact.Peer{{Kind: generator.ClusterPeer}}, Ports: []generator.Port{{Protocol: generator.TCP}}, Edges: edge(workload("db"))}, "no port is left"},
		"pods of no namespace":     {compact.Rule{Peers: []compact.Peer{{Kind: generator.WorkloadPeer}}, Ports: http, Edges: edge(workload("db"))}, "neither pods nor addresses"},
		"a block that is excepted": {compact.Rule{Peers: []compact.Peer{block("10.1.0.0/16", "10.0.0.0/8")}, Ports: http, Edges: edge(generator.CIDRPeerOf(netip.MustParsePrefix("10.1.0.0/16")))}, "nothing is left"},
	} {
		got, problems := spec(t, compact.Egress, tc.rule)
		if got != "" || len(problems) != 1 || !strings.Contains(problems[0].What, tc.problem) {
			t.Errorf("%s: %q %v, not one problem about %q", text, got, problems, tc.problem)
		}
	}
	// What can be said of the rule stays.
	got, problems := spec(t, compact.Egress, compact.Rule{
		Peers: []compact.Peer{block("192.0.2.0/24"), name}, Ports: http,
		Edges: append(edge(generator.FQDNPeerOf("api.example.com")), edge(generator.CIDRPeerOf(netip.MustParsePrefix("192.0.2.0/24")))...),
	})
	if len(problems) != 1 || problems[0].Edge.To.Kind != generator.FQDNPeer || !strings.Contains(got, "192.0.2.0/24") || strings.Contains(got, "example") {
		t.Errorf("%s %v", got, problems)
	}
}

func TestDenialsAllowNothing(t *testing.T) {
	t.Parallel()
	list, problems := Render([]compact.Policy{
		{Namespace: "shop", Name: "deny-in", Direction: compact.Ingress}, {Namespace: "shop", Name: "deny-out", Direction: compact.Egress},
	}, RenderOptions{})
	if len(list) != 2 || len(problems) > 0 {
		t.Fatalf("%v %v", list, problems)
	}
	for i, want := range []string{`{"podSelector":{},"policyTypes":["Ingress"]}`, `{"podSelector":{},"policyTypes":["Egress"]}`} {
		got, err := json.Marshal(list[i].Spec)
		if err != nil || string(got) != want {
			t.Errorf("%s %v, not %s", got, err, want)
		}
		if list[i].Spec.Ingress != nil || list[i].Spec.Egress != nil {
			t.Errorf("%s: an empty list is not nil", list[i].Name)
		}
		if list[i].Labels[ManagedByLabel] != ManagedBy || list[i].Annotations[BecauseAnnotation] == "" {
			t.Errorf("%s is not marked as ours: %v", list[i].Name, list[i].ObjectMeta)
		}
	}
}

func TestBecause(t *testing.T) {
	t.Parallel()
	e := &generator.Edge{From: workload("web"), To: workload("db"), Port: http[0], Because: []generator.Evidence{
		{Source: generator.Manifest, Where: "web.yaml:31", What: "env DB of container server\n: postgres://root:hunter2@db/x"},
		{Source: generator.Flow, Flows: 7, First: time.Unix(1, 0), Last: time.Unix(2, 0)},
		{Source: generator.Flow, Flows: 9},
	}}
	p := compact.Policy{Namespace: "shop", Name: "p", Direction: compact.Egress, Rules: []compact.Rule{{Peers: []compact.Peer{{Kind: generator.ClusterPeer}}, Ports: http, Edges: []*generator.Edge{e}}}}
	list, _ := Render([]compact.Policy{p}, RenderOptions{})
	want := "Deployment shop/web -> Deployment shop/db TCP/80: flow; manifest web.yaml:31 (env DB of container server : postgres://…@db/x)"
	if diff := cmp.Diff(want, list[0].Annotations[BecauseAnnotation]); diff != "" {
		t.Error(diff)
	}
	for i := range 300 {
		p.Rules[0].Edges = append(p.Rules[0].Edges, edge(workload(strings.Repeat("ü", 1+i)))...)
	}
	list, _ = Render([]compact.Policy{p}, RenderOptions{})
	text := list[0].Annotations[BecauseAnnotation]
	lines := strings.Split(text, "\n")
	last := lines[len(lines)-1]
	var more int
	if n, err := fmt.Sscanf(last, "and %d more", &more); n != 1 || err != nil || len(lines)-1+more != 301 || len(text) > 4<<10 || !strings.Contains(text, "…") {
		t.Errorf("%d bytes, %d lines, and then %q", len(text), len(lines), last)
	}
	if text != strings.ToValidUTF8(text, "") {
		t.Error("cut within a character")
	}
}

// TestGreatPoliciesAreCut: the parts say together what the whole said, and each
// is an object that etcd takes (B1.24, 1.5 MiB), with a name of its own (B1.25).
func TestGreatPoliciesAreCut(t *testing.T) {
	t.Parallel()
	p := compact.Policy{Namespace: "shop", Name: strings.Repeat("n", 253), Direction: compact.Egress}
	whole := map[string]bool{}
	for rule := range 3 {
		r := compact.Rule{Ports: []generator.Port{generator.NumberedPort(generator.TCP, uint16(1+rule))}, Edges: edge(workload("db"))}
		for i := range 15000 {
			a := netip.AddrFrom4([4]byte{10, byte(rule), byte(i >> 8), byte(i)})
			r.Peers = append(r.Peers, compact.Peer{Kind: generator.CIDRPeer, Block: generator.Block{Prefix: netip.PrefixFrom(a, 32)}})
			whole[fmt.Sprintf("%s/32 %d", a, 1+rule)] = true
		}
		p.Rules = append(p.Rules, r)
	}
	list, problems := Render([]compact.Policy{p}, RenderOptions{})
	if len(list) < 2 || len(problems) > 0 {
		t.Fatalf("%d policies, %v", len(list), problems)
	}
	names := map[string]bool{}
	for _, o := range list {
		data, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 3<<19 || len(o.Name) > 253 || names[o.Name] || len(o.Spec.Egress) == 0 {
			t.Errorf("%s: %d bytes, %d rules", o.Name, len(data), len(o.Spec.Egress))
		}
		names[o.Name] = true
		for _, r := range o.Spec.Egress {
			if len(r.To) == 0 || len(r.Ports) != 1 {
				t.Fatalf("a rule with %d peers and %d ports", len(r.To), len(r.Ports))
			}
			for _, q := range r.To {
				key := fmt.Sprintf("%s %d", q.IPBlock.CIDR, r.Ports[0].Port.IntVal)
				if !whole[key] {
					t.Fatalf("%s twice, or never asked for", key)
				}
				delete(whole, key)
			}
		}
	}
	if len(whole) > 0 {
		t.Errorf("%d connections are lost", len(whole))
	}
}

// TestRenderSharesNothing: whoever changes what was rendered does not change the
// plan.
func TestRenderSharesNothing(t *testing.T) {
	t.Parallel()
	p := compact.Policy{
		Namespace: "shop", Name: "p", Direction: compact.Egress, Subject: pods("app", "web"),
		Rules: []compact.Rule{{Peers: []compact.Peer{{Kind: generator.WorkloadPeer, Namespaces: []string{"a", "b"}, Pods: pods("app", "db")}}, Ports: http, Edges: edge(workload("db"))}},
	}
	first, _ := Render([]compact.Policy{p}, RenderOptions{})
	copied := first[0].DeepCopy()
	spoil := func(o *networkingv1.NetworkPolicy) {
		o.Spec.PodSelector.MatchLabels["app"] = "other"
		o.Spec.Egress[0].To[0].PodSelector.MatchLabels["app"] = "other"
		o.Spec.Egress[0].To[0].NamespaceSelector.MatchExpressions[0].Values[0] = "other"
	}
	spoil(first[0])
	again, _ := Render([]compact.Policy{p}, RenderOptions{})
	if diff := cmp.Diff(copied, again[0]); diff != "" {
		t.Error(diff)
	}
}
