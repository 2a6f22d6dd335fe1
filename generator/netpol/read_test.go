// SPDX-License-Identifier: Apache-2.0

package netpol

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// policiesOf reads the specification of a policy of namespace shop; several are
// divided by lines of three dashes.
func policiesOf(t testing.TB, specs string) []*networkingv1.NetworkPolicy {
	t.Helper()
	var out []*networkingv1.NetworkPolicy
	for i, text := range strings.Split(specs, "\n---\n") {
		p := &networkingv1.NetworkPolicy{}
		p.Namespace, p.Name = "shop", string(rune('a'+i))
		if err := yaml.UnmarshalStrict([]byte(text), &p.Spec); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		out = append(out, p)
	}
	return out
}

// shop is a universe with a pod for every trap.
func shop(t testing.TB) *generator.Model {
	t.Helper()
	workload := func(namespace, name string, labels map[string]string, address string, ports ...generator.ContainerPort) *generator.Workload {
		return &generator.Workload{
			ID: generator.WorkloadID{Namespace: namespace, Kind: "Deployment", Name: name}, Labels: labels, Ports: ports,
			Addresses: []netip.Addr{netip.MustParseAddr(address)},
		}
	}
	agent := workload("shop", "agent", map[string]string{"app": "web"}, "10.1.0.1")
	agent.HostNetwork = true
	u, err := generator.NewUniverse([]*generator.Workload{
		workload("shop", "web", map[string]string{"app": "web", "tier": "front"}, "10.0.0.1", generator.ContainerPort{Name: "http", Protocol: generator.TCP, Number: 8080}),
		workload("shop", "api", map[string]string{"app": "api"}, "10.0.0.2",
			generator.ContainerPort{Name: "http", Protocol: generator.TCP, Number: 9000}, generator.ContainerPort{Name: "http", Protocol: generator.UDP, Number: 9001},
			generator.ContainerPort{Name: "http", Protocol: generator.TCP, Number: 9002}),
		workload("pay", "web", map[string]string{"app": "web"}, "10.0.0.3", generator.ContainerPort{Name: "http", Protocol: generator.TCP, Number: 7000}),
		agent,
	}, map[string]map[string]string{"shop": {"team": "red"}, "pay": {"team": "blue"}})
	if err != nil {
		t.Fatal(err)
	}
	m := &generator.Model{Universe: u, Environment: generator.NewEnvironment()}
	m.Environment.PodRanges = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}
	m.Environment.Nodes.Addresses = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24")}
	return m
}

// ends by the names that the questions use.
var ends = map[string]verify.End{
	"web":       verify.PodOf(generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "web"}),
	"api":       verify.PodOf(generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "api"}),
	"pay":       verify.PodOf(generator.WorkloadID{Namespace: "pay", Kind: "Deployment", Name: "web"}),
	"agent":     verify.PodOf(generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "agent"}),
	"stranger":  verify.StrangerIn("shop"),
	"elsewhere": verify.StrangerIn(""),
	"internet":  verify.AddressOf(netip.MustParseAddr("198.51.100.1")),
	"internet6": verify.AddressOf(netip.MustParseAddr("2001:db8::1")),
	"partner":   verify.AddressOf(netip.MustParseAddr("192.0.2.7")),
	"metadata":  verify.AddressOf(netip.MustParseAddr("169.254.169.254")),
	"node":      verify.AddressOf(netip.MustParseAddr("10.1.0.1")),
}

// question reads "web -> api TCP/9000"; a port without a digit is a name.
func question(t *testing.T, text string) (from, to verify.End, port generator.Port) {
	t.Helper()
	f := strings.Fields(text)
	if len(f) != 4 || f[1] != "->" {
		t.Fatalf("%q is no question", text)
	}
	protocol, name, _ := strings.Cut(f[3], "/")
	p, err := generator.ParseProtocol(protocol)
	if err != nil {
		t.Fatal(err)
	}
	port = generator.NamedPort(p, name)
	if n := 0; name[0] >= '0' && name[0] <= '9' {
		for _, digit := range name {
			n = n*10 + int(digit-'0')
		}
		port = generator.NumberedPort(p, uint16(n))
	}
	for _, end := range []string{f[0], f[2]} {
		if ends[end] == (verify.End{}) {
			t.Fatalf("%q is no end", end)
		}
	}
	return ends[f[0]], ends[f[2]], port
}

