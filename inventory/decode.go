// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"
)

// MaxDepth bounds how deeply a document may nest. Kubernetes' own JSON decoder
// gives up at 10,000; no kind that Gatehouse reads nests deeper than 30.
const MaxDepth = 512

// Decode reads one JSON object. A known kind comes back typed, any other as
// *unstructured.Unstructured. Field names are case-sensitive, as in the API
// server; unknown fields are left out of typed objects.
func Decode(gvk schema.GroupVersionKind, data []byte) (Object, error) {
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		return nil, fmt.Errorf("decode %s: %w", gvk.Kind, errNull)
	}
	kind, known := KindOf(gvk.GroupKind())
	if !known || kind.New == nil {
		u := &unstructured.Unstructured{}
		var content map[string]any
		if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &content); err != nil {
			return nil, fmt.Errorf("decode %s: %w", gvk.Kind, err)
		}
		u.Object = content
		return u, nil
	}
	o := kind.New()
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, o); err != nil {
		return nil, fmt.Errorf("decode %s: %w", gvk.Kind, err)
	}
	return o, nil
}

var errNull = errors.New("is null, not an object")

// DecodeAny is Decode for data that names its own apiVersion and kind.
func DecodeAny(data []byte) (Object, schema.GroupVersionKind, error) {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	// Case-sensitive, as in the API server: "Kind" must not decide over "kind".
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &head); err != nil {
		return nil, schema.GroupVersionKind{}, fmt.Errorf("decode object: %w", err)
	}
	if head.APIVersion == "" || head.Kind == "" {
		return nil, schema.GroupVersionKind{}, errors.New("decode object: apiVersion or kind is missing")
	}
	gv, err := schema.ParseGroupVersion(head.APIVersion)
	if err != nil {
		return nil, schema.GroupVersionKind{}, fmt.Errorf("decode object: apiVersion: %w", err)
	}
	gvk := gv.WithKind(head.Kind)
	o, err := Decode(gvk, data)
	return o, gvk, err
}

// KeyOf returns the identity of an object. Typed objects need no TypeMeta.
func KeyOf(o Object) Key {
	return Key{Kind: GroupKindOf(o), Namespace: o.GetNamespace(), Name: o.GetName()}
}

func compareStrings(pairs ...string) int {
	for i := 0; i+1 < len(pairs); i += 2 {
		if c := cmp.Compare(pairs[i], pairs[i+1]); c != 0 {
			return c
		}
	}
	return 0
}
