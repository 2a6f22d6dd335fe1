// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/selector"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// peer reads "web" (a Deployment of namespace a), "b/web", "ns:a", "cluster",
// "10.0.0.0/8", "api.example.com", ".dns" for a domain of one label, "dns",
// "gateway", "external".
func peer(text string) generator.Peer {
	for k := generator.ExternalPeer; k <= generator.MonitoringPeer; k++ {
		if k.String() == text {
			return generator.Peer{Kind: k}
		}
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		return generator.CIDRPeerOf(p)
	}
	if namespace, ok := strings.CutPrefix(text, "ns:"); ok {
		return generator.NamespacePeerOf(namespace)
	}
	if text == "cluster" {
		return generator.Peer{Kind: generator.ClusterPeer}
	}
	if strings.Contains(text, ".") {
		return generator.FQDNPeerOf(strings.TrimPrefix(text, "."))
	}
	return generator.WorkloadPeerOf(id(text))
}

func id(text string) generator.WorkloadID {
	namespace, name, ok := strings.Cut(text, "/")
	if !ok {
		namespace, name = "a", text
	}
	return generator.WorkloadID{Namespace: namespace, Kind: "Deployment", Name: name}
}

// model reads workloads ("web", "b/web app=web"; without labels app is the name;
// "host" in front for the network of the node) and edges ("web>db 80,http,1-9/UDP").
// Namespaces a and b are guarded, c is not.
func model(t *testing.T, workloads, edges []string) *generator.Model {
	t.Helper()
	var list []*generator.Workload
	for _, text := range workloads {
		f := strings.Fields(text)
		w := &generator.Workload{HostNetwork: f[0] == "host"}
		if w.HostNetwork {
			f = f[1:]
		}
		w.ID = id(f[0])
		w.Labels = map[string]string{"app": w.ID.Name}
		if len(f) > 1 {
			w.Labels = map[string]string{}
		}
		for _, pair := range f[1:] {
			key, value, _ := strings.Cut(pair, "=")
			w.Labels[key] = value
		}
		list = append(list, w)
	}
	u, err := generator.NewUniverse(list, nil)
	if err != nil {
		t.Fatal(err)
	}
	env := generator.NewEnvironment()
	env.DNS = generator.Group{Pods: []generator.PodSet{{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}}}, Addresses: []netip.Prefix{netip.MustParsePrefix("169.254.20.10/32")}}
	env.Gateway = generator.Group{Pods: []generator.PodSet{{Namespace: "b", Labels: map[string]string{"gw": "yes"}}}}
	env.APIServer = generator.Group{Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}}
	m := &generator.Model{Universe: u, Environment: env, Guards: map[string]generator.Guard{"a": {Ingress: true, Egress: true}, "b": {Ingress: true, Egress: true}, "c": {}}}
	for i, text := range edges {
		ends, list, _ := strings.Cut(text, " ")
		from, to, _ := strings.Cut(ends, ">")
		for p := range strings.SplitSeq(list, ",") {
			m.Edges = append(m.Edges, generator.Edge{From: peer(from), To: peer(to), Port: port(t, p), Because: []generator.Evidence{{Source: generator.Intent, Where: fmt.Sprintf("edge %d", i)}}})
		}
	}
	slices.SortFunc(m.Edges, generator.Edge.Compare)
	return m
}

func port(t *testing.T, text string) generator.Port {
	t.Helper()
	number, word, _ := strings.Cut(text, "/")
	protocol, err := generator.ParseProtocol(word)
	if err != nil {
		t.Fatal(err)
	}
	p := generator.Port{Protocol: protocol}
	if n, _ := fmt.Sscanf(number, "%d-%d", &p.First, &p.Last); n == 0 {
		p.Name = number
	} else if n == 1 {
		p.Last = p.First
	}
	return p
}