const (
	closed = `{podSelector: {}, policyTypes: [Ingress, Egress]}`
	toAll  = `{podSelector: {}, policyTypes: [Egress], egress: [{}]}`
)

// traps are those of semantics: what a rule that is easily misread allows and
// what it does not. Without another policy everything is allowed.
var traps = []struct {
	name    string
	specs   string
	match   bool // blocks match pods
	allowed []string
	refused []string
}{
	{
		name: "B1.1 a connection needs egress at the source and ingress at the destination",
		specs: `{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: api}}}]}]}
---
{podSelector: {matchLabels: {app: api}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}`,
		allowed: []string{"web -> api TCP/9000", "stranger -> web TCP/80", "api -> internet TCP/443"},
		refused: []string{"web -> stranger TCP/80", "stranger -> api TCP/80", "pay -> api TCP/80", "internet -> api TCP/80"},
	},
	{
		name: "B1.1 an egress rule alone opens nothing that ingress of the destination closes",
		specs: `{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: api}}}]}]}
---
{podSelector: {matchLabels: {app: api}}, policyTypes: [Ingress]}`,
		refused: []string{"web -> api TCP/9000"},
		allowed: []string{"api -> web TCP/80"},
	},
	{
		name: "B1.1 policies add up",
		specs: closed + `
---
{podSelector: {matchLabels: {app: api}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {}}], ports: [{port: 9000}]}]}
---
{podSelector: {matchLabels: {app: api}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80}]}]}
---
` + toAll,
		allowed: []string{"web -> api TCP/9000", "web -> api TCP/80", "pay -> api TCP/80"},
		refused: []string{"pay -> api TCP/9000", "web -> api TCP/81"},
	},
	{
		name:    "B1.2 without policyTypes a policy with egress rules closes ingress too",
		specs:   `{podSelector: {matchLabels: {app: web}}, egress: [{to: [{podSelector: {matchLabels: {app: api}}}]}]}`,
		allowed: []string{"web -> api TCP/80"},
		refused: []string{"api -> web TCP/80", "web -> pay TCP/80"},
	},
	{
		name:    "B1.2 without policyTypes an empty list of egress rules closes nothing",
		specs:   `{podSelector: {}, ingress: [{}], egress: []}`,
		allowed: []string{"web -> internet TCP/443", "pay -> web TCP/80"},
	},
	{
		name:    "B1.2 with policyTypes an empty list of egress rules closes everything",
		specs:   `{podSelector: {}, policyTypes: [Egress], egress: []}`,
		allowed: []string{"pay -> web TCP/80"},
		refused: []string{"web -> internet TCP/443", "web -> api TCP/9000"},
	},
	{
		name: "B1.2 rules of a direction that policyTypes leave out do not count",
		specs: `{podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: [{}], egress: [{}]}
---
{podSelector: {}, policyTypes: [Egress]}`,
		refused: []string{"web -> api TCP/80", "web -> internet TCP/443"},
		allowed: []string{"pay -> web TCP/80"},
	},
	{
		name:    "B1.3 no ingress rules allow nothing",
		specs:   `{podSelector: {}, policyTypes: [Ingress], ingress: []}`,
		refused: []string{"web -> api TCP/80", "internet -> web TCP/80"},
		allowed: []string{"web -> internet TCP/80"},
	},
	{
		name:    "B1.3 an empty ingress rule allows everything",
		specs:   `{podSelector: {}, policyTypes: [Ingress], ingress: [{}]}`,
		allowed: []string{"internet -> web TCP/80", "elsewhere -> api SCTP/7", "node -> api UDP/9"},
	},
	{
		name:    "B1.3 an empty list of sources is any source",
		specs:   `{podSelector: {}, policyTypes: [Ingress], ingress: [{from: [], ports: [{port: 80}]}]}`,
		allowed: []string{"internet -> web TCP/80", "elsewhere -> web TCP/80", "internet6 -> web TCP/80"},
		refused: []string{"internet -> web TCP/81"},
	},
	{
		name:    "B1.3 an empty list of ports is every port",
		specs:   `{podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {}}], ports: []}]}`,
		allowed: []string{"web -> api TCP/1", "web -> api SCTP/65535", "stranger -> api UDP/53"},
		refused: []string{"pay -> api TCP/1", "internet -> api TCP/1"},
	},
	{
		name:    "B1.3 an empty podSelector of a peer is the policy's own namespace",
		specs:   `{podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}]}`,
		allowed: []string{"web -> api TCP/80", "web -> stranger TCP/80"},
		refused: []string{"web -> pay TCP/80", "web -> elsewhere TCP/80", "web -> internet TCP/80", "web -> node TCP/80"},
	},
	{
		name:    "B1.3 an empty namespaceSelector is every namespace, and no address",
		specs:   `{podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]}`,
		allowed: []string{"web -> api TCP/80", "web -> pay TCP/80", "web -> elsewhere TCP/80"},
		refused: []string{"web -> internet TCP/80", "web -> node TCP/80"},
	},
	{
		name:    "B1.4 two selectors in one item are both",
		specs:   `{podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {team: blue}}, podSelector: {matchLabels: {app: web}}}]}]}`,
		allowed: []string{"web -> pay TCP/80"},
		refused: []string{"api -> web TCP/80", "web -> api TCP/80"},
	},
	{
		name:    "B1.4 two selectors in two items are either",
		specs:   `{podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {team: blue}}}, {podSelector: {matchLabels: {app: web}}}]}]}`,
		allowed: []string{"web -> pay TCP/80", "api -> web TCP/80"},
		refused: []string{"web -> api TCP/80"},
	},
	{
		name:    "B1.5 a namespace is known by the name that the API server gives it as a label",
		specs:   `{podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: pay}}}]}]}`,
		allowed: []string{"pay -> web TCP/80"},
		refused: []string{"api -> web TCP/80", "elsewhere -> web TCP/80"},
	},
	{
		name:    "B1.5 NotIn and DoesNotExist select namespaces that nobody described",
		specs:   `{podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [red]}]}}]}]}`,
		allowed: []string{"pay -> web TCP/80", "elsewhere -> web TCP/80"},
		refused: []string{"api -> web TCP/80"},
	},
	{
		name:    "B1.6 a name is another number in every pod, the accepting one's",
		specs:   `{podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}], ports: [{port: http}]}]}`,
		allowed: []string{"web -> api TCP/9000", "web -> pay TCP/7000", "api -> web TCP/8080", "web -> pay TCP/http"},
		refused: []string{"web -> api TCP/8080", "web -> pay TCP/9000", "web -> stranger TCP/8080"},
	},
	{
		name:    "B1.6 of two containers with one name the first counts",
		specs:   `{podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{port: http}]}]}`,
		allowed: []string{"pay -> api TCP/9000", "internet -> web TCP/8080"},
		refused: []string{"pay -> api TCP/9002", "pay -> stranger TCP/8080"},
	},
	{
		name:    "B1.6 a name of another protocol is another port",
		specs:   `{podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{port: http, protocol: UDP}]}]}`,
		allowed: []string{"pay -> api UDP/9001"},
		refused: []string{"pay -> api TCP/9000", "pay -> api TCP/9001", "pay -> api UDP/9000", "pay -> web UDP/8080"},
	},
	{
		name:    "B1.6 an address has no names",
		specs:   `{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: http}]}]}`,
		refused: []string{"web -> internet TCP/8080", "web -> internet TCP/80", "web -> api TCP/9000"},
		allowed: []string{"internet -> web TCP/8080"},
	},
	{
		name:    "B1.6 a name for an address that connects is the accepting pod's",
		specs:   `{podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: http}]}]}`,
		allowed: []string{"internet -> web TCP/8080", "internet -> api TCP/9000"},
		refused: []string{"internet -> web TCP/9000"},
	},
	{
		name:    "B1.7 a port without protocol is TCP",
		specs:   `{podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{port: 53}]}]}`,
		allowed: []string{"pay -> web TCP/53"},
		refused: []string{"pay -> web UDP/53", "pay -> web SCTP/53"},
	},
	{
		name:    "B1.7 a protocol without port is every port of it",
		specs:   `{podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{protocol: UDP}]}]}`,
		allowed: []string{"pay -> web UDP/1", "pay -> web UDP/65535"},
		refused: []string{"pay -> web TCP/1"},
	},
	{
		name:    "B1.7 an item without anything is every TCP port, not every port",
		specs:   `{podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{}]}]}`,
		allowed: []string{"pay -> web TCP/1", "pay -> web TCP/65535"},
		refused: []string{"pay -> web UDP/1", "pay -> web SCTP/1"},
	},
	{
		name:    "B1.7 endPort is the last of the range",
		specs:   `{podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{port: 8000, endPort: 8003}]}]}`,
		allowed: []string{"pay -> web TCP/8000", "pay -> web TCP/8003"},
		refused: []string{"pay -> web TCP/7999", "pay -> web TCP/8004", "pay -> web UDP/8001"},
	},
	{
		name:    "B1.7 SCTP is not TCP",
		specs:   `{podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{port: 80, protocol: SCTP}]}]}`,
		allowed: []string{"pay -> web SCTP/80"},
		refused: []string{"pay -> web TCP/80"},
	},
	{
		name:    "B1.11 replicas of one workload are not loopback",
		specs:   closed,
		refused: []string{"web -> web TCP/8080"},
		allowed: []string{"pay -> pay TCP/7000"},
	},
	{
		name: "B1.13 no policy applies to a pod on the network of its node, and no selector finds it",
		specs: closed + `
---
{podSelector: {matchLabels: {app: api}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}`,
		allowed: []string{"agent -> pay TCP/80", "agent -> internet TCP/80", "pay -> agent TCP/80"},
		refused: []string{"agent -> api TCP/80", "web -> agent TCP/80"},
	},
	{
		name:    "B1.13 a pod on the network of its node is the node's address",
		specs:   `{podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 10.1.0.0/24}}]}]}`,
		allowed: []string{"agent -> api TCP/80", "node -> api TCP/80"},
		refused: []string{"web -> api TCP/80"},
	},
	{
		name:    "B1.16 an address that one block leaves out and another holds is allowed",
		specs:   `{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.0.0/16, 192.0.2.0/24]}}, {ipBlock: {cidr: 192.0.2.0/28}}]}]}`,
		allowed: []string{"web -> internet TCP/443", "web -> partner TCP/443"},
		refused: []string{"web -> metadata TCP/80"},
	},
	{
		name:    "B1.17 a block is about addresses outside the cluster",
		specs:   `{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}`,
		allowed: []string{"web -> internet TCP/443", "web -> node TCP/443"},
		refused: []string{"web -> api TCP/443", "web -> pay TCP/443"},
	},
	{
		name:    "B1.17 where the enforcer filters by address a block matches pods",
		specs:   `{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.2/32]}}]}]}`,
		match:   true,
		allowed: []string{"web -> pay TCP/443", "web -> internet TCP/443"},
		refused: []string{"web -> api TCP/443", "web -> elsewhere TCP/443"}, // it may get any address of a pod
	},
	{
		name:    "B1.17 the other family needs a block of its own",
		specs:   `{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}`,
		allowed: []string{"web -> internet TCP/443"},
		refused: []string{"web -> internet6 TCP/443"},
	},
	{
		name:    "B1.18 host bits do not count",
		specs:   `{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 192.0.2.77/24}}, {ipBlock: {cidr: "2001:db8::77/64"}}]}]}`,
		allowed: []string{"web -> partner TCP/443", "web -> internet6 TCP/443"},
		refused: []string{"web -> internet TCP/443"},
	},
	{
		name:    "B1.18 leading zeros are decimal, and an IPv4 block may be written as IPv6",
		specs:   `{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 192.000.002.0/28}}, {ipBlock: {cidr: "::ffff:198.51.100.0/120"}}]}]}`,
		allowed: []string{"web -> partner TCP/443", "web -> internet TCP/443"},
		refused: []string{"web -> metadata TCP/443"},
	},
	{
		name:    "B1.20 a selector of fewer labels also selects the pods of others",
		specs:   `{podSelector: {matchExpressions: [{key: app, operator: Exists}]}, policyTypes: [Ingress]}`,
		refused: []string{"pay -> web TCP/80", "pay -> api TCP/80"},
		allowed: []string{"pay -> stranger TCP/80"},
	},
}

