// SPDX-License-Identifier: Apache-2.0

package templates

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-sh/gatehouse/generator/notation"
)

// reader walks the YAML of one template or of one parameter. It takes known
// fields alone and collects every fault with its line. References to parameters
// are replaced by their values where there are values (Apply), and only
// checked where there are none (Load).
type reader struct {
	place      string               // "dns/template.yaml", "template dns: parameter ports"
	parameters map[string]Parameter // by name; nil where references make no sense
	values     map[string]*yaml.Node
	unset      bool // a reference to a parameter without a value was met
	faults     []error
}

func (r *reader) fault(n *yaml.Node, format string, args ...any) {
	if n != nil && n.Line > 0 && r.values == nil {
		r.faults = append(r.faults, fmt.Errorf("%s:%d: %s", r.place, n.Line, fmt.Sprintf(format, args...)))
		return
	}
	r.faults = append(r.faults, fmt.Errorf("%s: %s", r.place, fmt.Sprintf(format, args...)))
}

// field is a field of a mapping: what reads it, and whether it must be there.
type field struct {
	name     string
	required bool
	read     func(*yaml.Node)
}

// fields reads a mapping. Unknown and repeated fields are faults, and so is what
// is missing; the order of the file does not matter.
func (r *reader) fields(n *yaml.Node, list ...field) {
	if n.Kind != yaml.MappingNode {
		r.fault(n, "fields are expected here, %s", names(list))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := slices.IndexFunc(list, func(f field) bool { return f.name == key.Value })
		switch {
		case key.Kind != yaml.ScalarNode || at < 0:
			r.fault(key, "unknown field %q: not one of %s", notation.Shortened(key.Value), names(list))
		case seen[key.Value]:
			r.fault(key, "field %q is there twice", key.Value)
		case r.plain(value):
			seen[key.Value] = true
			list[at].read(value)
		default:
			seen[key.Value] = true // its fault was said
		}
	}
	for _, f := range list {
		if f.required && !seen[f.name] {
			r.fault(n, "field %q is missing", f.name)
		}
	}
}

// plain refuses aliases, which make a small file large, and empty values, of
// which nobody knows whether they mean nothing or everything.
func (r *reader) plain(n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.fault(n, "anchors and aliases are not used in templates")
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		r.fault(n, "the value is missing")
	default:
		return true
	}
	return false
}

// list reads a sequence; a single value stands for a list of one. An empty list
// is a fault: it never means everything.
func (r *reader) list(n *yaml.Node, read func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		read(n)
		return
	}
	if len(n.Content) == 0 {
		r.fault(n, "the list is empty; leave the field out or say what is meant")
	}
	for _, item := range n.Content {
		if r.plain(item) {
			read(item)
		}
	}
}

// text reads a scalar as it is written.
func (r *reader) text(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		r.fault(n, "a single value is expected here")
		return ""
	}
	if strings.TrimSpace(n.Value) == "" {
		r.fault(n, "the value is missing")
	}
	return n.Value
}

// into returns a function that reads a text into a variable.
func (r *reader) into(to *string) func(*yaml.Node) {
	return func(n *yaml.Node) { *to = strings.TrimSpace(r.text(n)) }
}

// flag reads true or false, and none of the other words that YAML had for them.
func (r *reader) flag(n *yaml.Node) bool {
	n, ok := r.resolve(n, BooleanType)
	if !ok {
		return false
	}
	switch r.text(n) {
	case "true":
		return true
	case "false":
		return false
	}
	r.fault(n, "%q is neither true nor false", notation.Shortened(n.Value))
	return false
}

// resolve follows a reference, "$(name)", to the value of a parameter of one of
// the types. False where there is no value to read: the parameter has none, or
// the reference is a fault.
func (r *reader) resolve(n *yaml.Node, types ...Type) (*yaml.Node, bool) {
	name, is := reference(n)
	if !is {
		return n, true
	}
	p, known := r.parameters[name]
	switch {
	case !known:
		r.fault(n, "there is no parameter %q", notation.Shortened(name))
		return nil, false
	case !slices.Contains(types, p.Type):
		r.fault(n, "parameter %q is of type %s; here it must be %s", name, p.Type, types[0])
		return nil, false
	}
	value, set := r.values[name]
	if !set {
		r.unset = true
	}
	return value, set
}

// reference reads "$(name)".
func reference(n *yaml.Node) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		return "", false
	}
	inner, opened := strings.CutPrefix(n.Value, "$(")
	inner, closed := strings.CutSuffix(inner, ")")
	return inner, opened && closed
}

func names(list []field) string {
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = f.name
	}
	return strings.Join(out, ", ")
}
