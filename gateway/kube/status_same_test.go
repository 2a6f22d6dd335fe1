// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"reflect"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// variants are values that differ from one by one field each, and some that say the same in
// other words.
func variants[T any](of T) []*T {
	out := []*T{&of}
	for i := range reflect.TypeFor[T]().NumField() {
		for _, to := range alternatives(reflect.ValueOf(of).Field(i)) {
			own := of
			reflect.ValueOf(&own).Elem().Field(i).Set(to)
			out = append(out, &own)
		}
	}
	return out
}

func alternatives(v reflect.Value) []reflect.Value {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var out []reflect.Value
	switch {
	case v.Kind() == reflect.Pointer:
		out = append(out, reflect.Zero(v.Type()))
		for _, to := range append(alternatives(reflect.New(v.Type().Elem()).Elem()), reflect.Zero(v.Type().Elem())) {
			p := reflect.New(v.Type().Elem())
			p.Elem().Set(to)
			out = append(out, p)
		}
	case v.Kind() == reflect.String:
		out = append(out, reflect.ValueOf("a").Convert(v.Type()), reflect.ValueOf("b").Convert(v.Type()))
	case v.CanInt():
		out = append(out, reflect.ValueOf(1).Convert(v.Type()), reflect.ValueOf(2).Convert(v.Type()))
	case v.Kind() == reflect.Struct: // a time
		for _, t := range []time.Time{at, at.In(time.FixedZone("x", 3600)), at.Add(time.Second)} {
			out = append(out, reflect.ValueOf(metav1.NewTime(t)))
		}
	}
	return out
}

// TestStatusesAreComparedAsTheyAreElsewhere, whichever field is another one.
func TestStatusesAreComparedAsTheyAreElsewhere(t *testing.T) {
	t.Parallel()
	same, others := 0, 0
	count := func(is, want bool, a, b any) {
		if is {
			same++
		} else {
			others++
		}
		if is != want {
			t.Errorf("the same: %t, want %t: %+v and %+v", is, want, a, b)
		}
	}
	parents := variants(gatewayv1.ParentReference{Name: "a"})
	for _, a := range parents {
		for _, b := range parents {
			count(sameParent(a, b), equality.Semantic.DeepEqual(a, b), a, b)
		}
	}
	conditions := variants(metav1.Condition{Type: "Ready"})
	for _, a := range conditions {
		for _, b := range conditions {
			count(sameCondition(a, b), equality.Semantic.DeepEqual(a, b), a, b)
		}
	}
	if least := len(parents) + len(conditions); same <= least || others == 0 || least < 2*6+2*6 {
		t.Errorf("%d are the same and %d are not, of %d", same, others, least)
	}
}
