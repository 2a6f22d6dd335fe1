// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/lint"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/internal/network"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/bench/shape"
	"github.com/gatehouse-sh/gatehouse/webhook/serve"
)

// networks are the clusters that policies are generated for. In the last one a
// namespace is as large as a cluster.
var networks = []shape.Network{{Workloads: 1000, Namespaces: 50}, {Workloads: 10_000, Namespaces: 500}, {Workloads: 10_000, Namespaces: 1}}

func networkName(n shape.Network) string {
	return fmt.Sprintf("%d-workloads-in-%d-namespaces", n.Workloads, n.Namespaces)
}

// wanted is the input of a network; inv is its inventory, or nil.
func wanted(b testing.TB, n shape.Network, inv *inventory.Inventory) generator.Input {
	b.Helper()
	if inv == nil {
		inv = n.Inventory()
	}
	u, err := generator.Observe(inv)
	if err != nil {
		b.Fatal(err)
	}
	return generator.Input{Inventory: inv, Universe: u, Environment: n.Environment(), Guards: n.Guards(), Edges: n.Edges()}
}

// generate makes NetworkPolicies of evidence.
func generate(in generator.Input) (*generator.Model, []*networkingv1.NetworkPolicy, error) {
	m, problems := generator.Build(in)
	plan, lost := compact.Compact(m, compact.Options{})
	list, refused := netpol.Render(plan.Policies(), netpol.RenderOptions{})
	if n := len(problems) + len(lost) + len(refused); n > 0 {
		return nil, nil, fmt.Errorf("%d problems", n)
	}
	return m, list, nil
}

// prove reads policies back and compares them with their model.
func prove(m *generator.Model, list []*networkingv1.NetworkPolicy) error {
	read, err := netpol.Read(list)
	if err != nil {
		return err
	}
	report, err := verify.Compare(read, m, verify.Options{})
	if err == nil && !report.Exact() {
		err = fmt.Errorf("%d connections are missing and %d are extra", len(report.Missing), len(report.Extra))
	}
	return err
}

// BenchmarkGenerate is evidence to NetworkPolicies: at most 0.5 s of processor
// time for 1,000 workloads and 5,000 edges, and linear beyond.
func BenchmarkGenerate(b *testing.B) {
	for _, n := range networks {
		b.Run(networkName(n), func(b *testing.B) {
			in := wanted(b, n, nil)
			b.ReportAllocs()
			policies, edges, before := 0, 0, used(b)
			for b.Loop() {
				m, list, err := generate(in)
				if err != nil {
					b.Fatal(err)
				}
				policies, edges = len(list), len(m.Edges)
			}
			b.ReportMetric((used(b)-before).Seconds()/float64(b.N), "cpu-s/op")
			b.ReportMetric(float64(policies), "policies")
			b.ReportMetric(float64(edges), "edges")
		})
	}
}

