// SPDX-License-Identifier: Apache-2.0

package templates

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// Type says what values a parameter has. The zero value is no type.
type Type uint8

// The types of parameters.
const (
	BooleanType   Type = 1 + iota // true or false
	PortsType                     // ports, as ParsePorts reads them
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
	r.fault(n, "%q is no type: not one of %s", shortened(text), strings.Join(types[1:], ", "))
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
	var required bool
	r.fields(n,
		field{"name", true, r.into(&p.Name)},
		field{"type", true, func(n *yaml.Node) { p.Type = r.typeOf(n) }},
		field{"description", true, r.into(&p.Description)},
		field{"required", false, func(n *yaml.Node) { required = r.flag(n) }},
		field{"default", false, func(n *yaml.Node) { p.preset = n }},
	)
	p.Required = required
	if p.Name != "" && len(validation.IsDNS1123Label(p.Name)) > 0 {
		r.fault(n, "parameter %q: a name is lower-case letters, digits and dashes", shortened(p.Name))
	}
	if p.preset == nil {
		return p
	}
	if p.Required {
		r.fault(p.preset, "parameter %q: required, and has a default", p.Name)
	}
	r.check(p.Type, p.preset)
	if text, err := yaml.Marshal(p.preset); err == nil {
		p.Default = strings.TrimSpace(string(text))
	}
	return p
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
	case NamespaceType, NamespacesType:
		if list := r.namespaces(n); t == NamespaceType && len(list) > 1 {
			r.fault(n, "one namespace is expected here")
		}
	case AddressesType:
		r.addresses(n)
	case DomainsType:
		r.domains(n)
	case ServiceType:
		r.service(n)
	}
}

// words reads a list of texts, each of which may itself be several with commas
// between them, as a command line has them.
func (r *reader) words(n *yaml.Node, read func(n *yaml.Node, word string)) {
	r.list(n, func(n *yaml.Node) {
		for word := range strings.SplitSeq(r.text(n), ",") {
			read(n, strings.TrimSpace(word))
		}
	})
}

func (r *reader) ports(n *yaml.Node) []generator.Port {
	n, ok := r.resolve(n, PortsType)
	if !ok {
		return nil
	}
	var out []generator.Port
	r.words(n, func(n *yaml.Node, word string) {
		list, err := ParsePorts(word)
		if err != nil {
			r.fault(n, "%v", err)
		}
		out = append(out, list...)
	})
	slices.SortFunc(out, generator.Port.Compare)
	return slices.Compact(out)
}

func (r *reader) namespaces(n *yaml.Node) []string {
	n, ok := r.resolve(n, NamespacesType, NamespaceType)
	if !ok {
		return nil
	}
	var out []string
	r.words(n, func(n *yaml.Node, word string) {
		if len(validation.IsDNS1123Label(word)) > 0 {
			r.fault(n, "%q is no name of a namespace", shortened(word))
		}
		out = append(out, word)
	})
	slices.Sort(out)
	return slices.Compact(out)
}

func (r *reader) addresses(n *yaml.Node) []netip.Prefix {
	n, ok := r.resolve(n, AddressesType)
	if !ok {
		return nil
	}
	var out []netip.Prefix
	r.words(n, func(n *yaml.Node, word string) {
		p, err := netip.ParsePrefix(word)
		if a, single := netip.ParseAddr(word); single == nil && a.Zone() == "" {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil || p.Masked() != p {
			r.fault(n, "%q is no block of addresses, which is written like 192.0.2.0/24, without host bits", shortened(word))
			return
		}
		out = append(out, generator.CIDRPeerOf(p).Prefix)
	})
	slices.SortFunc(out, netip.Prefix.Compare)
	return slices.Compact(out)
}

func (r *reader) domains(n *yaml.Node) []string {
	n, ok := r.resolve(n, DomainsType)
	if !ok {
		return nil
	}
	var out []string
	r.words(n, func(n *yaml.Node, word string) {
		name := strings.ToLower(strings.TrimSuffix(word, "."))
		if bare := strings.TrimPrefix(name, "*."); len(validation.IsDNS1123Subdomain(bare)) > 0 || !strings.Contains(bare, ".") {
			r.fault(n, "%q is no domain name, which is written like api.example.com or *.example.com", shortened(word))
		}
		out = append(out, name)
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// service reads "namespace/name" or "name".
func (r *reader) service(n *yaml.Node) (namespace, name string) {
	n, ok := r.resolve(n, ServiceType)
	if !ok {
		return "", ""
	}
	text := r.text(n)
	name = text
	if before, after, both := strings.Cut(text, "/"); both {
		namespace, name = before, after
		if len(validation.IsDNS1123Label(namespace)) > 0 {
			r.fault(n, "%q is no name of a namespace", shortened(namespace))
		}
	}
	if len(validation.IsDNS1123Label(name)) > 0 {
		r.fault(n, "%q is no name of a Service", shortened(text))
	}
	return namespace, name
}

// labels are those of pods; every marks all pods of a namespace.
type labels struct {
	every bool
	pairs map[string]string
}

// workloads reads "all" or labels. No labels at all are a fault: they would mean
// all pods to one reader and none to another.
func (r *reader) workloads(n *yaml.Node) labels {
	n, ok := r.resolve(n, WorkloadsType)
	if !ok {
		return labels{}
	}
	out := labels{pairs: map[string]string{}}
	add := func(n *yaml.Node, key, value string) {
		_, twice := out.pairs[key]
		switch {
		case twice:
			r.fault(n, "label %q is there twice", shortened(key))
		case len(validation.IsQualifiedName(key)) > 0 || len(validation.IsValidLabelValue(value)) > 0:
			r.fault(n, "%q is no label", shortened(key+"="+value))
		case generator.Churns(key):
			r.fault(n, "label %q changes from one release to the next, so nothing may depend on it", key)
		}
		out.pairs[key] = value
	}
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Value == "all" {
			return labels{every: true}
		}
		for pair := range strings.SplitSeq(r.text(n), ",") {
			key, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			add(n, key, value)
		}
		return out
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if key, value := n.Content[i], n.Content[i+1]; r.plain(key) && r.plain(value) && value.Kind == yaml.ScalarNode {
				add(key, key.Value, value.Value)
			} else {
				r.fault(key, "the value of a label is a text")
			}
		}
	case yaml.DocumentNode, yaml.SequenceNode, yaml.AliasNode:
	}
	if len(out.pairs) == 0 {
		r.fault(n, `labels of pods are expected here, or "all"`)
	}
	return out
}

func (p Parameter) String() string { return fmt.Sprintf("%s (%s)", p.Name, p.Type) }
