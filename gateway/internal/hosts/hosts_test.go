// SPDX-License-Identifier: Apache-2.0

package hosts

import (
	"slices"
	"strings"
	"testing"
)

func TestTheMostSpecificNameIsFound(t *testing.T) {
	t.Parallel()
	var m Map[string]
	names := []string{"a.example.com", "*.example.com", "*.b.example.com", "?.b.example.com", "?.c.example.com", "*"}
	for _, n := range names {
		m.Set(n, &n)
	}
	for host, want := range map[string]string{
		"a.example.com": "a.example.com", "b.example.com": "*.example.com", "c.b.example.com": "?.b.example.com", "d.c.b.example.com": "*.b.example.com",
		"x.c.example.com": "?.c.example.com", "y.x.c.example.com": "*.example.com", "c.example.com": "*.example.com",
		"x.a.example.com": "*.example.com", "example.com": "*", "aexample.com": "*", ".example.com": "*", "": "*", "[2001:db8::1]": "*", "192.0.2.1": "*",
	} {
		if got := m.Find(host); got == nil || *got != want {
			t.Errorf("%q: got %v, want %s", host, got, want)
		}
		for name, v := range m.Fitting(host) {
			if name != want || *v != want {
				t.Errorf("%q: the first that fits is %s, want %s", host, name, want)
			}
			break
		}
	}
	for _, n := range names {
		if got := m.Get(n); got == nil || *got != n {
			t.Errorf("%s is %v", n, got)
		}
	}
	var all []string
	for v := range m.All() {
		all = append(all, *v)
	}
	slices.Sort(all)
	if want := slices.Sorted(slices.Values(names)); !slices.Equal(all, want) {
		t.Errorf("all are %q, want %q", all, want)
	}
}

func TestNothingIsFoundInNothing(t *testing.T) {
	t.Parallel()
	var m Map[int]
	if m.Find("a") != nil || m.Get("*.a") != nil || m.Get("?.a") != nil || m.Get("*") != nil {
		t.Error("something is found")
	}
	for range m.All() {
		t.Error("there is a value")
	}
}

func TestEveryNameThatFitsIsTold(t *testing.T) {
	t.Parallel()
	var m Map[string]
	for _, n := range []string{"a.b.example.com", "?.b.example.com", "*.b.example.com", "*.example.com", "*.com", "*", "b.example.com"} {
		m.Set(n, &n)
	}
	for host, want := range map[string]string{
		"a.b.example.com": "a.b.example.com ?.b.example.com *.b.example.com *.example.com *.com *",
		"x.y.example.com": "*.example.com *.com *",
		".example.com":    "*",
		"[2001:db8::1]":   "*",
		"":                "*",
	} {
		var got []string
		for name, v := range m.Fitting(host) {
			if *v != name {
				t.Errorf("%q: %s has the value of %s", host, name, *v)
			}
			got = append(got, name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %v, want %s", host, got, want)
		}
	}
}
