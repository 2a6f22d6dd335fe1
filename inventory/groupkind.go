// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"reflect"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupKindOf returns the kind of an object: of a typed one by its Go type, so
// that objects whose TypeMeta was never set (those of a typed client) have one.
func GroupKindOf(o Object) schema.GroupKind {
	if gk, typed := kindOfType[reflect.TypeOf(o)]; typed {
		return gk
	}
	return o.GetObjectKind().GroupVersionKind().GroupKind()
}

var kindOfType = indexTypes()

func indexTypes() map[reflect.Type]schema.GroupKind {
	out := map[reflect.Type]schema.GroupKind{}
	for _, k := range kinds {
		if k.New != nil {
			out[reflect.TypeOf(k.New())] = k.GroupKind
		}
	}
	return out
}
