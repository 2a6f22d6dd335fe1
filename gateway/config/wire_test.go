// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fill gives everything below a value something that is not zero, and counts it. What is
// of a seed of its own differs from its neighbours.
func fill(t *testing.T, v reflect.Value, seed *int) {
	t.Helper()
	*seed++
	switch v.Interface().(type) {
	case netip.AddrPort:
		v.Set(reflect.ValueOf(netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(*seed)}), uint16(*seed))))
		return
	case netip.Prefix:
		v.Set(reflect.ValueOf(netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(*seed)}), 32)))
		return
	}
	switch v.Kind() { //nolint:exhaustive // the others are told
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(1 + *seed%100))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(1 + *seed%100))
	case reflect.Float64:
		v.SetFloat(1.0 / float64(*seed))
	case reflect.String:
		v.SetString("a <\"b\"> & \u2028 \\ " + strings.Repeat("x", *seed%7))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), seed)
	case reflect.Struct:
		for _, f := range v.Fields() {
			fill(t, f, seed)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), seed)
		fill(t, v.Index(1), seed)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(t, key, seed)
			fill(t, value, seed)
			v.SetMapIndex(key, value)
		}
	default:
		t.Fatalf("a snapshot has %s, which cannot be handed over", v.Type())
	}
}

func TestASnapshotIsHandedOverWhole(t *testing.T) {
	t.Parallel()
	full, filled := &Snapshot{}, 0
	fill(t, reflect.ValueOf(full).Elem(), &filled)
	if filled < 500 {
		t.Fatalf("only %d values were filled in", filled)
	}
	zero := 0
	for name, s := range map[string]*Snapshot{
		"that has everything":            full,
		"that has nothing":               {},
		"with a weight of zero":          {Routes: []Route{{Target: Target{Backends: []Weighted{{Name: "b", Weight: &zero}}}}}},
		"with a list that is none":       {Routes: []Route{{Hosts: []string{}}}},
		"with a secret of no bytes":      {Certificates: []Certificate{{Key: Secret{}}}},
		"with parts that say nothing":    {Listeners: []Listener{{TLS: &TLS{Client: &ClientCertificates{CAs: [][]byte{nil, {}}}}, HSTS: &HSTS{}}}},
		"with what could not be had":     {AccessPolicies: []AccessPolicy{{Name: "a", Unresolved: "there is no Secret"}}, TrafficPolicies: []TrafficPolicy{{Unresolved: "nor here"}}},
		"with bytes that are no letters": {Certificates: []Certificate{{Cert: []byte{0xff, 0}, Key: Secret("\xfe")}}},
	} {
		text, err := s.Encode()
		if err != nil {
			t.Errorf("a snapshot %s: %v", name, err)
			continue
		}
		got, err := Unencode(text)
		if err != nil {
			t.Errorf("a snapshot %s: %v", name, err)
			continue
		}
		if !reflect.DeepEqual(got, s) {
			t.Errorf("a snapshot %s:\n%s", name, cmp.Diff(s, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })))
		}
		if again, err := got.Encode(); err != nil || string(again) != string(text) {
			t.Errorf("a snapshot %s has another text the second time: %v", name, err)
		}
	}
}

func TestWhatCannotBeHandedOverIsAFault(t *testing.T) {
	t.Parallel()
	if text, err := (&Snapshot{Listeners: []Listener{{Name: "\xff"}}}).Encode(); err == nil || !strings.Contains(err.Error(), "encode snapshot.Listeners[0].Name: it is not UTF-8") {
		t.Errorf("got %s, %v", text, err)
	}
	for text, says := range map[string]string{
		``:                                       "EOF",
		`null`:                                   "there is none",
		`{} {}`:                                  "something follows it",
		`[]`:                                     "cannot unmarshal array",
		`{"Listeners":[{"Name":"a","Nw":true}]}`: `unknown field "Nw"`,
		`{"Listeners":[{"Name":1}]}`:             "cannot unmarshal number",
		`{"Certificates":[{"Key":"!"}]}`:         "illegal base64",
	} {
		if got, err := Unencode([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	if got, err := Unencode([]byte(`{"Listeners":[{"Name":"a"}]}`)); err != nil || got.Listeners[0].Name != "a" {
		t.Errorf("got %v, %v", got, err)
	}
}

func FuzzUnencode(f *testing.F) {
	f.Add([]byte(`{"Listeners":[{"Name":"a","Address":"192.0.2.1:80"}],"Certificates":[{"Key":"AA=="}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Unencode(text)
		if err != nil {
			return
		}
		_ = s.Validate() // it does not panic
		again, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Unencode(again); err != nil || !reflect.DeepEqual(got, s) {
			t.Fatalf("%s\n%v", again, err)
		}
	})
}
