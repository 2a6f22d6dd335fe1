// SPDX-License-Identifier: Apache-2.0

package templates

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/gatehouse-sh/gatehouse/generator/notation"
)

// Type says what values a parameter has. The zero value is no type.
type Type uint8

// The types of parameters.
const (
	BooleanType   Type = 1 + iota // true or false
	PortsType                     // ports, as notation.ParsePorts reads them
	WorkloadsType                 // "all", or labels of pods: {app: web} or "app=web,tier=front"
	NamespaceType                 // the name of a namespace
	NamespacesType
	AddressesType // blocks or single addresses
	DomainsType   // names in the DNS, perhaps with a wildcard as first label
	ServiceType   // "namespace/name", or "name" in the namespace of the template
)

var types = [...]string{
	BooleanType: "boolean", PortsType: "ports", WorkloadsType: "workloads", NamespaceType: "namespace", NamespacesType: "namespaces",
	AddressesType: "addresses", DomainsType: "domains", ServiceType: "service",
}

// String returns the type as templates name it.
func (t Type) String() string {
	if int(t) < len(types) && types[t] != "" {
		return types[t]
	}
	return "no type"
}

func (r *reader) typeOf(n *yaml.Node) Type {
	text := r.text(n)
	if i := slices.Index(types[:], text); i > 0 {
		return Type(i) //nolint:gosec // an index of the table above
	}
	r.fault(n, "%q is no type: not one of %s", notation.Shortened(text), strings.Join(types[1:], ", "))
	return 0
}

// Parameter is what a user of a template may say.
type Parameter struct {
	Name        string
	Type        Type
	Description string
	Required    bool
	Default     string // as YAML; empty for none

	preset *yaml.Node
}

func (r *reader) parameter(n *yaml.Node) Parameter {
	var p Parameter
	before := len(r.faults)
	r.fields(n,
		field{"name", true, r.into(&p.Name)},
		field{"type", true, func(n *yaml.Node) { p.Type = r.typeOf(n) }},
		field{"description", true, r.into(&p.Description)},
		field{"required", false, func(n *yaml.Node) { p.Required = r.flag(n) }},
		field{"default", false, func(n *yaml.Node) { p.preset = n }},
	)
	if p.Name != "" && len(validation.IsDNS1123Label(p.Name)) > 0 {
		r.fault(n, "parameter %q: a name is lower-case letters, digits and dashes", notation.Shortened(p.Name))
	}
	if p.preset == nil {
		return p
	}
	if p.Required {
		r.fault(p.preset, "parameter %q: required, and has a default", p.Name)
	}
	r.check(p.Type, p.preset)
	if len(r.faults) > before {
		return p
	}
	text, err := yaml.Marshal(bare(p.preset))
	if err != nil {
		r.fault(p.preset, "the default cannot be written: %v", err)
	}
	p.Default = strings.TrimSpace(string(text))
	return p
}

// bare is a value without the comments at it.
func bare(n *yaml.Node) *yaml.Node {
	c := *n
	c.HeadComment, c.LineComment, c.FootComment, c.Content = "", "", "", make([]*yaml.Node, len(n.Content))
	for i, each := range n.Content {
		c.Content[i] = bare(each)
	}
	return &c
}

// check reads a value for the faults that it has.
func (r *reader) check(t Type, n *yaml.Node) {
	if _, is := reference(n); is {
		r.fault(n, "a parameter refers to no other")
		return
	}
	switch t {
	case BooleanType:
		r.flag(n)
	case PortsType:
		r.ports(n)
	case WorkloadsType:
		r.workloads(n)
	case NamespaceType:
		r.namespace(n)
	case NamespacesType:
		r.namespaces(n)
	case AddressesType:
		r.addresses(n)
	case DomainsType:
		r.domains(n)
	case ServiceType:
		r.service(n)
	}
}
