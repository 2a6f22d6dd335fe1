// SPDX-License-Identifier: Apache-2.0

package netpol_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// large is the input of a cluster with so many workloads in so many namespaces,
// each of which calls five others, three of ten in another namespace, and the
// name servers.
func large(b *testing.B, workloads, namespaces int) generator.Input {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 4))
	in := generator.Input{Inventory: inventory.New(), Environment: generator.NewEnvironment(), Guards: map[string]generator.Guard{}}
	in.Environment.DNS = generator.Group{
		Pods:  []generator.PodSet{{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}}},
		Ports: []generator.Port{generator.NumberedPort(generator.TCP, 53), generator.NumberedPort(generator.UDP, 53)},
	}
	list := make([]*generator.Workload, workloads)
	for i := range list {
		name, namespace := fmt.Sprintf("w%d", i), fmt.Sprintf("n%d", i%namespaces)
		in.Guards[namespace] = generator.Guard{Ingress: true, Egress: true}
		list[i] = &generator.Workload{
			ID:       generator.WorkloadID{Namespace: namespace, Kind: "Deployment", Name: name},
			Labels:   map[string]string{"app": name, "app.kubernetes.io/part-of": namespace, "version": "1", "tier": fmt.Sprintf("t%d", i%3)},
			Selector: map[string]string{"app": name},
		}
	}
	u, err := generator.NewUniverse(list, nil)
	if err != nil {
		b.Fatal(err)
	}
	in.Universe = u
	for i, w := range list {
		from := generator.WorkloadPeerOf(w.ID)
		add := func(to generator.Peer, p generator.Port) {
			in.Edges = append(in.Edges, generator.Edge{From: from, To: to, Port: p, Because: []generator.Evidence{{Source: generator.Manifest, Where: "app.yaml:" + w.ID.Name, What: "env PEER_ADDR of container server"}}})
		}
		add(generator.Peer{Kind: generator.DNSPeer}, generator.Port{})
		for range 5 {
			to := (i + namespaces*r.IntN(workloads/namespaces)) % workloads
			if r.IntN(10) < 3 {
				to = r.IntN(workloads)
			}
			add(generator.WorkloadPeerOf(list[to].ID), generator.NumberedPort(generator.TCP, uint16(8080+r.IntN(3))))
		}
	}
	return in
}

// BenchmarkGenerate is evidence to NetworkPolicies: at most 0.5 s of processor
// time for 1,000 workloads and 5,000 edges, and linear beyond.
func BenchmarkGenerate(b *testing.B) {
	for _, c := range []struct{ workloads, namespaces int }{{1000, 50}, {10000, 500}, {10000, 1}} {
		b.Run(fmt.Sprintf("%d-workloads-in-%d-namespaces", c.workloads, c.namespaces), func(b *testing.B) {
			in := large(b, c.workloads, c.namespaces)
			b.ReportAllocs()
			policies, edges := 0, 0
			for b.Loop() {
				m, problems := generator.Build(in)
				plan, lost := compact.Compact(m, compact.Options{})
				list, refused := netpol.Render(plan.Policies(), netpol.RenderOptions{})
				if len(problems)+len(lost)+len(refused) > 0 {
					b.Fatal(problems, lost, refused)
				}
				policies, edges = len(list), len(m.Edges)
			}
			b.ReportMetric(float64(policies), "policies")
			b.ReportMetric(float64(edges), "edges")
		})
	}
}

// BenchmarkProve is the proof of such a plan: at most 30 s for 10,000 workloads.
func BenchmarkProve(b *testing.B) {
	for _, c := range []struct{ workloads, namespaces int }{{1000, 50}, {10000, 500}} {
		b.Run(fmt.Sprintf("%d-workloads-in-%d-namespaces", c.workloads, c.namespaces), func(b *testing.B) {
			m, _ := generator.Build(large(b, c.workloads, c.namespaces))
			plan, _ := compact.Compact(m, compact.Options{})
			list, _ := netpol.Render(plan.Policies(), netpol.RenderOptions{})
			b.ReportAllocs()
			for b.Loop() {
				read, err := netpol.Read(list)
				if err != nil {
					b.Fatal(err)
				}
				report, err := verify.Compare(read, m, verify.Options{})
				if err != nil || !report.Exact() {
					b.Fatal(err, len(report.Missing), len(report.Extra))
				}
			}
		})
	}
}