// lines writes a plan, one rule a line, without the denials.
func lines(list []Policy) []string {
	var out []string
	for _, p := range list {
		for _, r := range p.Rules {
			var peers, ports, why []string
			for _, q := range r.Peers {
				switch {
				case q.IsBlock():
					peers = append(peers, q.Block.Prefix.String())
				case q.IsName():
					peers = append(peers, q.Name)
				case q.Kind == generator.ClusterPeer:
					peers = append(peers, "cluster")
				default:
					peers = append(peers, strings.Join(q.Namespaces, "+")+"{"+selectorText(&q.Pods)+"}")
				}
			}
			for _, q := range r.Ports {
				ports = append(ports, q.String())
			}
			for _, e := range r.Because() {
				why = append(why, strings.TrimPrefix(e.Where, "edge "))
			}
			out = append(out, fmt.Sprintf("%s/%s {%s} %s %s %s #%s", p.Namespace, strings.TrimPrefix(p.Name, DefaultPrefix), selectorText(&p.Subject), p.Direction, strings.Join(peers, " "), strings.Join(ports, ","), strings.Join(why, ",")))
		}
	}
	return out
}

func TestCompact(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		workloads, edges, want []string
		problems               []string // part of each
	}{
		"B1.1 an edge is two rules": {
			[]string{"web", "db"},
			[]string{"web>db 80"},
			[]string{"a/deployment-db-ingress {app=db} ingress a{app=web} TCP/80 #0", "a/deployment-web-egress {app=web} egress a{app=db} TCP/80 #0"},
			nil,
		},
		"B1.1 only guarded ends have rules": {
			[]string{"web", "c/db"},
			[]string{"web>c/db 80", "c/db>cluster 90"},
			[]string{"a/deployment-web-egress {app=web} egress c{app=db} TCP/80 #0", "a/namespace-ingress {} ingress c{app=db} TCP/90 #1", "b/namespace-ingress {} ingress c{app=db} TCP/90 #1"},
			nil,
		},
		"ports and names of one peer": {
			[]string{"web", "c/db"},
			[]string{"web>c/db 81,80,http,1-9/UDP"},
			[]string{"a/deployment-web-egress {app=web} egress c{app=db} TCP/80-81,UDP/1-9,TCP/http #0"},
			nil,
		},
		"peers on the same ports": {
			[]string{"web", "c/x", "c/y", "b/x", "c/z"},
			[]string{"web>c/x 80", "web>c/y 80", "web>c/z 81"},
			[]string{"a/deployment-web-egress {app=web} egress c{app In (x,y)} TCP/80 #0,1", "a/deployment-web-egress {app=web} egress c{app=z} TCP/81 #2"},
			nil,
		},
		"the same peers in two namespaces": {
			[]string{"web", "c/x", "d/x"},
			[]string{"web>c/x 80", "web>d/x 80"},
			[]string{"a/deployment-web-egress {app=web} egress c+d{app=x} TCP/80 #0,1"},
			nil,
		},
		"subjects that need the same": {
			[]string{"x", "y", "z", "v", "w"},
			[]string{"x>1.2.3.0/24 80", "y>1.2.3.0/24 80", "z>1.2.3.0/24 81", "v>1.2.4.0/24 1", "w>1.2.5.0/24 1"},
			[]string{
				"a/deployment-v-egress {app=v} egress 1.2.4.0/24 TCP/1 #3", "a/deployment-w-egress {app=w} egress 1.2.5.0/24 TCP/1 #4",
				"a/deployment-x-and-1-more-egress {app In (x,y)} egress 1.2.3.0/24 TCP/80 #0,1", "a/deployment-z-egress {app=z} egress 1.2.3.0/24 TCP/81 #2",
			},
			nil,
		},
		"B1.9 what most need is written once, a cache on the node included": {
			[]string{"x", "y", "z", "c/o"},
			[]string{"x>dns 53/UDP", "y>dns 53/UDP", "z>dns 53/UDP", "z>c/o 1"},
			[]string{
				"a/common-dns-egress {app In (x,y,z)} egress kube-system{k8s-app=kube-dns} 169.254.20.10/32 UDP/53 #0,1,2",
				"a/deployment-z-egress {app=z} egress c{app=o} TCP/1 #3",
			},
			nil,
		},
		"a wider rule is enough, and keeps the reasons": {
			[]string{"x", "c/y"},
			[]string{"x>c/y 80", "x>ns:c 1-90", "ns:a>cluster 80-81", "c/y>x 1", "x>10.1.0.0/16 5", "x>10.0.0.0/8 5"},
			[]string{
				"a/deployment-x-egress {app=x} egress c{} TCP/1-90 #0,1", "a/deployment-x-egress {app=x} egress 10.0.0.0/8 TCP/5 #4,5",
				"a/deployment-x-ingress {app=x} ingress c{app=y} TCP/1 #3",
				"a/namespace-egress {} egress cluster TCP/80-81 #0,2", "a/namespace-ingress {} ingress a{} TCP/80-81 #2", "b/namespace-ingress {} ingress a{} TCP/80-81 #2",
			},
			nil,
		},
		"a name is in every port": {
			[]string{"x", "c/y"},
			[]string{"x>c/y http", "x>ns:c 1-65535"},
			[]string{"a/deployment-x-egress {app=x} egress c{} TCP #0,1"},
			nil,
		},
		"groups are pods of their own": {
			[]string{"x", "b/g app=g gw=yes"},
			[]string{"gateway>x 80"},
			[]string{"a/deployment-x-ingress {app=x} ingress b{gw=yes} TCP/80 #0", "b/gateway-pods-egress {gw=yes} egress a{app=x} TCP/80 #0"},
			nil,
		},
		"a group of which nothing is known": {[]string{"x"}, []string{"x>monitoring 80"}, nil, []string{"is not known"}},
		"B1.13 a group on the network of its nodes": {
			[]string{"x", "host b/g gw=yes"}, []string{"gateway>x 80"}, nil, []string{"on the network of their nodes"},
		},
		"B1.6 no address has a named port": {[]string{"x"}, []string{"x>10.0.0.0/8 http", "x>api-server https"}, nil, []string{"no address has a port named http", "no address has a port named https"}},
		"B1.6 a pod has its named port for addresses too": {
			[]string{"x"},
			[]string{"10.0.0.0/8>x http", "api-server>x http"},
			[]string{"a/deployment-x-ingress {app=x} ingress 10.0.0.0/8 192.0.2.1/32 TCP/http #0,1"},
			nil,
		},
		"B1.13 pods on the node's network are not selected": {
			[]string{"x", "host c/y"}, []string{"x>c/y 80"}, nil, []string{"on the network of its node"},
		},
		"no labels to select by": {[]string{"x", "c/y version=1"}, []string{"x>c/y 80", "x>ns:c 81"}, []string{"a/deployment-x-egress {app=x} egress c{} TCP/81 #1"}, []string{"no label"}},
		"B1.19 only labels of a release": {
			[]string{"x", "c/y version=1 pod-template-hash=5d4f"},
			[]string{"x>c/y 80"},
			nil,
			[]string{"no label that a policy can select by (others change from one pod or release to the next: pod-template-hash, version)"},
		},
		"B1.19 a label of a release tells two apart": {
			[]string{"x app=w version=1", "y app=w version=2", "c/o"},
			[]string{"x>c/o 80"},
			nil,
			[]string{"Deployment a/x, Deployment a/y have the same labels (others change from one pod or release to the next: version)"},
		},
		"B1.19 a value of one release tells two apart": {
			[]string{"x app=w build=1.2.3", "y app=w build=1.2.4", "c/o"},
			[]string{"x>c/o 80"},
			[]string{"a/deployment-x-egress {build=1.2.3} egress c{app=o} TCP/80 #0"},
			[]string{"Deployment a/x: policies select its pods by the label build=1.2.3"},
		},
		"B1.19 a value of one release in a peer": {
			[]string{"x", "c/y day=20261122", "c/z day=20261123"},
			[]string{"x>c/y 80", "x>c/z 80"},
			[]string{"a/deployment-x-egress {app=x} egress c{day In (20261122,20261123)} TCP/80 #0,1"},
			[]string{"Deployment c/y: policies select its pods by the label day=20261122", "Deployment c/z: policies select its pods by the label day=20261123"},
		},
		"B1.19 another label is better than a value of one release": {
			[]string{"x app=w build=1.2.3 part=a", "y app=w build=1.2.4 part=b", "c/o"},
			[]string{"x>c/o 80"},
			[]string{"a/deployment-x-egress {part=a} egress c{app=o} TCP/80 #0"},
			nil,
		},
		"the same labels, the same needs": {
			[]string{"x app=x", "y app=x", "c/o"},
			[]string{"x>c/o 80", "y>c/o 80"},
			[]string{"a/deployment-x-and-1-more-egress {app=x} egress c{app=o} TCP/80 #0,1"},
			nil,
		},
		"B1.20 the same labels, other needs": {
			[]string{"x app=x", "y app=x", "c/o"},
			[]string{"x>c/o 80-81", "y>c/o 80"},
			[]string{"a/deployment-x-and-1-more-egress {app=x} egress c{app=o} TCP/80 #1"},
			[]string{"Deployment a/x, Deployment a/y have the same labels"},
		},
		"the same labels at both ends": {
			[]string{"x app=x", "y app=x"},
			[]string{"x>x 80", "x>y 80", "y>x 80"},
			nil,
			[]string{"same labels", "same labels", "same labels"},
		},
		"B1.11 replicas of one workload": {
			[]string{"x"},
			[]string{"x>x 80"},
			[]string{"a/deployment-x-egress {app=x} egress a{app=x} TCP/80 #0", "a/deployment-x-ingress {app=x} ingress a{app=x} TCP/80 #0"},
			nil,
		},
		"a name that no port can have": {[]string{"x", "c/y"}, []string{"x>c/y x_y", "x>c/y 80"}, []string{"a/deployment-x-egress {app=x} egress c{app=y} TCP/80 #1"}, []string{"port name"}},
		"a domain that is called like a group": {
			[]string{"x", "y"}, []string{"x>dns 53", "y>.dns 53"}, []string{
				"a/deployment-x-egress {app=x} egress kube-system{k8s-app=kube-dns} 169.254.20.10/32 TCP/53 #0", "a/deployment-y-egress {app=y} egress dns TCP/53 #1",
			}, nil,
		},
		"a domain name": {[]string{"x"}, []string{"x>api.example.com 443"}, []string{"a/deployment-x-egress {app=x} egress api.example.com TCP/443 #0"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := model(t, tc.workloads, tc.edges)
			plan, problems := Compact(m, Options{})
			if diff := cmp.Diff(tc.want, lines(plan.Allows)); diff != "" {
				t.Error(diff)
			}
			if len(problems) != len(tc.problems) {
				t.Fatalf("problems: %v", problems)
			}
			for i, p := range problems {
				if !strings.Contains(p.String(), tc.problems[i]) {
					t.Errorf("%s: not about %q", p, tc.problems[i])
				}
			}
		})
	}
}

