// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"net/netip"
	"slices"

	"github.com/gatehouse-sh/gatehouse/checks/cel"
)

// pinTexts is the list of the pinned addresses, as written.
func pinTexts(row *Provider) string {
	out := make([]string, 0, len(row.PinKeys))
	for _, group := range row.PinKeys {
		list := "[]"
		for _, key := range slices.Backward(group) {
			list = cel.If(isSet(key), cel.When(valueOf(key)+`.trim() != ""`, valueOf(key)+`.split(",")`), list)
		}
		out = append(out, list)
	}
	return cel.Concat(out...)
}

// Pins is the list of the addresses that an object asks for, as written: those of
// Verdict.PinnedAddresses before they are read.
func Pins(object Object, src Source, cfg Config) string {
	b := builder{object: object, cfg: &cfg, allowed: table.allowed(object, &cfg)}
	lists := []string{`(address == "" ? [] : address.split(","))`}
	for i := range table.rows {
		if row := &table.rows[i]; b.allowed.has(i) && len(row.PinKeys) > 0 {
			lists = append(lists, cel.When(chosen(row, b.meant(i)), pinTexts(row)))
		}
	}
	body := cel.Concat(lists...)
	for _, v := range src.bindings() {
		body = cel.Let(v.name, v.value, body)
	}
	return body
}

// Private reports whether an expression, the text of an address that isIP
// accepts, is an address that the internet cannot reach or the operator trusts.
func Private(address string, trusted []netip.Prefix) string {
	return cel.InNetworks(address, slices.Concat(privateBlocks, trusted))
}

// Ranges is SourceRanges in CEL: a list of ranges, empty when anyone may connect,
// and ["?"] when the restriction cannot be read here. spec is the list of the
// Service's field.
func Ranges(annotations, spec string) string {
	out := "[]"
	for i := range slices.Backward(rangeKeys) {
		k := &rangeKeys[i]
		applies := []string{isSet(k.annotation), valueOf(k.annotation) + `.trim() != ""`}
		for j := range k.also {
			applies = append(applies, selects(&k.also[j]))
		}
		list := `["?"]`
		if k.format == commaList {
			list = valueOf(k.annotation) + `.split(",").map(t, t.trim())`
		}
		out = cel.If(cel.All(applies...), list, out)
	}
	out = cel.Let("s", spec, cel.If("s != []", "s.map(t, t.trim())", out))
	return cel.Let("a", annotations, out)
}

// read is KeyRule.read of a value that is present: whether it decides, and what
// it says then.
func read(k *KeyRule) (decides, scheme string) {
	v := valueOf(k.Annotation)
	switch k.Rule {
	case NonEmptyExceptFalse:
		return v + ` != ""`, cel.If(v+` == "false"`, `"open"`, `"internal"`)
	case ExactTrue:
		return "", cel.If(v+` == "true"`, `"internal"`, `"open"`)
	case TrueFalseOrDefault:
		return v + ` in ["true", "false"]`, cel.If(v+` == "true"`, `"internal"`, `"open"`)
	case ParseBool:
		return "", cel.If(v+" in "+trueTexts, `"internal"`, `"open"`)
	case Equals:
		passes := slices.DeleteFunc(slices.Clone(k.Ignored), func(s string) bool { return slices.Contains(k.Internal, s) || slices.Contains(k.Public, s) })
		if len(passes) > 0 {
			decides = cel.Not(v + " in " + cel.Strings(passes...))
		}
		otherwise := says(k.Otherwise)
		if k.Otherwise == Internal {
			otherwise = cel.If(v+" in "+cel.Strings(k.Public...), `"open"`, otherwise)
		}
		return decides, cel.If(v+" in "+cel.Strings(k.Internal...), `"internal"`, otherwise)
	case PresentNonEmpty:
		return v + ` != ""`, `"internal"`
	case JSONTypeInner:
		return "", `"?"`
	case NamesExisting:
		return v + ` != ""`, `"open"`
	case PublishesWhenTrue:
		return cel.All(v+` != ""`, cel.Not(v+".trim() in "+falseTexts)), `"open"`
	case Refuse:
	}
	return "", `"open"`
}
