// SPDX-License-Identifier: Apache-2.0

package files

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// object decodes one object and adds it to the file's items.
func (r *reading) object(o object, gvk schema.GroupVersionKind) {
	budget := min(o.doc.left, maxExpanded) // of a List each element has its own
	granted := budget
	data, err := emit(o.node, &budget)
	o.doc.left -= granted - budget
	if err != nil {
		r.broken = true
		r.chunkFault(chunk{line: o.doc.line}, err)
		return
	}
	kind, known := inventory.KindOf(gvk.GroupKind())
	if !known && value(o.node, "metadata") == nil {
		r.skip(o.line(), noMeta)
		return
	}
	decoded, strict, err := decode(kind, gvk, data)
	if err != nil {
		r.decodeFault(o, gvk, err)
		return
	}
	if decoded.GetName() == "" && decoded.GetGenerateName() == "" {
		r.fault(o.line(), fmt.Errorf("%s has no metadata.name", gvk.Kind))
		return
	}
	item := Item{
		Object: decoded, GVK: gvk, File: r.source.file, Line: o.line(), Document: o.document, Element: o.element,
		Positions: &Positions{doc: o.doc, steps: o.steps, file: r.source.file, line: o.line()},
	}
	if r.origin != nil {
		r.origin.place(&item)
	}
	r.items = append(r.items, item)
	r.warn(item, kind, strict)
}

// decode is inventory.Decode that also names the fields which the type lacks.
func decode(kind inventory.Kind, gvk schema.GroupVersionKind, data []byte) (inventory.Object, []error, error) {
	if kind.New == nil {
		o, err := inventory.Decode(gvk, data)
		if err == nil {
			// Elements of a typed List may lack their kind.
			o.GetObjectKind().SetGroupVersionKind(gvk)
		}
		return o, nil, err
	}
	o := kind.New()
	strict, err := kjson.UnmarshalStrict(data, o, kjson.DisallowUnknownFields)
	if err != nil {
		return nil, nil, fmt.Errorf("decode %s: %w", gvk.Kind, err)
	}
	o.GetObjectKind().SetGroupVersionKind(gvk)
	return o, strict, nil
}

// decodeFault places a fault of decoding at the value that has the wrong type,
// as far as the decoder says.
func (r *reading) decodeFault(o object, gvk schema.GroupVersionKind, err error) {
	line := o.line()
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		line = lineAt(o.node, wrong.Offset) + o.doc.line - 1
		err = fmt.Errorf("decode %s: %s is a %s where %s is wanted", gvk.Kind, orObject(wrong.Field), wrong.Value, wrong.Type)
	}
	r.fault(line, err)
}

func orObject(field string) string {
	if field == "" {
		return "it"
	}
	return field
}

// pendingWarning waits for the object's namespace to be settled.
type pendingWarning struct {
	item    int // index into result.Items of its file's first item, plus its own
	warning Warning
}

// warn notes what an API server would drop or refuse, and versions that are read
// as another.
func (r *reading) warn(item Item, kind inventory.Kind, strict []error) {
	index := len(r.l.result.Items) + len(r.items) - 1
	add := func(field, message string) {
		file, line := item.Positions.Locate(field)
		r.l.pending = append(r.l.pending, pendingWarning{index, Warning{File: file, Line: line, Field: field, Message: message}})
	}
	if kind.BuiltIn && kind.New != nil && item.GVK.Version != kind.Version {
		add("apiVersion", fmt.Sprintf("version %s is read as %s: fields that differ are not seen", item.GVK.Version, kind.Version))
	}
	for _, fault := range refused(item.Object) {
		add(fault.Field, fault.Error())
	}
	for _, err := range strict {
		var f kjson.FieldError
		if !errors.As(err, &f) {
			add("", err.Error())
			continue
		}
		what, _, _ := strings.Cut(f.Error(), ` "`)
		add(f.FieldPath(), fmt.Sprintf("%s %s", what, f.FieldPath()))
	}
}
