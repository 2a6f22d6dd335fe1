// SPDX-License-Identifier: Apache-2.0

package applications_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/cilium"
	"github.com/gatehouse-sh/gatehouse/generator/flows"
	"github.com/gatehouse-sh/gatehouse/generator/graph"
	"github.com/gatehouse-sh/gatehouse/generator/intents"
	"github.com/gatehouse-sh/gatehouse/generator/internal/applications"
	"github.com/gatehouse-sh/gatehouse/generator/manifests"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/plan"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/internal/source/files"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const apps = "../../../test/fixtures/apps"

// app is one application: its manifests, and what is beside them in testdata.
type app struct {
	name  string
	in    generator.Input // without edges
	place func(inventory.Key, string) string

	manifests manifests.Found
	seen      *flows.Result // nil without a recording
	asked     intents.Found
}

func readApp(t *testing.T, name string) app {
	t.Helper()
	paths := []string{filepath.Join(apps, name)}
	beside := filepath.Join("testdata", name, "intents.yaml")
	if _, err := os.Stat(beside); err == nil {
		paths = append(paths, beside)
	}
	read, err := files.Load(t.Context(), files.Options{}, paths...)
	if err != nil {
		t.Fatal(err)
	}
	at := map[inventory.Key]files.Item{}
	for _, item := range read.Items {
		at[inventory.KeyOf(item.Object)] = item
	}
	a := app{name: name, place: func(o inventory.Key, field string) string {
		item, ok := at[o]
		if !ok {
			return ""
		}
		file, line := item.Positions.Locate(field)
		return fmt.Sprintf("%s:%d", filepath.Base(file), line)
	}}
	a.in = generator.Input{Inventory: inventory.New(read.Objects()...), Environment: applications.Environment(), Guards: map[string]generator.Guard{name: {Ingress: true, Egress: true}}}
	if a.in.Universe, err = generator.Observe(a.in.Inventory); err != nil {
		t.Fatal(err)
	}
	a.manifests = manifests.Edges(a.in.Inventory, a.in.Universe, &a.in.Environment, manifests.Options{})
	a.manifests.Placed(a.place)
	a.asked = intents.Read(a.in.Inventory, a.in.Universe, &a.in.Environment, intents.Options{})
	a.asked.Placed(a.place)
	if len(a.asked.Problems) > 0 {
		t.Error(a.asked.Problems)
	}
	recording, err := os.ReadFile(filepath.Join("testdata", name, "flows.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		return a
	}
	c := flows.NewCollector(flows.Options{Inventory: a.in.Inventory, Universe: a.in.Universe, Environment: a.in.Environment, Where: "flows.jsonl"})
	var r flows.Reader
	if err := errors.Join(err, r.Each(bytes.NewReader(recording), c.Add)); err != nil || r.Stats.Broken > 0 {
		t.Fatalf("%v %+v", err, r.Stats)
	}
	result := c.Result()
	a.seen = &result
	return a
}

// model is what all sources of an application say, and what comes of none of it.
func (a *app) model() (*generator.Model, []generator.Problem) {
	in := a.in
	in.Edges = slices.Concat(a.manifests.Edges, a.asked.For(a.name, nil))
	problems := slices.Clone(a.manifests.Problems)
	if a.seen != nil {
		in.Edges = append(in.Edges, a.seen.Edges...)
		problems = append(problems, a.seen.Problems...)
	}
	m, more := generator.Build(in)
	return m, append(problems, more...)
}

// truth is the model of the connections that a person wrote down, and of the name
// servers that each of the pods asks.
func (a *app) truth(t *testing.T) *generator.Model {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(apps, a.name, "edges.txt"))
	if err != nil {
		t.Fatal(err)
	}
	in := a.in
	if in.Edges, err = applications.Truth(a.in.Universe, string(text)); err != nil {
		t.Fatal(err)
	}
	for _, e := range a.manifests.Edges {
		if e.To.Kind == generator.DNSPeer {
			in.Edges = append(in.Edges, e)
		}
	}
	m, problems := generator.Build(in)
	if len(problems) > 0 || len(m.Edges) < 10 {
		t.Fatalf("%d edges, %v", len(m.Edges), problems)
	}
	return m
}

