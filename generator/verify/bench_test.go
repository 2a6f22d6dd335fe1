// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"runtime"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// estate is a cluster of n workloads in namespaces of twenty, each of which opens
// four connections to others and one to the name servers; 30 % of the calls leave
// the namespace. The policies are what a generator makes of it: default-deny for
// every namespace, and one policy for each workload.
func estate(t testing.TB, n int) (*generator.Model, []Policy) {
	t.Helper()
	d := newDice(uint64(n))
	id := func(i int) generator.WorkloadID {
		return generator.WorkloadID{Namespace: fmt.Sprintf("team-%d", i/20), Kind: "Deployment", Name: fmt.Sprintf("app-%d", i)}
	}
	list := make([]*generator.Workload, n, n+1)
	guards := map[string]generator.Guard{}
	for i := range list {
		list[i] = &generator.Workload{
			ID: id(i), Labels: map[string]string{"app": id(i).Name, "team": id(i).Namespace},
			Ports: []generator.ContainerPort{{Name: "http", Protocol: generator.TCP, Number: uint16(8000 + i%50)}},
		}
		guards[id(i).Namespace] = generator.Guard{Ingress: true, Egress: true}
	}
	dns := generator.PodSet{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}}
	list = append(list, &generator.Workload{ID: generator.WorkloadID{Namespace: "kube-system", Kind: "Deployment", Name: "coredns"}, Labels: dns.Labels})
	u, err := generator.NewUniverse(list, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := &generator.Model{Universe: u, Environment: generator.NewEnvironment(), Guards: guards}
	m.Environment.DNS = generator.Group{Pods: []generator.PodSet{dns}}
	policies := make([]Policy, n, n+n/20+1)
	in := func(namespace string) labels.Selector {
		return labels.SelectorFromSet(labels.Set{corev1.LabelMetadataName: namespace})
	}
	pods := func(w *generator.Workload) Pods {
		return Pods{in(w.ID.Namespace), labels.SelectorFromSet(labels.Set{"app": w.Labels["app"]})}
	}
	both := generator.Guard{Ingress: true, Egress: true}
	port53 := generator.NumberedPort(generator.UDP, 53)
	for i := range policies {
		policies[i] = Policy{Name: "NetworkPolicy " + id(i).Namespace + "/" + id(i).Name, Tier: Normal, Subject: pods(list[i]), Isolates: both, Egress: []Rule{{
			Name: "egress[0]", Action: Accept, Peers: []Peer{{Pods: Pods{in("kube-system"), labels.SelectorFromSet(dns.Labels)}}}, Ports: []generator.Port{port53},
		}}}
		m.Edges = append(m.Edges, generator.Edge{From: generator.WorkloadPeerOf(id(i)), To: generator.Peer{Kind: generator.DNSPeer}, Port: port53})
	}
	for i := range n {
		for range 4 {
			j := i/20*20 + d.IntN(min(20, n-i/20*20))
			if d.chance(30) {
				j = d.IntN(n)
			}
			port := generator.NumberedPort(generator.TCP, list[j].Ports[0].Number)
			if j%2 == 0 {
				port = generator.NamedPort(generator.TCP, "http")
			}
			m.Edges = append(m.Edges, generator.Edge{From: generator.WorkloadPeerOf(id(i)), To: generator.WorkloadPeerOf(id(j)), Port: port})
			rule := func(w *generator.Workload) Rule {
				return Rule{Name: "rule", Action: Accept, Peers: []Peer{{Pods: pods(w)}}, Ports: []generator.Port{port}}
			}
			policies[i].Egress = append(policies[i].Egress, rule(list[j]))
			policies[j].Ingress = append(policies[j].Ingress, rule(list[i]))
		}
	}
	for i := 0; i < n; i += 20 {
		ns := id(i).Namespace
		policies = append(policies, Policy{Name: "NetworkPolicy " + ns + "/default-deny", Tier: Normal, Subject: Pods{in(ns), labels.Everything()}, Isolates: both})
	}
	return m, policies
}

func TestAnEstateIsExact(t *testing.T) {
	t.Parallel()
	m, policies := estate(t, 200)
	report, err := Compare(policies, m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range [][]Difference{report.Missing, report.Extra} {
		for _, d := range list {
			t.Error(d, d.Egress, d.Ingress)
		}
	}
	policies[3].Egress = policies[3].Egress[:2]
	for i := range policies {
		if rules := policies[i].Ingress; len(rules) > 0 {
			rules[0].Anyone, rules[0].Peers = true, nil
			break
		}
	}
	if report, err = Compare(policies, m, Options{}); err != nil || len(report.Missing) == 0 || len(report.Extra) == 0 {
		t.Errorf("%v %v: a rule less and a rule for everyone are differences", report, err)
	}
}

func BenchmarkConnectivity(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m, policies := estate(b, n)
			b.ReportAllocs()
			for b.Loop() {
				s, err := Compile(policies, m, Options{})
				if err != nil {
					b.Fatal(err)
				}
				found := 0
				for range s.Asker().Connectivity() {
					found++
				}
				b.ReportMetric(float64(found), "groups")
			}
			b.ReportMetric(peak(), "MiB-of-heap")
		})
	}
}

func BenchmarkCompare(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		for _, open := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/open=%v", n, open), func(b *testing.B) {
				m, policies := estate(b, n)
				if open {
					policies = nil
				}
				for b.Loop() {
					report, err := Compare(policies, m, Options{})
					if err != nil {
						b.Fatal(err)
					}
					if report.Exact() == open {
						b.Fatal(len(report.Missing), len(report.Extra))
					}
				}
				b.ReportMetric(peak(), "MiB-of-heap")
			})
		}
	}
}

// peak is what the heap has taken of the system, in MiB: the most that it needed.
func peak() float64 {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return float64(s.HeapSys) / (1 << 20)
}
