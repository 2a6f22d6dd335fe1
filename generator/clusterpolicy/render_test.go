// SPDX-License-Identifier: Apache-2.0

package clusterpolicy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
)

var (
	http = generator.NumberedPort(generator.TCP, 80)
	web  = generator.WorkloadPeerOf(generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "web"})
	both = generator.WorkloadPeerOf(generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "both"})
)

func cluster(t testing.TB) *generator.Model {
	t.Helper()
	u, err := generator.NewUniverse([]*generator.Workload{
		{ID: web.ID(), Labels: map[string]string{"app": "web"}, Ports: []generator.ContainerPort{{Name: "http", Protocol: generator.TCP, Number: 80}}},
		{ID: both.ID(), Labels: map[string]string{"app": "both"}, Ports: []generator.ContainerPort{{Name: "http", Protocol: generator.TCP, Number: 80}, {Name: "dns", Protocol: generator.TCP, Number: 53}, {Name: "dns", Protocol: generator.UDP, Number: 53}}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &generator.Model{Universe: u, Environment: generator.NewEnvironment()}
}

func policy(d compact.Direction, rules ...compact.Rule) compact.Policy {
	return compact.Policy{Namespace: "shop", Name: "p", Direction: d, Subject: metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}, Rules: rules}
}

func one(to generator.Peer, port generator.Port, peers ...compact.Peer) compact.Rule {
	e := &generator.Edge{From: web, To: to, Port: port, Because: []generator.Evidence{{Source: generator.Intent}}}
	return compact.Rule{Peers: peers, Ports: []generator.Port{port}, Edges: []*generator.Edge{e}}
}

func block(text string, except ...string) compact.Peer {
	b := generator.Block{Prefix: netip.MustParsePrefix(text)}
	for _, e := range except {
		b.Except = append(b.Except, netip.MustParsePrefix(e))
	}
	return compact.Peer{Kind: generator.CIDRPeer, Block: b}
}

func cidr(text string) generator.Peer { return generator.CIDRPeerOf(netip.MustParsePrefix(text)) }

// specs returns the specifications as YAML, each after the name of its policy.
func specs(t *testing.T, list []*policyv1alpha2.ClusterNetworkPolicy) string {
	t.Helper()
	var b strings.Builder
	for _, p := range list {
		text, err := yaml.Marshal(p.Spec)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "--- %s\n%s", p.Name, text)
	}
	return b.String()
}

// TestRender: pods are settled before blocks, which hold pods too (B3).
func TestRender(t *testing.T) {
	t.Parallel()
	pods := compact.Peer{Kind: generator.WorkloadPeer, Namespaces: []string{"pay", "shop"}, Pods: metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}}}
	rule := one(web, http, pods, block("10.0.0.0/8", "10.0.0.0/9"))
	rule.Ports = []generator.Port{http, {Protocol: generator.UDP, First: 80, Last: 90}, generator.EveryPort(generator.SCTP), generator.NamedPort(generator.TCP, "http")}
	list, problems := Render(cluster(t), []compact.Policy{policy(compact.Egress, rule), {Namespace: "shop", Name: "deny", Direction: compact.Egress}}, RenderOptions{Priority: 7})
	const protocols = `  protocols:
  - tcp:
      destinationPort:
        number: 80
  - udp:
      destinationPort:
        range:
          end: 90
          start: 80
  - sctp:
      destinationPort:
        range:
          end: 65535
          start: 1
`
	const subject = `subject:
  pods:
    namespaceSelector:
      matchLabels:
        kubernetes.io/metadata.name: shop
    podSelector:
      matchLabels:
        app: web
tier: Baseline
`
	const whole = `subject:
  namespaces:
    matchLabels:
      kubernetes.io/metadata.name: shop
tier: Baseline
`
	const want = `--- shop.p
egress:
- action: Accept
` + protocols + `  - destinationNamedPort: http
  to:
  - pods:
      namespaceSelector:
        matchExpressions:
        - key: kubernetes.io/metadata.name
          operator: In
          values:
          - pay
          - shop
      podSelector:
        matchLabels:
          app: db
priority: 7
` + subject + `--- shop.p.addresses
egress:
- action: Accept
` + protocols + `  to:
  - networks:
    - 10.128.0.0/9
priority: 9
` + subject + `--- shop.deny
egress:
- action: Deny
  to:
  - namespaces: {}
priority: 8
` + whole + `--- shop.deny.addresses
egress:
- action: Deny
  to:
  - networks:
    - 0.0.0.0/0
    - ::/0
priority: 10
` + whole
	if diff := cmp.Diff(want, specs(t, list)); diff != "" || len(problems) > 0 {
		t.Errorf("%s\n%v", diff, problems)
	}
}

