// SPDX-License-Identifier: Apache-2.0

// Package cel writes the CEL of the backstops: small functions from expressions
// to expressions, as text. It neither parses nor evaluates; the API server does,
// and the integration tests hold its verdicts against those of the checks.
//
// All expressions are over untyped values. A path is written with a question
// mark at every step that may be absent: "self.?spec.?type".
package cel

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

// Quote writes a string literal.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	b.WriteByte('"')
	return b.String()
}

// Strings writes a list of string literals in the order given.
func Strings[S ~string](list ...S) string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, Quote(string(s)))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// Sorted is Strings of a map's keys, in order.
func Sorted[V any](m map[string]V) string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return Strings(keys...)
}

// All joins conditions that must all hold; none is true.
func All(conditions ...string) string { return join(conditions, " && ", "true") }

// Any joins conditions of which one must hold; none is false.
func Any(conditions ...string) string { return join(conditions, " || ", "false") }

func join(conditions []string, with, none string) string {
	conditions = slices.DeleteFunc(slices.Clone(conditions), func(c string) bool { return c == "" })
	switch len(conditions) {
	case 0:
		return none
	case 1:
		return conditions[0]
	}
	out := make([]string, 0, len(conditions))
	for _, c := range conditions {
		out = append(out, "("+c+")")
	}
	return strings.Join(out, with)
}

// Not negates a condition.
func Not(condition string) string { return "!(" + condition + ")" }

// If chooses between two expressions of one type.
func If(condition, then, otherwise string) string {
	return "(" + condition + " ? " + then + " : " + otherwise + ")"
}

// When is a list if a condition holds, and the empty list otherwise.
func When(condition, list string) string { return If(condition, list, "[]") }

// Let evaluates a value once and names it in an expression.
func Let(name, value, in string) string {
	return "[" + value + "].map(" + name + ", " + in + ")[0]"
}

// Text reads an optional string; "" when it is absent.
func Text(path string) string { return path + `.orValue("")` }

// Bool reads an optional boolean; false when it is absent.
func Bool(path string) string { return path + ".orValue(false)" }

// List reads an optional list; empty when it is absent or something else.
func List(path string) string {
	return Let("l", path+".orValue(null)", "type(l) == list ? l : []")
}

// Map reads an optional map; empty when it is absent or something else.
func Map(path string) string {
	return Let("m", path+".orValue(null)", "type(m) == map ? m : {}")
}

// Flatten makes one list of a list of lists of strings. No string may hold a line
// break.
func Flatten(lists string) string {
	return Let("f", lists+`.map(l, l.join("\n")).filter(s, s != "").join("\n")`, `f == "" ? [] : f.split("\n")`)
}

// Concat joins lists.
func Concat(lists ...string) string {
	if len(lists) == 0 {
		return "[]"
	}
	return "(" + strings.Join(lists, " + ") + ")"
}

// InNetworks reports whether an expression, the text of an address that isIP
// accepts, lies in one of the networks. Networks that are not valid hold nothing.
func InNetworks(address string, networks []netip.Prefix) string {
	var list []string
	for _, p := range networks {
		if p.IsValid() {
			list = append(list, p.Masked().String())
		}
	}
	if len(list) == 0 {
		return "false"
	}
	return Strings(list...) + ".exists(n, cidr(n).containsIP(" + address + "))"
}