// noQuestions are the traps of NetworkPolicy that are not about what a policy
// allows, and what they are about.
var noQuestions = map[string]string{
	"B1.8 ICMP":                                     "no policy speaks of it, and no edge",
	"B1.9 name servers":                             "the Environment: Discover",
	"B1.10 replies":                                 "the source of flows",
	"B1.12 the pod's own node":                      "always allowed, and not modelled",
	"B1.14 the API server":                          "the Environment: Discover",
	"B1.15 what the API server opens":               "the source of manifests",
	"B1.19 labels that churn":                       "the choice of selectors",
	"B1.21 Jobs":                                    "the universe: Observe",
	"B1.22 pods that end":                           "what enforces policies",
	"B1.23 init containers and sidecars":            "the universe: Observe",
	"B1.24 limits of objects":                       "the renderer",
	"B1.25 names":                                   "the renderer",
	"B1.26 what NetworkPolicy cannot say":           "the renderer",
	"B1.27 the order in which policies are applied": "the controller",
}

func TestTraps(t *testing.T) {
	t.Parallel()
	m := shop(t)
	questions := 0
	for _, c := range traps {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			policies, err := Read(policiesOf(t, c.specs))
			if err != nil {
				t.Fatal(err)
			}
			var o verify.Options
			if c.match {
				o.Blocks = verify.BlocksMatchPods
			}
			set, err := verify.Compile(policies, m, o)
			if err != nil {
				t.Fatal(err)
			}
			for want, list := range map[bool][]string{true: c.allowed, false: c.refused} {
				for _, text := range list {
					from, to, port := question(t, text)
					v, err := set.Allowed(from, to, port)
					if err != nil {
						t.Fatalf("%s: %v", text, err)
					}
					if v.Allowed != want {
						t.Errorf("%s: %v (%s; %s)", text, v.Allowed, v.Egress, v.Ingress)
					}
				}
			}
		})
		questions += len(c.allowed) + len(c.refused)
	}
	t.Logf("%d traps, %d questions", len(traps), questions)
	for _, name := range slices.Sorted(maps.Keys(noQuestions)) {
		t.Logf("no question: %s (%s)", name, noQuestions[name])
	}
	if len(traps) < 30 {
		t.Error("traps are missing")
	}
}