// TestLimits: 25 of everything (B3, B1.24), and nothing is lost.
func TestLimits(t *testing.T) {
	t.Parallel()
	rule := one(cidr("192.0.2.0/24"), http)
	rule.Ports = nil
	for i := range 60 {
		rule.Ports = append(rule.Ports, generator.NumberedPort(generator.TCP, uint16(1+2*i)))
		rule.Peers = append(rule.Peers, compact.Peer{Kind: generator.NamespacePeer, Namespaces: []string{fmt.Sprintf("n%d", i)}})
	}
	env := generator.NewEnvironment()
	external := env.External()
	rule.Peers = append(rule.Peers, compact.Peer{Kind: generator.ExternalPeer, Block: external[0]}, compact.Peer{Kind: generator.ExternalPeer, Block: external[1]})
	var rules []compact.Rule
	for range 5 {
		rules = append(rules, rule)
	}
	list, problems := Render(cluster(t), []compact.Policy{policy(compact.Egress, rules...)}, RenderOptions{})
	if len(problems) > 0 || len(list) < 3 {
		t.Fatalf("%d %v", len(list), problems)
	}
	if _, err := Read(list); err != nil {
		t.Error(err) // it counts
	}
	names, pairs := map[string]bool{}, map[string]int{}
	for _, p := range list {
		if names[p.Name] {
			t.Errorf("%s twice", p.Name)
		}
		names[p.Name] = true
		for _, r := range p.Spec.Egress {
			for _, to := range r.To {
				for _, q := range r.Protocols {
					if to.Namespaces != nil {
						pairs[fmt.Sprintf("%s %d", to.Namespaces.MatchLabels["kubernetes.io/metadata.name"], q.TCP.DestinationPort.Number)]++
					}
				}
			}
		}
	}
	if len(pairs) != 60*60 {
		t.Errorf("%d pairs of %d", len(pairs), 60*60)
	}
	for pair, n := range pairs {
		if n != len(rules) {
			t.Errorf("%s: %d times", pair, n)
		}
	}
}

// TestNothingBecomesEverything: what cannot be said leaves no rule behind that
// would allow more.
func TestNothingBecomesEverything(t *testing.T) {
	t.Parallel()
	named := compact.Peer{Kind: generator.FQDNPeer, Name: "api.example.com"}
	pods := compact.Peer{Kind: generator.WorkloadPeer, Namespaces: []string{"shop"}, Pods: metav1.LabelSelector{MatchLabels: map[string]string{"app": "both"}}}
	from := one(web, http, block("192.0.2.0/24"))
	from.Edges[0].From = cidr("192.0.2.0/24")
	dns := generator.NamedPort(generator.TCP, "dns")
	for text, tc := range map[string]struct {
		direction compact.Direction
		rule      compact.Rule
		options   RenderOptions
		problem   string
	}{
		"B3 a connection from outside":   {compact.Ingress, from, RenderOptions{}, "from outside the pods"},
		"B3 a domain name":               {compact.Egress, one(generator.FQDNPeerOf(named.Name), http, named), RenderOptions{}, "experimental channel"},
		"B3 a wildcard inside":           {compact.Egress, one(generator.FQDNPeerOf("a*.b"), http, compact.Peer{Kind: generator.FQDNPeer, Name: "a*.b"}), RenderOptions{Channel: Experimental}, "wildcard"},
		"B3 a name of two protocols":     {compact.Egress, one(both, dns, pods), RenderOptions{}, "give the number"},
		"B3 a name that anybody may use": {compact.Egress, one(generator.NamespacePeerOf("shop"), dns, compact.Peer{Kind: generator.NamespacePeer, Namespaces: []string{"shop"}}), RenderOptions{}, "give the number"},
		"B3 priorities that do not fit":  {compact.Egress, one(both, http, pods), RenderOptions{Priority: 998}, "priorities in a row"},
		"no peers":                       {compact.Egress, one(both, http), RenderOptions{}, "no peer is left"},
		"no ports":                       {compact.Egress, one(both, generator.Port{}, pods), RenderOptions{}, "no port is left"},
		"pods of no namespace":           {compact.Egress, one(web, http, compact.Peer{Kind: generator.WorkloadPeer}), RenderOptions{}, "neither pods nor addresses"},
		"a block that is excepted":       {compact.Egress, one(cidr("10.1.0.0/16"), http, block("10.1.0.0/16", "10.0.0.0/8")), RenderOptions{}, "nothing is left"},
	} {
		list, problems := Render(cluster(t), []compact.Policy{policy(tc.direction, tc.rule)}, tc.options)
		if len(list) > 0 || len(problems) != 1 || !strings.Contains(problems[0].What, tc.problem) {
			t.Errorf("%s: %s %v, not one problem about %q", text, specs(t, list), problems, tc.problem)
		}
	}
	list, problems := Render(cluster(t), []compact.Policy{policy(compact.Egress, one(generator.FQDNPeerOf(named.Name), http, named), one(both, generator.NamedPort(generator.TCP, "http"), pods))}, RenderOptions{Channel: Experimental, Priority: maxPriority - Levels + 1})
	if len(problems) > 0 || len(list) != 2 || !strings.Contains(specs(t, list), "domainNames:\n    - api.example.com") {
		t.Errorf("what can be said is refused: %s %v", specs(t, list), problems)
	}
	list, problems = Render(cluster(t), []compact.Policy{{Namespace: "shop", Name: "deny", Direction: compact.Ingress}}, RenderOptions{})
	if len(list) != 1 || len(problems) != 1 || !strings.Contains(problems[0].String(), "namespace shop") {
		t.Errorf("a denial of ingress: %s %v", specs(t, list), problems)
	}
}

