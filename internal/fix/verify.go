// SPDX-License-Identifier: Apache-2.0

package fix

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-sh/gatehouse/internal/source/files"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// verify reads the result and compares all of it with what was wanted: the
// generic values, which hold also what the types do not know, and the objects.
func verify(ctx context.Context, out []byte, nodes []*object, items []files.Item, want []inventory.Object) error {
	wrong := &RefusalError{Why: "the change cannot be written without changing more than it should"}
	docs, err := parse(out)
	if err != nil {
		return wrong
	}
	patched := objectsOf(docs)
	again, err := load(ctx, out)
	if err != nil || len(patched) != len(nodes) || len(again) != len(items) {
		return wrong
	}
	for i := range nodes {
		was, err1 := generic(nodes[i].Node)
		is, err2 := generic(patched[i].Node)
		if err1 != nil || err2 != nil {
			return wrong
		}
		if nodes[i].wanted != nil {
			was = nodes[i].wanted(was)
		}
		if !reflect.DeepEqual(was, is) || want[i] != nil && !sameObject(want[i], again[i].Object) {
			return wrong
		}
	}
	return nil
}

// generic decodes a node and brings numbers into the form of valueOf.
func generic(n *yaml.Node) (any, error) {
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, err
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return out, dec.Decode(&out)
}

// sameObject compares two objects apart from their namespace, which depends on
// what else was read.
func sameObject(a, b inventory.Object) bool {
	a, okA := a.DeepCopyObject().(inventory.Object)
	b, okB := b.DeepCopyObject().(inventory.Object)
	if !okA || !okB {
		return false
	}
	a.SetNamespace("")
	b.SetNamespace("")
	x, y, err := values(a, b)
	return err == nil && reflect.DeepEqual(x, y)
}

// merge makes the change from before to after in a value that may hold more
// than before does.
func merge(have, before, after any) any {
	switch a := after.(type) {
	case map[string]any:
		h, okHave := have.(map[string]any)
		b, okBefore := before.(map[string]any)
		if !okHave || !okBefore {
			return after
		}
		for k := range b {
			if _, kept := a[k]; !kept {
				delete(h, k)
			}
		}
		for k, v := range a {
			old, had := b[k]
			switch {
			case !had:
				h[k] = v
			case !reflect.DeepEqual(old, v):
				h[k] = merge(h[k], old, v)
			}
		}
		return h
	case []any:
		h, okHave := have.([]any)
		b, okBefore := before.([]any)
		if !okHave || !okBefore {
			return after
		}
		if len(a) == len(b) && len(h) == len(b) {
			for i := range a {
				h[i] = merge(h[i], b[i], a[i])
			}
			return h
		}
		if keep, ok := subsequence(b, a); ok && len(h) == len(b) {
			out := make([]any, 0, len(keep))
			for _, i := range keep {
				out = append(out, h[i])
			}
			return out
		}
		return append(h, a[len(b):]...)
	}
	if reflect.DeepEqual(before, after) {
		return have
	}
	return after
}

// subsequence returns the indexes of a's elements in b when a is b with some
// elements left out.
func subsequence(b, a []any) ([]int, bool) {
	if len(a) >= len(b) {
		return nil, false
	}
	var keep []int
	for i := range b {
		if len(keep) < len(a) && reflect.DeepEqual(b[i], a[len(keep)]) {
			keep = append(keep, i)
		}
	}
	return keep, len(keep) == len(a)
}

// extends reports whether a begins with all of b.
func extends(b, a []any) bool {
	return len(a) > len(b) && reflect.DeepEqual(b, a[:len(b):len(b)])
}
