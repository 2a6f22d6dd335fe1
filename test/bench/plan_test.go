// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator/enforcer"
	"github.com/gatehouse-sh/gatehouse/internal/command"
	"github.com/gatehouse-sh/gatehouse/internal/network"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/bench/shape"
)

// files writes the manifests of a network into one file of a folder.
func files(tb testing.TB, n shape.Network) (folder string) {
	tb.Helper()
	var text bytes.Buffer
	for _, o := range n.Declared() {
		if o.GetNamespace() == "" {
			continue // namespaces are there by what is in them
		}
		raw, err := yaml.Marshal(o)
		if err != nil {
			tb.Fatal(err)
		}
		text.WriteString("---\n")
		text.Write(raw)
	}
	folder = tb.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "all.yaml"), text.Bytes(), 0o600); err != nil {
		tb.Fatal(err)
	}
	return folder
}

// generateFiles is `gatehouse generate` on a folder. It warns of Services that nobody
// happens to call.
func generateFiles(tb testing.TB, folder string, out io.Writer) {
	tb.Helper()
	var said bytes.Buffer
	env := command.Environment{In: strings.NewReader(""), Out: out, Err: &said, Program: "gatehouse", Getenv: func(string) string { return "" }, Now: time.Now}
	code := command.Run(tb.Context(), env, []string{"generate", folder})
	if code == command.ExitFault || !strings.Contains(said.String(), "every one is allowed, and nothing else; 0 problems") {
		tb.Fatalf("exit code %d: %s", code, said.String())
	}
}

// TestManifestsDeclareTheNetwork: what is measured has its connections.
func TestManifestsDeclareTheNetwork(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	generateFiles(t, files(t, shape.Network{Workloads: 20, Namespaces: 2}), &out)
	if n := strings.Count(out.String(), "kind: NetworkPolicy\n"); n < 20 || strings.Count(out.String(), "TCP/8080") == 0 {
		t.Errorf("%d policies:\n%s", n, out.String())
	}
	c, err := looked(shape.Network{Workloads: 20, Namespaces: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := propose(c, shape.Namespace(1)); err != nil {
		t.Error(err)
	}
}

// BenchmarkGenerateFiles is `gatehouse generate` on manifests: reading, finding the
// connections, planning, proving and writing.
func BenchmarkGenerateFiles(b *testing.B) {
	for _, n := range networks[:2] {
		b.Run(networkName(n), func(b *testing.B) {
			folder := files(b, n)
			before := used(b)
			for b.Loop() {
				generateFiles(b, folder, io.Discard)
			}
			b.ReportMetric((used(b)-before).Seconds()/float64(b.N), "cpu-s/op")
		})
	}
}

// looked is what the controller knows of a network; inv is its inventory, or nil.
func looked(n shape.Network, inv *inventory.Inventory) (*network.Cluster, error) {
	if inv == nil {
		inv = observed(n)
	}
	profile, err := enforcer.Find("generic")
	if err != nil {
		return nil, err
	}
	return network.Look(network.Sources{Inventory: inv}, network.Options{Enforcer: profile}, time.Unix(1_800_000_000, 0))
}

// observed is the inventory as the controller holds it.
func observed(n shape.Network) *inventory.Inventory {
	e := (&inventory.Inventory{}).Edit()
	pool := inventory.Pool{Connections: true}
	for _, o := range n.Declared() {
		e.Put(pool.Entry(o))
	}
	return e.Inventory()
}

// propose plans one namespace, which trusts the others.
func propose(c *network.Cluster, namespace string) (*network.Proposal, error) {
	p := c.Propose(namespace, &v1alpha1.NetworkPlanSpec{TrustedNamespaces: []v1alpha1.NamePattern{"*"}})
	if p.Fault != nil || len(p.Refusals) > 0 || len(p.Policies) < p.Workloads || len(p.Model.Edges) < 5*p.Workloads {
		return nil, fmt.Errorf("%w, refused %q, %d policies and %d edges for %d workloads", p.Fault, p.Refusals, len(p.Policies), len(p.Model.Edges), p.Workloads)
	}
	return p, nil
}

// BenchmarkControllerReplan is what the controller does when something changed: one
// look at the cluster, and the plan of each namespace, of which one has 50 workloads:
// at most 50 ms.
func BenchmarkControllerReplan(b *testing.B) {
	for _, n := range []shape.Network{{Workloads: 1000, Namespaces: 20}, {Workloads: 10_000, Namespaces: 200}} {
		inv := observed(n)
		b.Run("look/"+networkName(n), func(b *testing.B) {
			before := used(b)
			for b.Loop() {
				if _, err := looked(n, inv); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((used(b)-before).Seconds()*1000/float64(b.N), "cpu-ms/op")
		})
		b.Run("propose/"+networkName(n), func(b *testing.B) {
			c, err := looked(n, inv)
			if err != nil {
				b.Fatal(err)
			}
			took := make([]time.Duration, 0, 1<<12)
			before := used(b)
			for i := 0; b.Loop(); i++ {
				start := time.Now()
				if _, err := propose(c, shape.Namespace(i%n.Namespaces)); err != nil {
					b.Fatal(err)
				}
				if len(took) < cap(took) {
					took = append(took, time.Since(start))
				}
			}
			b.ReportMetric((used(b)-before).Seconds()*1000/float64(b.N), "cpu-ms/op")
			report(b, took)
		})
	}
}