// TestReadRefuses: what the definition would refuse, and what is not read.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	const head = `priority: 1, subject: {namespaces: {}}, tier: `
	for spec, want := range map[string]string{
		`{priority: 1, subject: {namespaces: {}}, tier: Normal}`:                                                                                             "spec.tier",
		`{priority: 1001, subject: {namespaces: {}}, tier: Admin}`:                                                                                           "spec.priority",
		`{priority: 1, subject: {}, tier: Admin}`:                                                                                                            "spec.subject",
		`{priority: 1, subject: {namespaces: {}, pods: {namespaceSelector: {}, podSelector: {}}}, tier: Admin}`:                                              "spec.subject",
		`{` + head + `Admin, ingress: [{action: Accept, from: []}]}`:                                                                                         "spec.ingress[0].from",
		`{` + head + `Admin, ingress: [{action: Allow, from: [{namespaces: {}}]}]}`:                                                                          "spec.ingress[0].action",
		`{` + head + `Admin, ingress: [{action: Deny, from: [{}]}]}`:                                                                                         "spec.ingress[0].from[0]",
		`{` + head + `Admin, egress: [{action: Deny, to: [{nodes: {}}]}]}`:                                                                                   "nodes",
		`{` + head + `Admin, egress: [{action: Deny, to: [{domainNames: [a.b]}]}]}`:                                                                          "domainNames",
		`{` + head + `Admin, egress: [{action: Deny, to: [{networks: [10.0.0.0]}]}]}`:                                                                        "networks",
		`{` + head + `Admin, egress: [{action: Deny, to: [{networks: [10.0.0.0/8], namespaces: {}}]}]}`:                                                      "one thing",
		`{` + head + `Admin, egress: [{action: Deny, to: [{networks: [10.0.0.0/8]}], protocols: [{destinationNamedPort: http}]}]}`:                           "no address has a port by name",
		`{` + head + `Admin, egress: [{action: Deny, to: [{namespaces: {}}], protocols: []}]}`:                                                               "protocols",
		`{` + head + `Admin, egress: [{action: Deny, to: [{namespaces: {}}], protocols: [{tcp: {}}]}]}`:                                                      "a number or a range",
		`{` + head + `Admin, egress: [{action: Deny, to: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {number: 70000}}}]}]}`:                      "65535",
		`{` + head + `Admin, egress: [{action: Deny, to: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {range: {start: 9, end: 9}}}}]}]}`:          "before the last",
		`{` + head + `Admin, egress: [{action: Deny, to: [{namespaces: {}}], protocols: [{destinationNamedPort: a, udp: {destinationPort: {number: 1}}}]}]}`: "one thing",
	} {
		p := &policyv1alpha2.ClusterNetworkPolicy{}
		p.Name = "p"
		if err := yaml.UnmarshalStrict([]byte(spec), &p.Spec); err != nil {
			t.Fatal(err)
		}
		got, err := Read([]*policyv1alpha2.ClusterNetworkPolicy{p})
		if err == nil || got != nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "ClusterNetworkPolicy p") {
			t.Errorf("%s: %+v %v, not %q", spec, got, err, want)
		}
	}
	if _, err := Read([]*policyv1alpha2.ClusterNetworkPolicy{nil}); err == nil {
		t.Error("nil is taken")
	}
}
