// SPDX-License-Identifier: Apache-2.0

package templates

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/notation"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Input is what a template is applied to.
type Input struct {
	// Namespace is where the template is applied: its edges and its guard. Empty
	// means the cluster, once for all namespaces: its tiers.
	Namespace string

	// Inventory says which ports probes ask. Objects that were trimmed to be kept
	// (inventory.CompactEntry) have no probes; nil is a problem where they are needed.
	Inventory *inventory.Inventory

	Universe    *generator.Universe
	Environment generator.Environment
	Enforcer    Enforcer
}

// Applied is what a template asks for.
type Applied struct {
	Edges    []generator.Edge    // in order; ends may be Services. For generator.Build
	Guard    generator.Guard     // to be added to that of the namespace
	Tiers    []Tier              // in the order of the template
	Problems []generator.Problem // what names nothing in this cluster; without tiers then
}

// Apply fills parameters in and looks up what the peers are. A value is YAML, and
// where several are expected also a list with commas: "TCP/80,TCP/443",
// "app=web,tier=front", "[a, b]". An edge that needs a parameter which has neither
// a value nor a default is left out. Faults of parameters are an error, and then
// nothing is applied; what is right and finds nothing is a Problem.
func Apply(t *Template, parameters map[string]string, in Input) (Applied, error) {
	values, err := t.valued(parameters)
	if err != nil {
		return Applied{}, err
	}
	r := &reader{place: "template " + t.Name, parameters: map[string]Parameter{}, values: values}
	for _, p := range t.Parameters {
		r.parameters[p.Name] = p
	}
	a := applier{template: t, in: in}
	switch {
	case in.Namespace == "" && !t.OfCluster():
		return Applied{}, fmt.Errorf("template %s: it is applied to a namespace, and none is given", t.Name)
	case in.Namespace != "" && !t.OfNamespaces():
		return Applied{}, fmt.Errorf("template %s: it is applied to the cluster, and not to namespace %s", t.Name, notation.Shortened(in.Namespace))
	case in.Namespace == "":
		a.cluster(r)
	case len(validation.IsDNS1123Label(in.Namespace)) > 0:
		return Applied{}, fmt.Errorf("template %s: %q is no name of a namespace", t.Name, notation.Shortened(in.Namespace))
	default:
		a.namespace(r)
	}
	if err := errors.Join(r.faults...); err != nil {
		return Applied{}, err
	}
	return a.out, nil
}

// OfNamespaces tells whether a template has something for a namespace: edges or a
// guard.
func (t *Template) OfNamespaces() bool { return len(t.edges) > 0 || t.guard != (guard{}) }

// OfCluster tells whether a template has something for the cluster: tiers.
func (t *Template) OfCluster() bool { return len(t.tiers) > 0 }

// namespace takes the guard and the edges.
func (a *applier) namespace(r *reader) {
	if n := a.template.guard.ingress; n != nil {
		a.out.Guard.Ingress = r.flag(n)
	}
	if n := a.template.guard.egress; n != nil {
		a.out.Guard.Egress = r.flag(n)
	}
	for _, n := range a.template.edges {
		r.unset = false
		if e := r.edge(n); !r.unset && (len(e.enforcers) == 0 || slices.Contains(e.enforcers, a.in.Enforcer)) {
			a.edge(&e)
		}
	}
	slices.SortStableFunc(a.out.Edges, generator.Edge.Compare)
}

// cluster takes the tiers: all or none, since one may deny what another accepts.
func (a *applier) cluster(r *reader) {
	for _, n := range a.template.tiers {
		r.unset = false
		if t := r.tier(n); !r.unset {
			a.tier(&t)
		}
	}
	if len(a.out.Problems) > 0 {
		a.out.Tiers = nil
	}
}

// valued reads the values of parameters, and the defaults of the others.
func (t *Template) valued(given map[string]string) (map[string]*yaml.Node, error) {
	values := map[string]*yaml.Node{}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(given)) {
		p, known := t.parameter(name)
		if !known {
			faults = append(faults, fmt.Errorf("template %s: there is no parameter %q: not one of %s", t.Name, notation.Shortened(name), t.parameterNames()))
			continue
		}
		n, err := p.value("template "+t.Name, given[name])
		if err != nil {
			faults = append(faults, err)
			continue
		}
		values[name] = n
	}
	for _, p := range t.Parameters {
		_, set := given[p.Name]
		switch {
		case !set && p.Required:
			faults = append(faults, fmt.Errorf("template %s: parameter %q is required: %s", t.Name, p.Name, p.Description))
		case !set && p.preset != nil:
			values[p.Name] = p.preset
		}
	}
	return values, errors.Join(faults...)
}

func (t *Template) parameterNames() string {
	all := make([]string, len(t.Parameters))
	for i, p := range t.Parameters {
		all[i] = p.Name
	}
	return strings.Join(all, ", ")
}

// value reads one value. A text that opens no list, mapping or quotation, on one
// line, is what it says: "*.example.com" would be an alias to YAML.
func (p *Parameter) value(place, text string) (*yaml.Node, error) {
	place += ": parameter " + p.Name
	if len(text) > maxBytes {
		return nil, fmt.Errorf("%s: larger than %d bytes", place, maxBytes)
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.TrimSpace(text)}
	if n.Value != "" && strings.ContainsAny(n.Value[:1], "[{\"'") || strings.Contains(n.Value, "\n") {
		var document yaml.Node
		if err := yaml.Unmarshal([]byte(text), &document); err != nil {
			return nil, fmt.Errorf("%s: %w", place, err)
		}
		if len(document.Content) != 1 {
			return nil, fmt.Errorf("%s: the value is missing", place)
		}
		n = document.Content[0]
	}
	r := &reader{place: place, values: map[string]*yaml.Node{}}
	switch {
	case tooDeep(n, maxDepth) != nil:
		r.fault(n, "nested too deep")
	case r.plain(n):
		r.check(p.Type, n)
	}
	return n, errors.Join(r.faults...)
}