// TestDenies: they are apart from what allows, and after it (B1.27).
func TestDenies(t *testing.T) {
	t.Parallel()
	m := model(t, []string{"web", "db"}, []string{"web>db 80"})
	m.Guards["b"] = generator.Guard{Egress: true}
	plan, _ := Compact(m, Options{Prefix: "p-"})
	var got []string
	for _, p := range plan.Denies {
		if len(p.Rules) > 0 || selectorText(&p.Subject) != "" {
			t.Errorf("%s allows something, or not everybody is denied", p.Name)
		}
		got = append(got, p.Namespace+"/"+p.Name+" "+p.Direction.String())
	}
	if diff := cmp.Diff([]string{"a/p-default-deny-egress egress", "a/p-default-deny-ingress ingress", "b/p-default-deny-egress egress"}, got); diff != "" {
		t.Error(diff)
	}
	if n := len(plan.Allows); n != 2 || len(plan.Policies()) != 5 || len(plan.Policies()[0].Rules) == 0 {
		t.Errorf("%d policies allow, and they are not before those that deny", n)
	}
}

// TestGuardedNameServersAcceptWhoAsks: B1.9. A guard of their own namespace must
// not close them.
func TestGuardedNameServersAcceptWhoAsks(t *testing.T) {
	t.Parallel()
	m := model(t, []string{"x", "c/y"}, []string{"ns:a>dns 53/UDP", "c/y>dns 53/UDP"})
	m.Guards["kube-system"] = generator.Guard{Ingress: true, Egress: true}
	plan, problems := Compact(m, Options{})
	want := []string{"a/namespace-egress {} egress kube-system{k8s-app=kube-dns} 169.254.20.10/32 UDP/53 #0", "kube-system/dns-pods-ingress {k8s-app=kube-dns} ingress c{app=y} a{} UDP/53 #0,1"}
	if diff := cmp.Diff(want, lines(plan.Allows)); diff != "" || len(problems) > 0 {
		t.Error(diff, problems)
	}
}