// TestReadRefuses what the API server refuses, with the place.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	in := func(peers, ports string) string {
		return `{podSelector: {}, policyTypes: [Ingress], ingress: [{}, {from: [{podSelector: {}}, ` + peers + `], ports: [` + ports + `]}]}`
	}
	for name, c := range map[string]struct{ spec, want string }{
		"a peer that says nothing":         {in(`{}`, ``), "spec.ingress[1].from[1]: Required"},
		"a block beside a selector":        {in(`{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}`, ``), "spec.ingress[1].from[1]: Forbidden"},
		"a block without prefix":           {in(`{ipBlock: {cidr: 10.0.0.1}}`, ``), "spec.ingress[1].from[1].ipBlock.cidr: Invalid"},
		"a block that is empty":            {in(`{ipBlock: {cidr: ""}}`, ``), "spec.ingress[1].from[1].ipBlock.cidr: Invalid"},
		"a prefix that is too long":        {in(`{ipBlock: {cidr: 10.0.0.1/33}}`, ``), "ipBlock.cidr: Invalid"},
		"an exception outside":             {in(`{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, 11.0.0.0/16]}}`, ``), "ipBlock.except[1]: Invalid"},
		"an exception that is all":         {in(`{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}`, ``), "ipBlock.except[0]: Invalid"},
		"an exception of another family":   {in(`{ipBlock: {cidr: 10.0.0.0/8, except: ["2001:db8::/32"]}}`, ``), "ipBlock.except[0]: Invalid"},
		"an exception that is no block":    {in(`{ipBlock: {cidr: 10.0.0.0/8, except: [x]}}`, ``), "ipBlock.except[0]: Invalid"},
		"a selector with no such operator": {in(`{podSelector: {matchExpressions: [{key: a, operator: Is, values: [b]}]}}`, ``), "from[1].podSelector.matchExpressions[0].operator"},
		"In without values":                {in(`{namespaceSelector: {matchExpressions: [{key: a, operator: In}]}}`, ``), "from[1].namespaceSelector.matchExpressions[0].values"},
		"a label that is none":             {`{podSelector: {matchLabels: {"a b": c}}}`, "spec.podSelector.matchLabels"},
		"port 0":                           {in(`{podSelector: {}}`, `{port: 0}`), "spec.ingress[1].ports[0].port: Invalid"},
		"port 65536":                       {in(`{podSelector: {}}`, `{port: 65536}`), "ports[0].port: Invalid"},
		"a name that is a number":          {in(`{podSelector: {}}`, `{port: "80"}`), "ports[0].port: Invalid"},
		"a name that is too long":          {in(`{podSelector: {}}`, `{port: a-name-of-sixteen}`), "ports[0].port: Invalid"},
		"a range that ends before":         {in(`{podSelector: {}}`, `{port: 80}, {port: 81, endPort: 80}`), "ports[1].endPort: Invalid"},
		"a range that is too long":         {in(`{podSelector: {}}`, `{port: 81, endPort: 65536}`), "ports[0].endPort: Invalid"},
		"a range from a name":              {in(`{podSelector: {}}`, `{port: http, endPort: 90}`), "ports[0].endPort: Forbidden"},
		"a range from nowhere":             {in(`{podSelector: {}}`, `{endPort: 90}`), "ports[0].endPort: Forbidden"},
		"a protocol in small letters":      {in(`{podSelector: {}}`, `{protocol: tcp}`), "ports[0].protocol: Unsupported"},
		"an empty protocol":                {in(`{podSelector: {}}`, `{protocol: ""}`), "ports[0].protocol: Unsupported"},
		"a policyType that is none":        {`{podSelector: {}, policyTypes: [Ingress, Outgress]}`, "spec.policyTypes[1]: Unsupported"},
		"too many policyTypes":             {`{podSelector: {}, policyTypes: [Ingress, Egress, Ingress]}`, "spec.policyTypes: Too many"},
		"what policyTypes leave out":       {`{podSelector: {}, policyTypes: [Ingress], egress: [{to: [{}]}]}`, "spec.egress[0].to[0]: Required"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Read(policiesOf(t, `{podSelector: {}}`+"\n---\n"+c.spec))
			if err == nil || got != nil {
				t.Fatalf("%v was read", got)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "NetworkPolicy shop/b: ") {
				t.Errorf("%v, not about %q of the second policy", err, c.want)
			}
		})
	}
	nowhere := policiesOf(t, `{podSelector: {}}`)
	nowhere[0].Namespace = ""
	if _, err := Read(append(nowhere, nil)); err == nil || !strings.Contains(err.Error(), "metadata.namespace") || !strings.Contains(err.Error(), "is nil") {
		t.Errorf("%v: a policy without namespace, and none, are faults, and both are told", err)
	}
	two := policiesOf(t, in(`{}`, `{port: 0}`)+"\n---\n"+in(`{}`, ``))
	if _, err := Read(two); err == nil || strings.Count(err.Error(), "shop/") != 3 {
		t.Errorf("%v: not all three faults", err)
	}
}
