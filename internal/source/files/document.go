// SPDX-License-Identifier: Apache-2.0

package files

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// reading is one file in the course of being read. Its faults are kept apart
// until the end: only then is it known whether the file holds objects at all.
type reading struct {
	l      *loader
	source source
	origin *origin // set for what kustomize made
	items  []Item
	faults []*Fault
	skips  []Skip

	broken    bool // some document could not be parsed
	emptyList bool // some List has no items: that is no fault
}

// text reads every document of a text.
func (l *loader) text(s source, data []byte) {
	r := &reading{l: l, source: s}
	for i, c := range split(data) {
		if err := l.ctx.Err(); err != nil {
			l.faults = append(l.faults, err)
			return
		}
		if c.isEmpty() {
			continue
		}
		r.chunk(c, i)
		if p := l.options.Progress; p != nil {
			p(len(l.result.Items) + len(r.items))
		}
	}
	r.settle(data)
}

// settle decides what the file was: objects and faults, or something that a
// folder walk passes over.
func (r *reading) settle(data []byte) {
	l := r.l
	switch {
	case len(r.items) > 0:
	case r.source.named:
		switch {
		case len(r.faults)+len(r.skips) > 0 || r.emptyList:
		case len(bytes.TrimSpace(data)) == 0:
			r.fault(0, errors.New("is empty"))
		default:
			r.fault(0, errors.New("holds no Kubernetes object"))
		}
	case r.broken && looksLikeTemplate(data):
		l.skip(r.source.file, "is a template, not a manifest")
		return
	case len(r.faults) == 0:
		l.skip(r.source.file, "holds no Kubernetes object")
		return
	}
	l.result.Items = append(l.result.Items, r.items...)
	for _, s := range r.skips {
		if r.source.named || len(r.items) > 0 && s.Reason == noKind {
			r.faults = append(r.faults, &Fault{File: s.File, Line: s.Line, Err: errors.New(s.Reason)})
			continue
		}
		l.result.Skipped = append(l.result.Skipped, s)
	}
	for _, f := range r.faults {
		l.faults = append(l.faults, f)
	}
}

// Reasons for which a document is no object.
const (
	noKind = "has no apiVersion and kind"
	noMeta = "is configuration, not an API object: it has no metadata"
)

func (r *reading) fault(line int, err error) {
	r.faults = append(r.faults, &Fault{File: r.source.file, Line: line, Err: err})
}

func (r *reading) skip(line int, reason string) {
	r.skips = append(r.skips, Skip{File: r.source.file, Line: line, Reason: reason})
}

func (r *reading) chunk(c chunk, index int) {
	nodes, err := parse(c.text)
	if err != nil {
		r.broken = true
		r.chunkFault(c, err)
	}
	again := nodesOf(c.text)
	for i, n := range nodes {
		doc := &document{text: c.text, nodes: again, line: c.line, index: i, left: max(maxExpanded, 2*len(c.text))}
		r.node(object{doc: doc, node: n, document: index, element: -1})
	}
}

// chunkFault places a fault of a chunk in its file.
func (r *reading) chunkFault(c chunk, err error) {
	line := c.line
	if le, ok := errors.AsType[*lineError](err); ok {
		line += le.line - 1
	}
	r.fault(line, err)
}

// object is a node that may be an object or a List.
type object struct {
	doc      *document
	node     *yaml.Node
	document int
	element  int
	steps    []int
	of       schema.GroupVersionKind // what the elements of a typed List are
}

func (o object) line() int { return firstLine(o.node) + o.doc.line - 1 }

func firstLine(n *yaml.Node) int {
	if n.Kind == yaml.MappingNode && len(n.Content) > 0 {
		return n.Content[0].Line
	}
	return max(n.Line, 1)
}