// BenchmarkGenerateProof is the same with its proof: at most 30 s on the clock
// for 10,000 workloads.
func BenchmarkGenerateProof(b *testing.B) {
	for _, n := range networks {
		b.Run(networkName(n), func(b *testing.B) {
			in := wanted(b, n, nil)
			before := used(b)
			for b.Loop() {
				m, list, err := generate(in)
				if err == nil {
					err = prove(m, list)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((used(b)-before).Seconds()/float64(b.N), "cpu-s/op")
		})
	}
}

// readBack returns the model of a network and what its policies mean.
func readBack(b *testing.B, n shape.Network) (*generator.Model, []verify.Policy) {
	b.Helper()
	m, list, err := generate(wanted(b, n, nil))
	if err != nil {
		b.Fatal(err)
	}
	read, err := netpol.Read(list)
	if err != nil {
		b.Fatal(err)
	}
	return m, read
}

// BenchmarkConnectivity is everything that the policies of a cluster allow: at
// most a second of processor time for 1,000 workloads.
func BenchmarkConnectivity(b *testing.B) {
	for _, n := range networks[:2] {
		b.Run(networkName(n), func(b *testing.B) {
			m, read := readBack(b, n)
			groups, before := 0, used(b)
			for b.Loop() {
				s, err := verify.Compile(read, m, verify.Options{})
				if err != nil {
					b.Fatal(err)
				}
				groups = 0
				for range s.Asker().Connectivity() {
					groups++
				}
			}
			b.ReportMetric((used(b)-before).Seconds()/float64(b.N), "cpu-s/op")
			b.ReportMetric(float64(groups), "groups")
		})
	}
}

// BenchmarkLint looks for what is probably not meant in what was generated, where it
// finds nothing.
func BenchmarkLint(b *testing.B) {
	for _, n := range networks[:2] {
		b.Run(networkName(n), func(b *testing.B) {
			m, read := readBack(b, n)
			before := used(b)
			for b.Loop() {
				found, err := lint.Policies(read, m, lint.Options{})
				if err != nil || len(found) > 0 {
					b.Fatal(err, found)
				}
			}
			b.ReportMetric((used(b)-before).Seconds()/float64(b.N), "cpu-s/op")
			b.ReportMetric(float64(len(read)), "policies")
		})
	}
}

// BenchmarkReplan is one namespace planned anew and proved after a change, in a
// cluster that is known: at most 50 ms for 50 workloads. With "observe" a Deployment
// of it is written first, and the workloads are read out of the inventory as it is then.
func BenchmarkReplan(b *testing.B) {
	for _, n := range []shape.Network{{Workloads: 1000, Namespaces: 20}, {Workloads: 10_000, Namespaces: 200}} {
		inv := n.Inventory()
		in := wanted(b, n, inv)
		for _, observed := range []bool{false, true} {
			name := networkName(n)
			if observed {
				name = "observe/" + name
			}
			b.Run(name, func(b *testing.B) {
				took := make([]time.Duration, 0, 1<<12)
				one := in
				var o generator.Observer
				if observed {
					observeAgain(b, &one, &o)
				}
				before := used(b)
				for i := 0; b.Loop(); i++ {
					start := time.Now()
					if observed {
						one.Inventory = written(b, one.Inventory, shape.Namespace(i%n.Namespaces))
						observeAgain(b, &one, &o)
					}
					if err := replan(one, shape.Namespace(i%n.Namespaces)); err != nil {
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
}

func observeAgain(b *testing.B, in *generator.Input, o *generator.Observer) {
	b.Helper()
	u, err := o.Observe(in.Inventory)
	if err != nil {
		b.Fatal(err)
	}
	in.Universe = u
}

// written is a version of an inventory in which the first Deployment of a namespace is
// another object.
func written(b *testing.B, inv *inventory.Inventory, namespace string) *inventory.Inventory {
	b.Helper()
	for entry := range inv.Entries(schema.GroupKind{Group: appsv1.GroupName, Kind: "Deployment"}, namespace) {
		d, is := entry.Object.(*appsv1.Deployment)
		if !is {
			break
		}
		e := inv.Edit()
		e.Put(inventory.CompactEntry(d.DeepCopy()))
		return e.Inventory()
	}
	b.Fatalf("no Deployment in namespace %s", namespace)
	return nil
}

// replan plans one namespace: its guard, and the edges that it has a part in.
func replan(in generator.Input, namespace string) error {
	in.Guards = map[string]generator.Guard{namespace: in.Guards[namespace]}
	var edges []generator.Edge
	for i := range in.Edges {
		if e := &in.Edges[i]; e.From.Namespace == namespace || e.To.Namespace == namespace {
			edges = append(edges, *e)
		}
	}
	in.Edges = edges
	m, list, err := generate(in)
	if err != nil {
		return err
	}
	return prove(m, list)
}

// memoryVariable makes the test binary a process that generates and proves the
// policies of so many workloads, in namespaces of twenty.
const memoryVariable = "GATEHOUSE_BENCH_GENERATE"

// BenchmarkGenerateMemory is the most memory that a process needs to plan and
// prove a cluster that it holds as a live one is held: at most 300 MiB for
// 10,000 workloads. The process does nothing else and says of itself what was
// resident at most, and what was in use before it began to plan.
func BenchmarkGenerateMemory(b *testing.B) {
	for _, what := range []string{"20", "1000", "10000", "10000 by namespace"} {
		b.Run(strings.ReplaceAll(what, " ", "-"), func(b *testing.B) {
			for b.Loop() {
				cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^$")
				cmd.Env = append(os.Environ(), memoryVariable+"="+what)
				cmd.Stderr = os.Stderr
				said, err := cmd.Output()
				if err != nil {
					b.Fatal(err)
				}
				var input, peak float64
				if _, err := fmt.Sscan(string(said), &input, &peak); err != nil {
					b.Fatal(err, string(said))
				}
				b.ReportMetric(input, "input-MiB")
				b.ReportMetric(peak, "peak-MiB")
			}
		})
	}
}

// generateOnce is that process. What it says is in MiB.
func generateOnce(what string, out io.Writer) error {
	workloads, each := strings.CutSuffix(what, " by namespace")
	n, err := strconv.Atoi(workloads)
	if err != nil {
		return err
	}
	serve.TuneMemory() // as the product does
	shaped := shape.Network{Workloads: n, Namespaces: n / 20}
	if each {
		return proposeAll(shaped, out)
	}
	inv := shaped.Inventory()
	u, err := generator.Observe(inv)
	if err != nil {
		return err
	}
	in := generator.Input{Inventory: inv, Universe: u, Environment: shaped.Environment(), Guards: shaped.Guards(), Edges: shaped.Edges()}
	input, err := forget()
	if err != nil {
		return err
	}
	m, list, err := generate(in)
	if err != nil {
		return err
	}
	if err := prove(m, list); err != nil {
		return err
	}
	return sayMemory(out, input)
}

// proposeAll plans as the controller does: one namespace after the other, of which it
// keeps the policies.
func proposeAll(n shape.Network, out io.Writer) error {
	inv := observed(n)
	input, err := forget()
	if err != nil {
		return err
	}
	c, err := looked(n, inv)
	if err != nil {
		return err
	}
	var store network.Store
	kept := make([]network.Stored, 0, n.Namespaces)
	for i := range n.Namespaces {
		p, err := propose(c, shape.Namespace(i))
		if err != nil {
			return err
		}
		k, err := store.Put(p.Policies)
		if err != nil {
			return err
		}
		kept = append(kept, k)
	}
	err = sayMemory(out, input)
	runtime.KeepAlive(inv)
	runtime.KeepAlive(kept)
	return err
}

// forget gives back what making the input needed, and begins to look for the most that
// is resident (clear_refs in proc(5)). It returns what is in use.
func forget() (uint64, error) {
	debug.FreeOSMemory()
	return heapAlive(), os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

// sayMemory says what was in use before, and the most that was resident since.
func sayMemory(out io.Writer, input uint64) error {
	peak, err := resident("self", "VmHWM:")
	fmt.Fprintf(out, "%.1f %.1f\n", float64(input)/(1<<20), peak)
	return err
}

// used is the processor time of this process: on a machine with other work the
// clock says little.
func used(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