// named is a model for policies that know no domain names.
func (a *app) named(t *testing.T, m *generator.Model) *generator.Model {
	t.Helper()
	in := a.in
	in.Edges = generator.NamesOutside(m.Edges, "for a test")
	m, problems := generator.Build(in)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return m
}

func planOf(t *testing.T, m *generator.Model) plan.Plan[*networkingv1.NetworkPolicy] {
	t.Helper()
	p, err := plan.Make(m, netpol.Dialect(netpol.RenderOptions{}), plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func compiled(t *testing.T, p *plan.Plan[*networkingv1.NetworkPolicy], m *generator.Model) *verify.Set {
	t.Helper()
	set, err := verify.Compile(p.Policies, m, verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func names(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(apps, "*", "edges.txt"))
	if err != nil || len(list) < 6 {
		t.Fatalf("%d applications with edges: %v", len(list), err)
	}
	for i, path := range list {
		list[i] = filepath.Base(filepath.Dir(path))
	}
	return list
}

// TestApplications makes the policies of every application, proves them in two
// dialects, and keeps what people get to see: the policies, the explanation of each
// connection, and the picture.
func TestApplications(t *testing.T) {
	t.Parallel()
	for _, name := range names(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := readApp(t, name)
			m, problems := a.model()
			proveCilium(t, m, map[string]int{"platform": 1}[name]) // node-agent asks no name server of the cluster
			m = a.named(t, m)
			p := planOf(t, m)
			if !p.Exact() || len(p.Problems) > 0 {
				t.Fatalf("the plan is not exact: %v\n%+v", p.Problems, p.Report)
			}
			set := compiled(t, &p, m)
			drawn, err := graph.Build(m, set, graph.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var policies bytes.Buffer
			for _, o := range p.Objects() {
				text, err := yaml.Marshal(o)
				if err != nil {
					t.Fatal(err)
				}
				policies.WriteString("---\n")
				policies.Write(text)
			}
			golden(t, filepath.Join(name, "policies.yaml"), policies.String())
			golden(t, filepath.Join(name, "connections.txt"), a.explanation(t, m, set, problems))
			golden(t, filepath.Join(name, "graph.svg"), drawn.SVG("Who connects to whom in "+name))
		})
	}
}

// proveCilium: CiliumNetworkPolicies, which know domain names, allow the same, but for
// those names that the pods do not ask the cluster for.
func proveCilium(t *testing.T, m *generator.Model, unasked int) {
	t.Helper()
	var o plan.Options
	var err error
	if o.Compact.Selectors.Visible, err = cilium.IdentityLabels(""); err != nil {
		t.Fatal(err)
	}
	p, err := plan.Make(m, cilium.Dialect(cilium.RenderOptions{}), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Report.Extra) > 0 || len(p.Report.Missing) != unasked || len(p.Problems) != unasked {
		t.Errorf("CiliumNetworkPolicies: %v\n%+v", p.Problems, p.Report)
	}
}

// explanation is what is said of every connection: why it is wanted, and which
// rules let it leave and enter.
func (a *app) explanation(t *testing.T, m *generator.Model, set *verify.Set, problems []generator.Problem) string {
	t.Helper()
	var b strings.Builder
	for i := range m.Edges {
		e := &m.Edges[i]
		fmt.Fprintf(&b, "%s (%s)\n", e, e.Confidence())
		for _, why := range e.Because {
			fmt.Fprintf(&b, "    because  %s: %s\n", why.Where, seenAs(why))
		}
		from, to := verify.Samples(m, e.From), verify.Samples(m, e.To)
		if len(from) == 0 || len(to) == 0 {
			t.Errorf("%s: an end of which nothing is known", e)
			continue
		}
		v, err := set.Allowed(from[0], to[0], e.Port)
		if err != nil || !v.Allowed {
			t.Errorf("%s: %+v %v", e, v, err)
		}
		fmt.Fprintf(&b, "    leaving  %s\n    entering %s\n", v.Egress, v.Ingress)
	}
	for _, p := range problems {
		fmt.Fprintf(&b, "problem: %s\n", p)
	}
	for _, p := range a.unreached(m) {
		fmt.Fprintf(&b, "nobody is known to connect to %s\n", p)
	}
	return b.String()
}

// seenAs is what evidence says, and of flows how many there were and when.
func seenAs(why generator.Evidence) string {
	if why.Flows == 0 {
		return why.What
	}
	return fmt.Sprintf("%s, %d flows from %s to %s", why.What, why.Flows, why.First.UTC().Format(time.RFC3339), why.Last.UTC().Format(time.RFC3339))
}

// unreached are the Services with pods to which no connection of a model leads.
func (a *app) unreached(m *generator.Model) []generator.Peer {
	reached := map[generator.Peer]bool{}
	for _, e := range m.Edges {
		if e.From != e.To && e.From.Kind != generator.MonitoringPeer {
			reached[e.To] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(a.manifests.Unreached), func(p generator.Peer) bool {
		s := a.in.Inventory.Service(p.Namespace, p.Name)
		for w := range a.in.Inventory.Selected(s.Namespace, s.Spec.Selector) {
			if reached[generator.WorkloadPeerOf(generator.OwnerOf(a.in.Inventory, w))] {
				return true
			}
		}
		return false
	})
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, []byte(got), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: -golden +made (-update rewrites it):\n%s", name, diff)
	}
}

// TestAllSourcesTogetherAreExact: manifests, recorded flows and one intent, put together,
// make policies that allow exactly the connections that a person wrote down for
// the application. Each of the sources is needed.
func TestAllSourcesTogetherAreExact(t *testing.T) {
	t.Parallel()
	for name, least := range map[string]struct{ manifests, flows, intents int }{ // edges that no other source has
		"socks": {1, 12, 1}, "platform": {10, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := readApp(t, name)
			m, _ := a.model()
			truth := a.named(t, a.truth(t))
			p := planOf(t, a.named(t, m))
			report, err := verify.Compare(p.Policies, truth, verify.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range report.Missing {
				t.Errorf("needed and refused: %s", d)
			}
			for _, d := range report.Extra {
				t.Errorf("allowed and not needed: %s", d)
			}
			only := map[generator.Source]int{}
			for _, e := range m.Edges {
				sources := map[generator.Source]bool{}
				for _, why := range e.Because {
					sources[why.Source] = true
				}
				for s := range sources {
					if len(sources) == 1 {
						only[s]++
					}
				}
			}
			if only[generator.Manifest] < least.manifests || only[generator.Flow] < least.flows || only[generator.Intent] < least.intents {
				t.Errorf("edges of one source alone: %v", only)
			}
		})
	}
}

// TestManifestsAloneWouldBreakIt: where addresses are in the code, policies of the
// manifests refuse what the application needs, and this is said of every Service that would
// lose its clients.
func TestManifestsAloneWouldBreakIt(t *testing.T) {
	t.Parallel()
	a := readApp(t, "socks")
	in := a.in
	in.Edges = a.manifests.Edges
	m, problems := generator.Build(in)
	p := planOf(t, m)
	if len(problems) > 0 || p.Refusal() != nil {
		t.Fatalf("of itself the plan is sound: %v %v", problems, p.Refusal())
	}
	truth := a.truth(t)
	report, err := verify.Compare(p.Policies, truth, verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Missing) == 0 || len(report.Extra) > 0 {
		t.Errorf("%d missing, %d extra", len(report.Missing), len(report.Extra))
	}
	said := map[generator.Peer]bool{}
	for _, service := range a.unreached(m) {
		s := in.Inventory.Service(service.Namespace, service.Name)
		for w := range in.Inventory.Selected(s.Namespace, s.Spec.Selector) {
			said[generator.WorkloadPeerOf(generator.OwnerOf(in.Inventory, w))] = true
		}
	}
	set := compiled(t, &p, truth)
	broken := 0
	for _, e := range truth.Edges {
		if e.From.Kind != generator.WorkloadPeer || e.To.Kind != generator.WorkloadPeer {
			continue
		}
		v, err := set.Allowed(verify.PodOf(e.From.ID()), verify.PodOf(e.To.ID()), e.Port)
		if err != nil {
			t.Fatal(err)
		}
		if v.Allowed {
			continue
		}
		if broken++; !said[e.To] {
			t.Errorf("%s would be refused, and nobody is told", e)
		}
	}
	if broken != 14 {
		t.Errorf("%d connections would break", broken)
	}
}
