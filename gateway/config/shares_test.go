// SPDX-License-Identifier: Apache-2.0

package config

import (
	"reflect"
	"testing"
)

// whole is a value of which no field is the zero one, nor an empty list.
func whole(of reflect.Value) {
	switch of.Kind() { //nolint:exhaustive // the others are words
	case reflect.Struct:
		for _, field := range of.Fields() {
			if field.CanSet() {
				whole(field)
			}
		}
	case reflect.Slice:
		of.Set(reflect.MakeSlice(of.Type(), 1, 1))
	case reflect.Map:
		of.Set(reflect.MakeMap(of.Type()))
	case reflect.Pointer:
		of.Set(reflect.New(of.Type().Elem()))
	default:
		other(of)
	}
}

// other changes a value of one word.
func other(v reflect.Value) {
	switch {
	case v.Kind() == reflect.String:
		v.SetString(v.String() + "x")
	case v.CanInt():
		v.SetInt(v.Int() + 1)
	case v.Kind() == reflect.Bool:
		v.SetBool(!v.Bool())
	}
}

// eachOther calls each for every field that is no struct while it is another one: a list, a map
// and a pointer are others though they say the same, and are none.
func eachOther(v reflect.Value, name string, each func(name string)) {
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			eachOther(v.Field(i), name+"."+v.Type().Field(i).Name, each)
		}
		return
	}
	was := reflect.New(v.Type()).Elem()
	was.Set(v)
	if other(v); reflect.DeepEqual(v.Interface(), was.Interface()) {
		whole(v)
	}
	each(name)
	v.SetZero()
	each(name + " is none")
	v.Set(was)
}

// TestEveryFieldHasAPartInWhatIsShared: one that were left out would change without being
// judged.
func TestEveryFieldHasAPartInWhatIsShared(t *testing.T) {
	t.Parallel()
	var r Route
	var b Backend
	whole(reflect.ValueOf(&r).Elem())
	whole(reflect.ValueOf(&b).Elem())
	nowRoute, nowBackend, seen := r, b, 0
	if !r.shares(&nowRoute) || !b.shares(&nowBackend) {
		t.Fatal("a copy is another one")
	}
	for _, tc := range []struct {
		now   any
		share func() bool
	}{
		{&nowRoute, func() bool { return r.shares(&nowRoute) }},
		{&nowBackend, func() bool { return b.shares(&nowBackend) }},
	} {
		of := reflect.ValueOf(tc.now).Elem()
		eachOther(of, of.Type().Name(), func(name string) {
			if seen++; tc.share() {
				t.Errorf("%s has no part", name)
			}
		})
	}
	if !r.shares(&nowRoute) || !b.shares(&nowBackend) {
		t.Error("they were not put back")
	}
	if seen < 60 {
		t.Errorf("%d changes", seen)
	}
}