func TestVisibleLabels(t *testing.T) {
	t.Parallel()
	m := model(t, []string{"web app=web team=x", "db app=db team=y"}, []string{"web>db 80", "web>dns 53/UDP"})
	plan, problems := Compact(m, Options{Selectors: selector.Options{Visible: func(key string) bool { return key == "team" }}})
	want := []string{"a/deployment-db-ingress {team=y} ingress a{team=x} TCP/80 #0", "a/deployment-web-egress {team=x} egress a{team=y} TCP/80 #0"}
	if diff := cmp.Diff(want, lines(plan.Allows)); diff != "" {
		t.Error(diff)
	}
	if len(problems) != 1 || !strings.Contains(problems[0].What, "k8s-app") {
		t.Errorf("%v: the enforcer does not see the label of the name servers", problems)
	}
	// B2.6: what is not seen is named where it would have told workloads apart.
	for text, want := range map[string]string{
		"web app=web":        "Deployment a/web: its pods carry no label that a policy can select by (others make no identity, and the enforcer does not see them: app)",
		"web app=web team=y": "Deployment a/db, Deployment a/web have the same labels (others make no identity, and the enforcer does not see them: app)",
	} {
		m := model(t, []string{text, "db app=db team=y"}, []string{"web>10.0.0.0/8 80"})
		_, problems := Compact(m, Options{Selectors: selector.Options{Visible: func(key string) bool { return key == "team" }}})
		if len(problems) != 1 || !strings.Contains(problems[0].What, want) {
			t.Errorf("%s: %v, not %q", text, problems, want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 252)
	seen := map[string]string{}
	for _, text := range []string{"web-ingress", "WEB_ingress", "web.ingress", long, long + "a", long + "b", "ü", "-", "a.-b"} {
		name := Name(DefaultPrefix + text)
		if again := Name(DefaultPrefix + text); again != name {
			t.Errorf("%s and %s", name, again)
		}
		if other, twice := seen[name]; twice {
			t.Errorf("%q and %q are both %s", text, other, name)
		}
		seen[name] = text
		if !strings.HasPrefix(name, DefaultPrefix[:9]) || len(name) > 253 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
			t.Errorf("%q: %s", text, name)
		}
	}
	// A Deployment and a custom resource whose kinds differ in case alone.
	m := model(t, []string{"web", "b/db"}, []string{"web>b/db 80"})
	other := &generator.Workload{ID: generator.WorkloadID{Namespace: "a", Kind: "deployment", Name: "web"}, Labels: map[string]string{"app": "other"}}
	u, err := generator.NewUniverse(append(slices.Clone(m.Universe.Workloads()), other), nil)
	if err != nil {
		t.Fatal(err)
	}
	m.Universe = u
	m.Edges = append(m.Edges, generator.Edge{From: generator.WorkloadPeerOf(other.ID), To: peer("10.0.0.0/8"), Port: port(t, "80"), Because: m.Edges[0].Because})
	plan, problems := Compact(m, Options{})
	names := map[string]bool{}
	for _, p := range plan.Policies() {
		names[p.Namespace+"/"+p.Name] = true
	}
	if len(problems) > 0 || len(names) != len(plan.Policies()) {
		t.Errorf("%v: %v", problems, slices.Sorted(maps.Keys(names)))
	}
}

// TestAGroupThatNamesPodsTwice makes one policy for them.
func TestAGroupThatNamesPodsTwice(t *testing.T) {
	t.Parallel()
	u, err := generator.NewUniverse(nil, map[string]map[string]string{"dns": nil})
	if err != nil {
		t.Fatal(err)
	}
	env := generator.NewEnvironment()
	pods := generator.PodSet{Namespace: "dns", Labels: map[string]string{"k8s-app": "dns"}}
	env.DNS = generator.Group{Pods: []generator.PodSet{pods, pods}, Ports: []generator.Port{generator.NumberedPort(generator.UDP, 53)}}
	m, problems := generator.Build(generator.Input{
		Inventory: inventory.New(), Universe: u, Environment: env, Guards: map[string]generator.Guard{"dns": {Ingress: true}},
		Edges: []generator.Edge{{From: generator.Peer{Kind: generator.ClusterPeer}, To: generator.Peer{Kind: generator.DNSPeer}, Because: []generator.Evidence{{Source: generator.Intent}}}},
	})
	plan, more := Compact(m, Options{})
	if len(problems)+len(more) > 0 || len(plan.Allows) != 1 {
		t.Errorf("%d policies, want 1; %v %v", len(plan.Allows), problems, more)
	}
}
