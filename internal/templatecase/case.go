// SPDX-License-Identifier: Apache-2.0

// Package templatecase reads the cases of policy-templates: the objects of a
// cluster, and how a template is applied to it. Tests alone use it.
package templatecase

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/templates"
	"github.com/gatehouse-sh/gatehouse/inventory"
	policytemplates "github.com/gatehouse-sh/gatehouse/policy-templates"
)

// Case is NAME/case/case.yaml.
type Case struct {
	Environment Surroundings
	Runs        []Run
}

// Surroundings are what the objects of a case do not say of their cluster.
type Surroundings struct {
	Gateway, Monitoring []PodSet
	Nodes, PodRanges    []string // besides those of the objects
}

// PodSet is the pods of a namespace with some labels.
type PodSet struct {
	Namespace string
	Labels    map[string]string
}

// Run is one application of the template.
type Run struct {
	Because    string // what the run shows
	Namespace  string // empty for the cluster
	Enforcer   string
	Parameters map[string]string
}

// Library returns the templates that come with Gatehouse.
func Library(t testing.TB) *templates.Library {
	t.Helper()
	l, err := templates.Load(policytemplates.FS)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Templates()) == 0 {
		t.Fatal("no templates")
	}
	return l
}

// Read reads the case of a template; the folder is that of all templates.
func Read(t testing.TB, folder, template string) *Case {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, template, "case", "case.yaml")) //nolint:gosec // a file of the repository
	if err != nil {
		t.Fatal(err)
	}
	c := &Case{}
	if err := yaml.UnmarshalStrict(text, c); err != nil {
		t.Fatal(err)
	}
	if len(c.Runs) == 0 {
		t.Fatalf("the case of %s applies nothing", template)
	}
	for i := range c.Runs {
		if c.Runs[i].Because == "" {
			t.Fatalf("a run of %s does not say what it shows", template)
		}
	}
	return c
}

// Objects reads the objects of a case.
func Objects(t testing.TB, folder, template string) []inventory.Object {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, template, "case", "objects.yaml")) //nolint:gosec // a file of the repository
	if err != nil {
		t.Fatal(err)
	}
	var list []inventory.Object
	for part := range bytes.SplitSeq(text, []byte("\n---\n")) {
		data, err := yaml.YAMLToJSONStrict(part)
		if err != nil {
			t.Fatal(err)
		}
		o, _, err := inventory.DecodeAny(data)
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		list = append(list, o)
	}
	return list
}

// In returns the environment: what the objects say, and what the case adds.
func (c *Case) In(t testing.TB, inv *inventory.Inventory) generator.Environment {
	t.Helper()
	env := generator.Discover(inv)
	for _, s := range c.Environment.Gateway {
		env.Gateway.Pods = append(env.Gateway.Pods, generator.PodSet(s))
	}
	for _, s := range c.Environment.Monitoring {
		env.Monitoring.Pods = append(env.Monitoring.Pods, generator.PodSet(s))
	}
	for to, list := range map[*[]netip.Prefix][]string{&env.Nodes.Addresses: c.Environment.Nodes, &env.PodRanges: c.Environment.PodRanges} {
		for _, text := range list {
			p, err := netip.ParsePrefix(text)
			if err != nil {
				t.Fatal(err)
			}
			*to = append(*to, p)
		}
	}
	return env
}

// Applied is what became of a run.
type Applied struct {
	templates.Applied

	Model    *generator.Model    // nil for a run that is refused
	Problems []generator.Problem // of the template and of the model
	Err      error               // why the run is refused
}

// Apply applies a template to the objects of its case. A namespace that the
// template leaves alone is guarded, as another template would do.
func (c *Case) Apply(t testing.TB, template *templates.Template, inv *inventory.Inventory, r Run) Applied {
	t.Helper()
	u, err := generator.Observe(inv)
	if err != nil {
		t.Fatal(err)
	}
	in := templates.Input{Namespace: r.Namespace, Inventory: inv, Universe: u, Environment: c.In(t, inv), Enforcer: enforcer(t, r.Enforcer)}
	var out Applied
	if out.Applied, out.Err = templates.Apply(template, r.Parameters, in); out.Err != nil {
		return out
	}
	guard := out.Guard
	if guard == (generator.Guard{}) {
		guard = generator.Guard{Ingress: true, Egress: true}
	}
	build := generator.Input{Inventory: inv, Universe: u, Environment: in.Environment, Edges: out.Edges}
	if r.Namespace != "" {
		build.Guards = map[string]generator.Guard{r.Namespace: guard}
	}
	m, problems := generator.Build(build)
	out.Model, out.Problems = m, slices.Concat(out.Applied.Problems, problems)
	return out
}

func enforcer(t testing.TB, name string) templates.Enforcer {
	t.Helper()
	e := templates.EnforcerOf(name)
	if name != "" && e.String() != name {
		t.Fatalf("%q is no enforcer", name)
	}
	return e
}
