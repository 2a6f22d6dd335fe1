// SPDX-License-Identifier: Apache-2.0

package intents_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/intents"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/plan"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// asking makes nine workloads in three namespaces, each with a Service, that ask for
// connections at random. wide adds those with every pod of the cluster.
func asking(t *testing.T, r *rand.Rand, wide bool) generator.Input {
	t.Helper()
	namespaces := []string{"a", "b", "c"}
	one := func(list ...string) string { return list[r.IntN(len(list))] }
	end := func() string {
		ns := one(namespaces...)
		if wide && r.IntN(8) == 0 {
			return "cluster"
		}
		return one(ns+"/w"+one("0", "1", "2"), ns+"/w"+one("0", "1", "2"), "service/"+ns+"/w"+one("0", "1", "2"), "namespace/"+ns, "gateway", "world", "192.0.2.128/25")
	}
	var text []string
	for _, ns := range namespaces {
		for i := range 3 {
			var from, to []string
			for range r.IntN(4) {
				port := one("80", "http", "79-81", "9000", "any", "udp/80")
				from = append(from, end()+":"+port)
				to = append(to, end()+":"+one(port, "80"))
			}
			quoted := func(list []string) string { return fmt.Sprintf("%q", strings.Join(list, ",")) }
			text = append(text, fmt.Sprintf(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: w%d, namespace: %s, annotations: {gatehouse.sh/allow-from: %s, gatehouse.sh/allow-to: %s}}, spec: {selector: {matchLabels: {app: w%d}}, template: {metadata: {labels: {app: w%d}}, spec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 80}, {name: more, containerPort: 9000}]}]}}}}`,
				i, ns, quoted(from), quoted(to), i, i),
				fmt.Sprintf(`{apiVersion: v1, kind: Service, metadata: {name: w%d, namespace: %s}, spec: {selector: {app: w%d}, ports: [{name: http, port: 80, targetPort: http}, {name: more, port: 9000}]}}`, i, ns, i))
		}
	}
	inv := inventory.New(decode(t, strings.Join(text, "\n---\n"))...)
	u, err := generator.Observe(inv)
	if err != nil {
		t.Fatal(err)
	}
	in := generator.Input{Inventory: inv, Universe: u, Environment: environment(), Guards: map[string]generator.Guard{}}
	in.Environment.Gateway.Pods = []generator.PodSet{{Namespace: one("a", "edge"), Labels: map[string]string{"app": "w0"}}}
	for _, ns := range namespaces {
		if r.IntN(4) > 0 {
			in.Guards[ns] = generator.Guard{Ingress: r.IntN(4) > 0, Egress: r.IntN(4) > 0}
		}
	}
	return in
}

// TestNobodyOpensOthers: every edge on which several guarded namespaces agree has
// the word of each of them that it opens.
func TestNobodyOpensOthers(t *testing.T) {
	t.Parallel()
	edges := 0
	for seed := range uint64(60) {
		in := asking(t, rand.New(rand.NewPCG(seed, 1)), true)
		found := intents.Read(in.Inventory, in.Universe, &in.Environment, intents.Options{})
		agreed, _ := found.Agreed(in, nil)
		for _, e := range agreed {
			edges++
			for namespace, guard := range in.Guards {
				holds := func(p generator.Peer) bool {
					group, _ := in.Environment.Group(p.Kind)
					return p.Namespace == namespace || p.Kind == generator.ClusterPeer || slices.ContainsFunc(group.Pods, func(s generator.PodSet) bool { return s.Namespace == namespace })
				}
				opened := guard.Egress && holds(e.From) || guard.Ingress && holds(e.To)
				said := slices.ContainsFunc(e.Because, func(w generator.Evidence) bool { return w.Object.Namespace == namespace })
				if opened && !said {
					t.Fatalf("seed %d: %s opens %s by the word of %v", seed, e, namespace, e.Because)
				}
			}
		}
	}
	if edges < 500 {
		t.Errorf("%d edges", edges)
	}
}

// TestAgreementIsWhatEachWouldAllow: one model of several namespaces wants what comes of
// a model for each, whose policies meet in the cluster. That is another way to the
// same answer.
func TestAgreementIsWhatEachWouldAllow(t *testing.T) {
	t.Parallel()
	guarded := 0
	for seed := range uint64(40) {
		wide := seed%4 == 0 // pods of namespaces that nobody named cannot be said beside those that were asked
		in := asking(t, rand.New(rand.NewPCG(seed, 2)), wide)
		found := intents.Read(in.Inventory, in.Universe, &in.Environment, intents.Options{})
		var policies []verify.Policy
		for namespace, guard := range in.Guards {
			own := in
			own.Guards, own.Edges = map[string]generator.Guard{namespace: guard}, found.For(namespace, nil)
			m, _ := generator.Build(own)
			p, err := plan.Make(m, netpol.Dialect(netpol.RenderOptions{}), plan.Options{})
			if err != nil {
				t.Fatal(err)
			}
			policies = append(policies, p.Policies...)
			guarded++
		}
		in.Edges, _ = found.Agreed(in, nil)
		m, _ := generator.Build(in)
		report, err := verify.Compare(policies, m, verify.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range report.Missing {
			t.Errorf("seed %d: they agree, and each for itself refuses %s", seed, d)
		}
		for _, d := range report.Extra {
			if wide {
				continue
			}
			t.Errorf("seed %d: each for itself allows, and they do not agree on %s", seed, d)
		}
		if t.Failed() {
			return
		}
	}
	if guarded < 60 {
		t.Errorf("%d guarded namespaces", guarded)
	}
}