func (r *reading) node(o object) {
	n := resolveAlias(o.node)
	switch {
	case n.Kind == yaml.ScalarNode:
		if v, err := valueOf(n); err == nil && v == nil {
			r.fault(o.line(), errors.New("is null, not an object"))
			return
		}
		r.skip(o.line(), noKind)
		return
	case n.Kind != yaml.MappingNode:
		r.skip(o.line(), noKind)
		return
	}
	o.node = n
	gvk, ok := r.kindOf(o)
	if !ok {
		return
	}
	if items, isList := listItems(n, gvk); isList {
		r.list(o, gvk, items)
		return
	}
	if o.element < 0 && len(o.doc.text) > MaxDocument {
		r.fault(o.line(), errLarge(len(o.doc.text)))
		return
	}
	r.object(o, gvk)
}

// kindOf reads apiVersion and kind; elements of a typed List may leave both to
// the List.
func (r *reading) kindOf(o object) (schema.GroupVersionKind, bool) {
	version, err1 := stringAt(o.node, "apiVersion")
	kind, err2 := stringAt(o.node, "kind")
	if err := errors.Join(err1, err2); err != nil {
		r.broken = true
		r.fault(o.line(), err)
		return schema.GroupVersionKind{}, false
	}
	switch {
	case version == "" && kind == "" && !o.of.Empty():
		return o.of, true
	case kind == "":
		r.skip(o.line(), noKind)
		return schema.GroupVersionKind{}, false
	case version == "":
		r.fault(o.line(), fmt.Errorf("is a %s without apiVersion", kind))
		return schema.GroupVersionKind{}, false
	}
	gv, err := schema.ParseGroupVersion(version)
	if err != nil {
		r.fault(o.line(), fmt.Errorf("apiVersion %q is not of the form group/version", version))
		return schema.GroupVersionKind{}, false
	}
	return gv.WithKind(kind), true
}

// stringAt returns a top-level string, "" when it is absent or null.
func stringAt(n *yaml.Node, key string) (string, error) {
	v := resolveAlias(value(n, key))
	if v == nil {
		return "", nil
	}
	if v.Kind == yaml.ScalarNode {
		s, err := valueOf(v)
		if err != nil {
			return "", err
		}
		switch s := s.(type) {
		case string:
			return s, nil
		case nil:
			return "", nil
		}
	}
	return "", fmt.Errorf("%s is not a string", key)
}

// listItems returns the items when the object is a List: the kind List itself,
// or a kind that ends so and has items.
func listItems(n *yaml.Node, gvk schema.GroupVersionKind) (*yaml.Node, bool) {
	if !strings.HasSuffix(gvk.Kind, "List") {
		return nil, false
	}
	items := resolveAlias(value(n, "items"))
	if gvk.Kind == "List" && gvk.Group == "" {
		return items, true
	}
	_, known := inventory.KindOf(schema.GroupKind{Group: gvk.Group, Kind: strings.TrimSuffix(gvk.Kind, "List")})
	return items, known || items != nil && items.Kind == yaml.SequenceNode
}

func (r *reading) list(o object, gvk schema.GroupVersionKind, items *yaml.Node) {
	r.emptyList = r.emptyList || items == nil || len(items.Content) == 0
	switch {
	case items == nil, items.Kind == yaml.ScalarNode && items.Tag == "!!null":
		return
	case items.Kind != yaml.SequenceNode:
		r.fault(o.line(), fmt.Errorf("%s: items is not a list", gvk.Kind))
		return
	case len(o.steps) >= maxLists:
		r.fault(o.line(), fmt.Errorf("nests more than %d Lists", maxLists))
		return
	}
	of := schema.GroupVersionKind{}
	if gvk.Kind != "List" {
		of = gvk.GroupVersion().WithKind(strings.TrimSuffix(gvk.Kind, "List"))
	}
	for i, n := range items.Content {
		steps := append(append(make([]int, 0, len(o.steps)+1), o.steps...), i)
		r.node(object{doc: o.doc, node: n, document: o.document, element: i, steps: steps, of: of})
	}
}

// maxLists bounds how deeply Lists may hold Lists; aliases could otherwise
// multiply one List within itself.
const maxLists = 3
