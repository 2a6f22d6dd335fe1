// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"reflect"
	"testing"
)

// TestEveryFieldOfAStateCounts: a state is another one when any object of it is, though it
// says the same, or has gone, or is known for another reason not to be.
func TestEveryFieldOfAStateCounts(t *testing.T) {
	t.Parallel()
	full := func() *Objects {
		o := &Objects{}
		for _, f := range reflect.ValueOf(o).Elem().Fields() {
			if f.Kind() == reflect.Map {
				f.Set(reflect.ValueOf(map[Name]string{{Namespace: "shop", Name: "a"}: "may not be read"}))
				continue
			}
			f.Set(reflect.MakeSlice(f.Type(), 2, 2))
			for n := range 2 {
				f.Index(n).Set(reflect.New(f.Type().Elem().Elem()))
			}
		}
		return o
	}
	is := full()
	copied := *is
	if !is.Same(&copied) || !(&Objects{}).Same(&Objects{}) {
		t.Error("a state is not the same as itself")
	}
	fields := reflect.TypeFor[Objects]().NumField()
	if fields < 20 {
		t.Fatalf("%d fields", fields)
	}
	for i := range fields {
		name := reflect.TypeFor[Objects]().Field(i).Name
		fresh := reflect.ValueOf(full()).Elem().Field(i)
		for what, change := range map[string]func(reflect.Value){
			"other objects": func(f reflect.Value) {
				if f.Kind() == reflect.Map {
					f.Set(reflect.ValueOf(map[Name]string{{Namespace: "shop", Name: "a"}: "is not known yet"}))
					return
				}
				f.Set(fresh)
			},
			"one fewer": func(f reflect.Value) {
				if f.Kind() == reflect.Map {
					f.Set(reflect.ValueOf(map[Name]string{}))
					return
				}
				f.Set(f.Slice(0, 1))
			},
		} {
			other := *is
			change(reflect.ValueOf(&other).Elem().Field(i))
			if is.Same(&other) || other.Same(is) {
				t.Errorf("%s, %s: counts as the same", name, what)
			}
		}
	}
}
