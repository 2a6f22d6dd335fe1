// SPDX-License-Identifier: Apache-2.0

package enforcer_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/enforcer"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

func workload(name string) generator.Peer {
	return generator.WorkloadPeerOf(generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: name})
}

func cidr(text string) generator.Peer { return generator.CIDRPeerOf(netip.MustParsePrefix(text)) }

func tcp(n uint16) generator.Port { return generator.NumberedPort(generator.TCP, n) }

func group(k generator.PeerKind) generator.Peer { return generator.Peer{Kind: k} }

// shop is a guarded namespace with web and db, an agent on the network of its
// node, and a pod without an owner.
func shop(t *testing.T, change func(*generator.Environment), edges ...generator.Edge) *generator.Model {
	t.Helper()
	app := func(kind, name string, ports ...generator.ContainerPort) *generator.Workload {
		return &generator.Workload{ID: generator.WorkloadID{Namespace: "shop", Kind: kind, Name: name}, Labels: map[string]string{"app": name}, Ports: ports}
	}
	agent := app("DaemonSet", "agent")
	agent.HostNetwork = true
	u, err := generator.NewUniverse([]*generator.Workload{
		app("Deployment", "web"), app("Pod", "debug"), agent,
		app("Deployment", "db", generator.ContainerPort{Name: "sql", Protocol: generator.TCP, Number: 5432}, generator.ContainerPort{Name: "dns", Protocol: generator.TCP, Number: 53}, generator.ContainerPort{Name: "dns", Protocol: generator.UDP, Number: 5353}),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	env := generator.NewEnvironment()
	env.PodRanges = prefixes("10.244.0.0/16")
	env.Nodes.Addresses = prefixes("192.0.2.1/32", "192.0.2.2/32")
	env.APIServer = generator.Group{Addresses: prefixes("192.0.2.1/32"), Ports: []generator.Port{tcp(6443)}}
	env.DNS = generator.Group{Pods: []generator.PodSet{{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}}}, Ports: []generator.Port{generator.NumberedPort(generator.UDP, 53)}}
	if change != nil {
		change(&env)
	}
	for i := range edges {
		edges[i].Because = []generator.Evidence{{Source: generator.Intent, Where: "NetworkPlan shop/web"}}
	}
	m, problems := generator.Build(generator.Input{
		Inventory: inventory.New(), Universe: u, Environment: env, Guards: map[string]generator.Guard{"shop": {Ingress: true, Egress: true}}, Edges: edges,
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return m
}

func find(t *testing.T, name string) enforcer.Profile {
	t.Helper()
	p, err := enforcer.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// rules says in words what is emitted for web, and what is refused. What is
// emitted is proved.
func rules(t *testing.T, name string, m *generator.Model) (string, string) {
	t.Helper()
	p := find(t, name)
	if got := prove(p, m); len(got.wrong) > 0 {
		t.Errorf("%s: %s", name, strings.Join(got.wrong, "\n"))
	}
	plan, problems := compact.Compact(m, compact.Options{Selectors: p.Selectors()})
	adapted, refused := p.Adapt(m, plan)
	var out, reasons []string
	list, _ := netpol.Render(adapted.Allows, netpol.RenderOptions{})
	for _, o := range list {
		if o.Spec.PodSelector.MatchLabels["app"] != "web" {
			continue
		}
		say := func(direction, spec string) {
			out = append(out, direction+" "+strings.NewReplacer("kubernetes.io/metadata.name", "name", "matchLabels:", "", "ports:", "").Replace(strings.ReplaceAll(spec, `"`, "")))
		}
		for i := range o.Spec.Ingress {
			say("from", text(t, o.Spec.Ingress[i]))
		}
		for i := range o.Spec.Egress {
			say("to", text(t, o.Spec.Egress[i]))
		}
	}
	for _, q := range append(problems, refused...) {
		reasons = append(reasons, q.Edge.String()+": "+q.What)
	}
	return strings.Join(out, "\n"), strings.Join(reasons, "\n")
}

// TestProfiles shows for each enforcer a model for which it emits something else
// than others, or refuses something with a reason: generic stands beside it.
func TestProfiles(t *testing.T) {
	t.Parallel()
	web, db := workload("web"), workload("db")
	to := func(peer generator.Peer, p generator.Port) generator.Edge {
		return generator.Edge{From: web, To: peer, Port: p}
	}
	from := func(peer generator.Peer, p generator.Port) generator.Edge {
		return generator.Edge{From: peer, To: web, Port: p}
	}
	cloud := func(e *generator.Environment) { // nodes and pods in one subnet
		e.PodRanges = prefixes("192.0.2.0/24")
	}
	nowhere := func(e *generator.Environment) { e.PodRanges, e.Nodes = nil, generator.Group{} }
	cache := func(e *generator.Environment) { e.DNS.Addresses = prefixes("169.254.20.10/32") }
	const tcp80 = "[{protocol:TCP,port:80}]"
	var many []generator.Edge
	for n := range uint16(25) {
		many = append(many, to(db, tcp(2*n+1)))
	}
	var parts []string
	for _, p := range (generator.Block{Prefix: netip.MustParsePrefix("0.0.0.0/2"), Except: prefixes("10.244.0.0/16")}).Prefixes() {
		parts = append(parts, "{ipBlock:{cidr:"+p.String()+"}}")
	}
	pieces := strings.Join(parts, ",")
	for name, tc := range map[string]struct {
		change  func(*generator.Environment)
		edges   []generator.Edge
		emits   map[string]string // by enforcer
		refuses map[string]string // a part of the reason
	}{
		"B1.17 a block that holds the ranges of pods": {nil, []generator.Edge{to(cidr("10.0.0.0/8"), tcp(80))}, map[string]string{
			"generic":        "to {" + tcp80 + ",to:[{ipBlock:{cidr:10.0.0.0/8}}]}",
			"cilium":         "to {" + tcp80 + ",to:[{ipBlock:{cidr:10.0.0.0/8}}]}",
			"calico":         "to {" + tcp80 + ",to:[{ipBlock:{cidr:10.0.0.0/8,except:[10.244.0.0/16]}}]}",
			"ovn-kubernetes": "to {" + tcp80 + ",to:[{ipBlock:{cidr:10.0.0.0/8,except:[10.244.0.0/16]}}]}",
			"gke":            "to {" + tcp80 + ",to:[{ipBlock:{cidr:10.0.0.0/8,except:[10.244.0.0/16]}}]}",
			"aws-vpc-cni":    "to {" + tcp80 + ",to:[{ipBlock:{cidr:10.0.0.0/8,except:[10.244.0.0/16]}}]}",
		}, nil},
		"B1.17 a block of pods' addresses": {nil, []generator.Edge{to(cidr("10.244.3.0/24"), tcp(80))}, map[string]string{
			"generic": "to {" + tcp80 + ",to:[{ipBlock:{cidr:10.244.3.0/24}}]}",
		}, map[string]string{"calico": "would allow the pods", "aws-vpc-cni": "would allow the pods"}},
		"B1.17 where nobody says which addresses are pods'": {nowhere, []generator.Edge{to(cidr("10.0.0.0/8"), tcp(80))}, map[string]string{
			"generic": "to {" + tcp80 + ",to:[{ipBlock:{cidr:10.0.0.0/8}}]}",
		}, map[string]string{"calico": "--pod-cidr", "ovn-kubernetes": "--pod-cidr"}},
		"B1.14 and B2.9 the API server on a node": {nil, []generator.Edge{to(group(generator.APIServerPeer), tcp(6443))}, map[string]string{
			"generic": "to {[{protocol:TCP,port:6443}],to:[{ipBlock:{cidr:192.0.2.1/32}}]}",
			"calico":  "to {[{protocol:TCP,port:6443}],to:[{ipBlock:{cidr:192.0.2.1/32}}]}",
		}, map[string]string{"cilium": "no block of addresses holds a node", "gke": "no block of addresses holds a node"}},
		"B1.14 the API server of which nobody knows where it is": {
			nowhere,
			[]generator.Edge{to(group(generator.APIServerPeer), tcp(6443))},
			nil,
			map[string]string{"cilium": "--node-cidr"},
		},
		"B1.14 an API server that is no node": {func(e *generator.Environment) { e.APIServer.Addresses = prefixes("198.51.100.1/32") }, []generator.Edge{to(group(generator.APIServerPeer), tcp(6443))}, map[string]string{
			"cilium": "to {[{protocol:TCP,port:6443}],to:[{ipBlock:{cidr:198.51.100.1/32}}]}",
			"gke":    "to {[{protocol:TCP,port:6443}],to:[{ipBlock:{cidr:198.51.100.1/32}}]}",
		}, nil},
		"B1.14 the API server in the subnet of the pods": {cloud, []generator.Edge{to(group(generator.APIServerPeer), tcp(6443))}, map[string]string{
			"aws-vpc-cni": "to {[{protocol:TCP,port:6443}],to:[{ipBlock:{cidr:192.0.2.1/32}}]}",
		}, nil},
		"B1.9 the cache of name servers on the node": {cache, []generator.Edge{to(group(generator.DNSPeer), generator.Port{})}, map[string]string{
			"calico": "to {[{protocol:UDP,port:53}],to:[{podSelector:{{k8s-app:kube-dns}},namespaceSelector:{{name:kube-system}}},{ipBlock:{cidr:169.254.20.10/32}}]}",
			"gke":    "to {[{protocol:UDP,port:53}],to:[{podSelector:{{k8s-app:kube-dns}},namespaceSelector:{{name:kube-system}}},{ipBlock:{cidr:169.254.20.10/32}}]}",
			"cilium": "",
		}, map[string]string{"cilium": "CiliumLocalRedirectPolicy"}},
		"B1.7 SCTP": {nil, []generator.Edge{to(db, generator.NumberedPort(generator.SCTP, 80)), to(db, tcp(80))}, map[string]string{
			"calico": "to {[{protocol:TCP,port:80},{protocol:SCTP,port:80}],to:[{podSelector:{{app:db}}}]}",
			"cilium": "to {" + tcp80 + ",to:[{podSelector:{{app:db}}}]}",
			"gke":    "to {" + tcp80 + ",to:[{podSelector:{{app:db}}}]}",
		}, map[string]string{"cilium": "unless it is enabled", "gke": "Dataplane V2 on Ubuntu"}},
		"B1.7 and B1.6 a range of ports": {nil, []generator.Edge{to(db, generator.Port{Protocol: generator.TCP, First: 80, Last: 82})}, map[string]string{
			"generic":     "to {[{protocol:TCP,port:80,endPort:82}],to:[{podSelector:{{app:db}}}]}",
			"aws-vpc-cni": "to {[{protocol:TCP,port:80},{protocol:TCP,port:81},{protocol:TCP,port:82}],to:[{podSelector:{{app:db}}}]}",
			"gke":         "to {[{protocol:TCP,port:80},{protocol:TCP,port:81},{protocol:TCP,port:82}],to:[{podSelector:{{app:db}}}]}",
		}, nil},
		"B1.7 a long range of ports": {nil, []generator.Edge{to(db, generator.Port{Protocol: generator.TCP, First: 8000, Last: 9000}), to(db, generator.EveryPort(generator.UDP))}, map[string]string{
			"aws-vpc-cni": "to {[{protocol:TCP,port:8000,endPort:9000},{protocol:UDP}],to:[{podSelector:{{app:db}}}]}",
			"gke":         "to {[{protocol:UDP}],to:[{podSelector:{{app:db}}}]}",
		}, map[string]string{"gke": "one by one"}},
		"B1.6 and B2.13 a name of several ports": {nil, []generator.Edge{to(db, generator.NamedPort(generator.UDP, "dns")), to(db, generator.NamedPort(generator.TCP, "sql"))}, map[string]string{
			"calico": "to {[{protocol:TCP,port:sql},{protocol:UDP,port:dns}],to:[{podSelector:{{app:db}}}]}",
			"cilium": "to {[{protocol:TCP,port:sql}],to:[{podSelector:{{app:db}}}]}",
		}, map[string]string{"cilium": "several ports named dns"}},
		"B1.6 and B1.24 more than 24 ports for one pod": {nil, many, nil, map[string]string{"aws-vpc-cni": "25 different ports for one address"}},
		"B1.17 an address of another family than the pods'": {nil, []generator.Edge{to(cidr("2001:db8::/32"), tcp(80)), to(cidr("198.51.100.0/24"), tcp(80))}, map[string]string{
			"aws-vpc-cni": "to {" + tcp80 + ",to:[{ipBlock:{cidr:198.51.100.0/24}}]}",
			"calico":      "to {" + tcp80 + ",to:[{ipBlock:{cidr:198.51.100.0/24}},{ipBlock:{cidr:2001:db8::/32}}]}",
		}, map[string]string{"aws-vpc-cni": "the other family"}},
		"B1.16 an exception of one block inside another": {func(e *generator.Environment) {
			e.Private, e.Metadata = prefixes("64.0.0.0/2", "128.0.0.0/1", "8000::/1"), nil
		}, []generator.Edge{
			to(group(generator.ExternalPeer), tcp(80)), to(cidr("64.0.0.0/1"), tcp(81)),
		}, map[string]string{
			"calico":      "to {[{protocol:TCP,port:81}],to:[{ipBlock:{cidr:0.0.0.0/1,except:[10.244.0.0/16]}}]}\nto {" + tcp80 + ",to:[{ipBlock:{cidr:0.0.0.0/0,except:[10.244.0.0/16,64.0.0.0/2,128.0.0.0/1]}},{ipBlock:{cidr:::/0,except:[8000::/1]}}]}",
			"aws-vpc-cni": "to {[{protocol:TCP,port:81}],to:[{ipBlock:{cidr:0.0.0.0/1,except:[10.244.0.0/16]}}]}\nto {" + tcp80 + ",to:[" + pieces + ",{ipBlock:{cidr:::/0,except:[8000::/1]}}]}",
		}, nil},
		"B1.13 every pod of the own namespace, and one on its node": {nil, []generator.Edge{to(generator.NamespacePeerOf("shop"), tcp(80))}, map[string]string{
			"generic":        "to {" + tcp80 + ",to:[{podSelector:{}}]}",
			"ovn-kubernetes": "to {" + tcp80 + ",to:[{namespaceSelector:{{name:shop}}}]}",
		}, nil},
		"B1.12 and B1.13 nodes connect to pods": {nil, []generator.Edge{from(group(generator.NodePeer), tcp(80))}, map[string]string{
			"generic":     "from {" + tcp80 + ",from:[{ipBlock:{cidr:192.0.2.1/32}},{ipBlock:{cidr:192.0.2.2/32}}]}",
			"aws-vpc-cni": "from {" + tcp80 + ",from:[{ipBlock:{cidr:192.0.2.1/32}},{ipBlock:{cidr:192.0.2.2/32}}]}",
		}, map[string]string{"ovn-kubernetes": "ovn-k8s-mp0", "cilium": "no block of addresses holds a node"}},
		"B1.13 nodes with their management ports connect to pods": {func(e *generator.Environment) {
			e.Nodes.Addresses = prefixes("10.244.1.2/32", "192.0.2.1/32")
		}, []generator.Edge{from(group(generator.NodePeer), tcp(80))}, map[string]string{
			"ovn-kubernetes": "from {" + tcp80 + ",from:[{ipBlock:{cidr:10.244.1.2/32}},{ipBlock:{cidr:192.0.2.1/32}}]}",
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for e, want := range tc.emits {
				got, refused := rules(t, e, shop(t, tc.change, slices.Clone(tc.edges)...))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: %s", e, diff)
				}
				if tc.refuses[e] == "" && refused != "" {
					t.Errorf("%s refuses %s", e, refused)
				}
			}
			for e, reason := range tc.refuses {
				if _, got := rules(t, e, shop(t, tc.change, slices.Clone(tc.edges)...)); !strings.Contains(got, reason) {
					t.Errorf("%s: no word of %q: %s", e, reason, got)
				}
			}
		})
	}
}
