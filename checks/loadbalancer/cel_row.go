// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks/cel"
)

// row is a list with what one row says, empty when it does not apply.
func (b builder) row(i int) string {
	row := &table.rows[i]
	applies := chosen(row, b.meant(i))
	return cel.When(applies, b.byClass(row, b.byKeys(row)))
}

func classNames(row *Provider) []string {
	out := make([]string, 0, len(row.Classes))
	for _, c := range row.Classes {
		out = append(out, c.Name)
	}
	return out
}

// meant says that an object without class is for the row's controller: choose
// and handOver.
func (b builder) meant(i int) string {
	row := &table.rows[i]
	own := marked(row)
	if len(b.cfg.Providers) == 1 {
		own = "true" // the only controller of the cluster
	}
	if row.Selector != nil && b.allowed.has(table.byName[row.Supersedes]) {
		return cel.All(own, selects(row.Selector))
	}
	for j := range table.rows {
		over := &table.rows[j]
		if over.Selector == nil || over.Supersedes != row.Name || !b.allowed.has(j) {
			continue
		}
		own = cel.All(own, cel.Not(cel.All(marked(over), selects(over.Selector))))
	}
	return own
}

// marked says that an annotation points to the row.
func marked(row *Provider) string { return anyKey(row.annotations(), row.Marks) }

// anyKey says that there is one of the annotations, or one with such a prefix.
func anyKey(keys, prefixes []string) string {
	var conditions []string
	keys = slices.DeleteFunc(slices.Clone(keys), func(k string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(k, p) })
	})
	if slices.Sort(keys); len(keys) > 0 {
		conditions = append(conditions, "k in "+cel.Strings(slices.Compact(keys)...))
	}
	for _, prefix := range prefixes {
		conditions = append(conditions, "k.startsWith("+cel.Quote(prefix)+")")
	}
	if len(conditions) == 0 {
		return "false"
	}
	return "a.exists(k, " + cel.Any(conditions...) + ")"
}

// chosen says that a row applies, by class or by annotations.
func chosen(row *Provider, meant string) string {
	classes := classNames(row)
	switch {
	case meant == "false":
		return "class in " + cel.Strings(classes...)
	case len(classes) == 0:
		return "!hasClass && (" + meant + ")"
	}
	return cel.If("hasClass", "class in "+cel.Strings(classes...), meant)
}

func selects(s *Selector) string {
	return cel.All(isSet(s.Annotation), oneOf(valueOf(s.Annotation), s.Values, s.Case))
}

// schemes are the classes of a row that say the scheme by themselves.
func (b builder) schemes(row *Provider) map[string]Scheme {
	out := map[string]Scheme{}
	for _, c := range row.Classes {
		if c.Scheme != Unknown {
			out[c.Name] = c.Scheme
		}
		if stated, ok := b.cfg.Classes[c.Name]; ok {
			out[c.Name] = stated
		}
	}
	return out
}

// byClass is what the class alone says, or what the keys do.
func (b builder) byClass(row *Provider, byKeys string) string {
	schemes := b.schemes(row)
	out := byKeys
	for _, name := range slices.Backward(sortedKeys(schemes)) {
		out = cel.If("class == "+cel.Quote(name), "["+says(schemes[name])+"]", out)
	}
	return out
}

// byKeys is what the row's annotations say, in order, and else the address or
// the default.
func (b builder) byKeys(row *Provider) string {
	var conditions []string
	for _, k := range b.cfg.Extra {
		if k.Provider == row.Name {
			conditions = append(conditions, isSet(k.Annotation))
		}
	}
	out := "[" + b.byDefault(row) + "]"
	if len(conditions) > 0 { // an operator's key replaces the default of its controller
		out = cel.If(cel.Any(conditions...), "[]", out)
	}
	if row.ByAddress {
		out = cel.Let("pins", pinTexts(row)+` + (address == "" ? [] : [address])`,
			cel.If("pins != []", "["+b.judgedPins()+"]", cel.If("pools", `["?"]`, out)))
		if row.SpecPin == SpecPinExcludes {
			out = cel.If(pinTexts(row)+` != [] && address != ""`, `["open"]`, out)
		}
	}
	for i := range slices.Backward(row.Keys) {
		decides, scheme := read(&row.Keys[i])
		out = cel.If(cel.All(isSet(row.Keys[i].Annotation), decides), "["+scheme+"]", out)
	}
	return out
}

func (b builder) byDefault(row *Provider) string {
	scheme := row.Default
	if b.cfg.DefaultScheme != Unknown && (row.DefaultIsSetting || row.Default == Unknown) {
		scheme = b.cfg.DefaultScheme
	}
	return says(scheme)
}
