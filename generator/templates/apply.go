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
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Input is what a template is applied to.
type Input struct {
	Namespace   string               // for which it is applied; may be empty for a template of tiers alone
	Inventory   *inventory.Inventory // for the ports of probes; may be nil
	Universe    *generator.Universe
	Environment generator.Environment
	Enforcer    Enforcer
}

// Applied is what a template asks for.
type Applied struct {
	Edges    []generator.Edge    // in order; ends may be Services. For generator.Build
	Guard    generator.Guard     // to be added to that of the namespace
	Tiers    []Tier              // in the order of the template
	Problems []generator.Problem // what names nothing in this cluster
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
	if len(t.edges) > 0 || t.guard != (guard{}) {
		if len(validation.IsDNS1123Label(in.Namespace)) > 0 {
			return Applied{}, fmt.Errorf("template %s: %q is no name of a namespace", t.Name, shortened(in.Namespace))
		}
	}
	if n := t.guard.ingress; n != nil {
		a.out.Guard.Ingress = r.flag(n)
	}
	if n := t.guard.egress; n != nil {
		a.out.Guard.Egress = r.flag(n)
	}
	for _, n := range t.edges {
		r.unset = false
		if e := r.edge(n); !r.unset && (len(e.enforcers) == 0 || slices.Contains(e.enforcers, in.Enforcer)) {
			a.edge(&e)
		}
	}
	for _, n := range t.tiers {
		r.unset = false
		if tier := r.tier(n); !r.unset {
			a.tier(&tier)
		}
	}
	if err := errors.Join(r.faults...); err != nil {
		return Applied{}, err
	}
	slices.SortStableFunc(a.out.Edges, generator.Edge.Compare)
	return a.out, nil
}

// valued reads the values of parameters, and the defaults of the others.
func (t *Template) valued(given map[string]string) (map[string]*yaml.Node, error) {
	values := map[string]*yaml.Node{}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(given)) {
		p, known := t.parameter(name)
		if !known {
			faults = append(faults, fmt.Errorf("template %s: there is no parameter %q: not one of %s", t.Name, shortened(name), t.parameterNames()))
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

// value reads one value.
func (p *Parameter) value(place, text string) (*yaml.Node, error) {
	place += ": parameter " + p.Name
	var document yaml.Node
	if len(text) > maxBytes {
		return nil, fmt.Errorf("%s: larger than %d bytes", place, maxBytes)
	}
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	if len(document.Content) != 1 {
		return nil, fmt.Errorf("%s: the value is missing", place)
	}
	n := document.Content[0]
	r := &reader{place: place, values: map[string]*yaml.Node{}}
	switch {
	case tooDeep(n, maxDepth) != nil:
		r.fault(n, "nested too deep")
	case r.plain(n):
		r.check(p.Type, n)
	}
	return n, errors.Join(r.faults...)
}
