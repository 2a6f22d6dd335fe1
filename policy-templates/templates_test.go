// SPDX-License-Identifier: Apache-2.0

package policytemplates_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/templates"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/internal/templatecase"
	"github.com/gatehouse-sh/gatehouse/inventory"
	policytemplates "github.com/gatehouse-sh/gatehouse/policy-templates"
)

var update = flag.Bool("update", false, "write the expected results anew")

// TestCases applies every template to the objects of its case, renders what comes
// of it and proves that the policies allow exactly that.
func TestCases(t *testing.T) {
	t.Parallel()
	for _, tmpl := range templatecase.Library(t).Templates() {
		t.Run(tmpl.Name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(tmpl.Name, "case")
			c := templatecase.Read(t, ".", tmpl.Name)
			inv := inventory.New(templatecase.Objects(t, ".", tmpl.Name)...)
			var out strings.Builder
			for _, r := range c.Runs {
				apply(t, &out, tmpl, inv, c, r)
			}
			golden := filepath.Join(folder, "want.txt")
			if *update {
				if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// apply writes down what one run gives.
func apply(t *testing.T, out *strings.Builder, tmpl *templates.Template, inv *inventory.Inventory, c *templatecase.Case, r templatecase.Run) {
	t.Helper()
	fmt.Fprintf(out, "# %s\n", r.Because)
	got := c.Apply(t, tmpl, inv, r)
	if got.Err != nil {
		fmt.Fprintf(out, "error: %v\n\n", got.Err)
		return
	}
	fmt.Fprintf(out, "guard: ingress %t, egress %t\n", got.Guard.Ingress, got.Guard.Egress)
	for _, tier := range got.Tiers {
		writeTier(t, out, &tier)
	}
	m := got.Model
	for _, p := range got.Problems {
		fmt.Fprintf(out, "problem: %s\n", p)
	}
	for _, e := range m.Edges {
		fmt.Fprintf(out, "edge: %s\n", e)
		if len(e.Because) == 0 || e.Because[0].Source != generator.Template || e.Because[0].Where != "template "+tmpl.Name {
			t.Errorf("%s because %+v", e, e.Because)
		}
	}
	prove(t, out, m)
	out.WriteString("\n")
}

// prove renders a model and writes the policies without what is the same in all.
func prove(t *testing.T, out *strings.Builder, m *generator.Model) {
	t.Helper()
	plan, problems := compact.Compact(m, compact.Options{})
	list, refused := netpol.Render(plan.Policies(), netpol.RenderOptions{})
	if len(problems)+len(refused) > 0 {
		t.Fatal(problems, refused)
	}
	read, err := netpol.Read(list)
	if err != nil {
		t.Fatal(err)
	}
	report, err := verify.Compare(read, m, verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !report.Exact() {
		t.Errorf("missing %v, extra %v", report.Missing, report.Extra)
	}
	for _, p := range list {
		if len(p.Spec.Ingress)+len(p.Spec.Egress) == 0 {
			fmt.Fprintf(out, "policy: %s denies the rest of %v\n", p.Namespace, p.Spec.PolicyTypes)
			continue
		}
		spec, err := yaml.Marshal(p.Spec)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(out, "policy: %s\n", p.Namespace)
		for line := range strings.Lines(string(spec)) {
			out.WriteString("  " + line)
		}
	}
}

// TestAllAtOnce applies every run of every case to one namespace and proves what
// comes of them together. Of objects of one name the first counts.
func TestAllAtOnce(t *testing.T) {
	t.Parallel()
	var all []inventory.Object
	var together templatecase.Case
	known := map[string]bool{}
	for _, tmpl := range templatecase.Library(t).Templates() {
		for _, o := range templatecase.Objects(t, ".", tmpl.Name) {
			name := fmt.Sprintf("%T %s/%s", o, o.GetNamespace(), o.GetName())
			if !known[name] {
				all = append(all, o)
			}
			known[name] = true
		}
		c := templatecase.Read(t, ".", tmpl.Name)
		together.Environment.Gateway = append(together.Environment.Gateway, c.Environment.Gateway...)
	}
	together.Environment.Monitoring = []templatecase.PodSet{{Namespace: "monitoring", Labels: map[string]string{"app": "prometheus"}}}
	inv := inventory.New(all...)
	u, err := generator.Observe(inv)
	if err != nil {
		t.Fatal(err)
	}
	in := templates.Input{Inventory: inv, Universe: u, Environment: together.In(t, inv)}
	build := generator.Input{Inventory: inv, Universe: u, Environment: in.Environment, Guards: map[string]generator.Guard{"shop": {Ingress: true, Egress: true}}}
	applied := 0
	for _, tmpl := range templatecase.Library(t).Templates() {
		for _, r := range templatecase.Read(t, ".", tmpl.Name).Runs {
			in.Namespace = r.Namespace
			got, err := templates.Apply(tmpl, r.Parameters, in)
			if err != nil || r.Namespace == "" || tmpl.Name == "same-namespace" {
				continue // TestCases says whether an error is right; the last would hide the others
			}
			applied++
			build.Edges = append(build.Edges, got.Edges...)
		}
	}
	m, problems := generator.Build(build)
	if applied < 20 || len(m.Edges) < 30 || len(problems) > 0 {
		t.Fatalf("%d runs, %d edges, %v", applied, len(m.Edges), problems)
	}
	var out strings.Builder
	prove(t, &out, m)
	t.Logf("%d runs, %d edges, %d policies", applied, len(m.Edges), strings.Count(out.String(), "policy: "))
}

func writeTier(t *testing.T, out *strings.Builder, tier *templates.Tier) {
	t.Helper()
	fmt.Fprintf(out, "tier: %s %s %d for %v because %s\n", tier.Tier, tier.Name, tier.Priority, tier.Subject, tier.Because[0].What)
	for _, direction := range []string{"ingress", "egress"} {
		rules := map[string][]templates.TierRule{"ingress": tier.Ingress, "egress": tier.Egress}[direction]
		for _, r := range rules {
			if len(r.Peers) == 0 {
				t.Errorf("rule %s is about nobody", r.Name)
			}
			fmt.Fprintf(out, "  %s %s: %s %v %v\n", direction, r.Name, r.Action, r.Peers, r.Ports)
		}
	}
}

// TestTheTableNamesEveryTemplate holds README.md against the templates.
func TestTheTableNamesEveryTemplate(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, tmpl := range templatecase.Library(t).Templates() {
		parameters := make([]string, 0, len(tmpl.Parameters))
		for _, p := range tmpl.Parameters {
			word := "`" + p.Name + "`"
			if p.Required {
				word += "*"
			}
			parameters = append(parameters, word)
		}
		if len(parameters) == 0 {
			parameters = append(parameters, "none")
		}
		want = append(want, fmt.Sprintf("| [%s](%s/README.md) | %s | %s |", tmpl.Name, tmpl.Name, tmpl.Title, strings.Join(parameters, ", ")))
	}
	var got []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| [") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("README.md -want +got\n%s", diff)
	}
}

// TestEveryReadmeSaysWhatItMust: the heading is the title, and no part is missing.
func TestEveryReadmeSaysWhatItMust(t *testing.T) {
	t.Parallel()
	for _, tmpl := range templatecase.Library(t).Templates() {
		text, err := policytemplates.FS.ReadFile(tmpl.Name + "/README.md")
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(string(text), "\n## ")
		var titles []string
		for _, p := range parts[1:] {
			title, body, _ := strings.Cut(p, "\n")
			titles = append(titles, title)
			if strings.TrimSpace(body) == "" {
				t.Errorf("%s: %q is empty", tmpl.Name, title)
			}
		}
		if want := []string{"What it allows", "When to use it", "Per enforcer", "Limits", "Sources"}; !slices.Equal(titles, want) {
			t.Errorf("%s: %q, not %q", tmpl.Name, titles, want)
		}
		if want := fmt.Sprintf("# %s (`%s`)\n", tmpl.Title, tmpl.Name); !strings.HasPrefix(string(text), want) {
			t.Errorf("%s: the heading is not %q", tmpl.Name, want)
		}
	}
}

// TestTheExampleOfTheFormatLoads: what README.md shows is read, and every type,
// group and enforcer is documented there.
func TestTheExampleOfTheFormatLoads(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d examples", len(blocks))
	}
	tmpl, err := templates.Parse("README.md", slices.Concat(blocks[0][1], blocks[1][1]))
	if err != nil || tmpl.Name != "orders-database" {
		t.Fatal(tmpl, err)
	}
	words := map[string]bool{}
	for ty := templates.BooleanType; ty <= templates.ServiceType; ty++ {
		words[ty.String()] = true
	}
	for e := templates.Generic; e <= templates.GKE; e++ {
		words[e.String()] = true
	}
	for k := generator.ClusterPeer; k <= generator.MonitoringPeer; k++ {
		if k != generator.ServicePeer && k != generator.CIDRPeer && k != generator.FQDNPeer {
			words[k.String()] = true
		}
	}
	for _, word := range slices.Sorted(maps.Keys(words)) {
		if !strings.Contains(string(text), "`"+word+"`") {
			t.Errorf("README.md does not name `%s`", word)
		}
	}
}
