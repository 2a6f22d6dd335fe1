// SPDX-License-Identifier: Apache-2.0

package templates

import (
	"net/netip"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/notation"
)

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
		list, err := notation.ParsePorts(word)
		if err != nil {
			r.fault(n, "%v", err)
		}
		out = append(out, list...)
	})
	slices.SortFunc(out, generator.Port.Compare)
	return slices.Compact(out)
}

// namespace reads the name of one namespace.
func (r *reader) namespace(n *yaml.Node) string {
	n, ok := r.resolve(n, NamespaceType)
	if !ok {
		return ""
	}
	name := r.text(n)
	if len(validation.IsDNS1123Label(name)) > 0 {
		r.fault(n, "%q is no name of a namespace", notation.Shortened(name))
	}
	return name
}

func (r *reader) namespaces(n *yaml.Node) []string {
	n, ok := r.resolve(n, NamespacesType, NamespaceType)
	if !ok {
		return nil
	}
	var out []string
	r.words(n, func(n *yaml.Node, word string) {
		if len(validation.IsDNS1123Label(word)) > 0 {
			r.fault(n, "%q is no name of a namespace", notation.Shortened(word))
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
		p, err := notation.ParseBlock(word)
		if err != nil {
			r.fault(n, "%q is no block of addresses, which is written like 192.0.2.0/24, without host bits", notation.Shortened(word))
			return
		}
		out = append(out, p)
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
		name, ok := notation.ParseDomain(word)
		if !ok {
			r.fault(n, "%q is no domain name, which is written like api.example.com or *.example.com", notation.Shortened(word))
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
			r.fault(n, "%q is no name of a namespace", notation.Shortened(namespace))
		}
	}
	if len(validation.IsDNS1123Label(name)) > 0 {
		r.fault(n, "%q is no name of a Service", notation.Shortened(text))
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
			r.fault(n, "label %q is there twice", notation.Shortened(key))
		case len(validation.IsQualifiedName(key)) > 0 || len(validation.IsValidLabelValue(value)) > 0:
			r.fault(n, "%q is no label", notation.Shortened(key+"="+value))
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
			key, value, both := strings.Cut(strings.TrimSpace(pair), "=")
			if !both {
				r.fault(n, `%q is no label, which is written key=value; all pods are "all"`, notation.Shortened(pair))
				continue
			}
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
