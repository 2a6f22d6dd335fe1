// SPDX-License-Identifier: Apache-2.0

package templates

import (
	"slices"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/gatehouse-sh/gatehouse/generator/notation"
)

// What a template says of itself.
const (
	APIVersion = "gatehouse.sh/v1alpha1"
	Kind       = "PolicyTemplate"
)

// Template is one preset. It is read only, and any number of goroutines may
// apply it.
type Template struct {
	Name        string
	Title       string // one line
	Description string
	Parameters  []Parameter // in the order of the file
	File        string      // "dns/template.yaml"

	guard guard
	edges []*yaml.Node // each was read once, so that none has a fault of its own
	tiers []*yaml.Node
}

// guard is the directions that a template guards: values or references.
type guard struct{ ingress, egress *yaml.Node }

// template reads a whole document.
func (r *reader) template(n *yaml.Node) *Template {
	t := &Template{File: r.place}
	var version, kind string
	var spec *yaml.Node
	r.fields(n,
		field{"apiVersion", true, r.into(&version)},
		field{"kind", true, r.into(&kind)},
		field{"metadata", true, func(n *yaml.Node) { r.fields(n, field{"name", true, r.into(&t.Name)}) }},
		field{"spec", true, func(n *yaml.Node) { spec = n }},
	)
	switch {
	case version != "" && version != APIVersion:
		r.fault(n, "apiVersion is %q and not %q", notation.Shortened(version), APIVersion)
	case kind != "" && kind != Kind:
		r.fault(n, "kind is %q and not %q", notation.Shortened(kind), Kind)
	case t.Name != "" && len(validation.IsDNS1123Label(t.Name)) > 0:
		r.fault(n, "metadata.name %q: a name is lower-case letters, digits and dashes", notation.Shortened(t.Name))
	}
	if spec != nil {
		r.spec(spec, t)
	}
	return t
}

func (r *reader) spec(n *yaml.Node, t *Template) {
	keep := func(to *[]*yaml.Node) func(*yaml.Node) {
		return func(n *yaml.Node) { r.list(n, func(item *yaml.Node) { *to = append(*to, item) }) }
	}
	var parameters []*yaml.Node
	r.fields(n,
		field{"title", true, r.into(&t.Title)},
		field{"description", true, r.into(&t.Description)},
		field{"parameters", false, keep(&parameters)},
		field{"guard", false, func(n *yaml.Node) {
			r.fields(n,
				field{"ingress", false, func(n *yaml.Node) { t.guard.ingress = n }},
				field{"egress", false, func(n *yaml.Node) { t.guard.egress = n }},
			)
		}},
		field{"edges", false, keep(&t.edges)},
		field{"tiers", false, keep(&t.tiers)},
	)
	for _, p := range parameters {
		t.Parameters = append(t.Parameters, r.parameter(p))
	}
	r.parameters = map[string]Parameter{}
	for i, p := range t.Parameters {
		if _, twice := r.parameters[p.Name]; twice {
			r.fault(parameters[i], "parameter %q is there twice", p.Name)
		}
		r.parameters[p.Name] = p
	}
	for _, n := range []*yaml.Node{t.guard.ingress, t.guard.egress} {
		if n != nil {
			r.flag(n)
		}
	}
	for _, n := range t.edges {
		r.edge(n)
	}
	for _, n := range t.tiers {
		r.tier(n)
	}
	if len(t.edges)+len(t.tiers) == 0 && t.guard == (guard{}) {
		r.fault(n, "the template has neither a guard nor edges nor tiers: it does nothing")
	}
	used := map[string]bool{}
	mark(n, used)
	for i, p := range t.Parameters {
		if !used[p.Name] {
			r.fault(parameters[i], "parameter %q is used nowhere", p.Name)
		}
	}
}

// mark collects the names that references below a node name.
func mark(n *yaml.Node, used map[string]bool) {
	if name, is := reference(n); is {
		used[name] = true
	}
	for _, c := range n.Content {
		mark(c, used)
	}
}

// parameter returns a parameter by its name.
func (t *Template) parameter(name string) (Parameter, bool) {
	i := slices.IndexFunc(t.Parameters, func(p Parameter) bool { return p.Name == name })
	if i < 0 {
		return Parameter{}, false
	}
	return t.Parameters[i], true
}
