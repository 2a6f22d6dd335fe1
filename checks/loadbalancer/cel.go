// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks/cel"
)

// What the expression of Expression says.
const (
	SaysInternal = "internal" // Classify says Internal
	SaysOpen     = "open"     // Classify says Public or Unknown, which callers take alike
	SaysNothing  = "?"        // other objects decide, or the value is not read in CEL
)

const (
	trueTexts  = `["1", "t", "T", "TRUE", "true", "True"]`    // as strconv.ParseBool
	falseTexts = `["0", "f", "F", "FALSE", "false", "False"]` // as strconv.ParseBool
)

// Source is what an expression reads of an object, each as an expression.
type Source struct {
	Annotations string // a map
	Class       string // a string, "" when there is none
	HasClass    string // a condition
	Address     string // spec.loadBalancerIP, "" when there is none
	Pools       string // a condition: the cluster's address pools, which only an inventory knows, may decide
}

// Expression is Classify and its like in CEL: an expression whose value is one of
// the Says constants. It is never more certain than Classify: SaysInternal and
// SaysOpen are what Classify says of the object, whatever else the cluster holds.
func Expression(object Object, src Source, cfg Config) string {
	b := builder{object: object, cfg: &cfg, allowed: table.allowed(object, &cfg)}
	results := []string{b.extras(), b.orphans(), b.alwaysOpen(), b.byAddress()}
	for i := range table.rows {
		if b.allowed.has(i) && !b.plainlyOpen(i) && !b.plainlyByAddress(i) {
			results = append(results, b.row(i))
		}
	}
	results = slices.DeleteFunc(results, func(r string) bool { return r == "[]" })
	body := cel.Let("r", cel.Concat(results...), `"open" in r ? "open" : "?" in r ? "?" : r != [] ? "internal" : `+b.undecided())
	for _, v := range src.bindings() {
		body = cel.Let(v.name, v.value, body)
	}
	return body
}

// bindings name the parts of a source, the innermost first.
func (s Source) bindings() []struct{ name, value string } {
	return []struct{ name, value string }{
		{"pools", s.Pools}, {"address", s.Address}, {"hasClass", s.HasClass}, {"class", s.Class}, {"a", s.Annotations},
	}
}

// builder writes the parts of one expression. The names a (annotations), class,
// hasClass, address and pools are bound around them.
type builder struct {
	object  Object
	cfg     *Config
	allowed set
}

func says(s Scheme) string {
	if s == Internal {
		return `"internal"`
	}
	return `"open"`
}

// valueOf and isSet read an annotation.
func valueOf(key string) string { return "a[" + cel.Quote(key) + "]" }
func isSet(key string) string   { return cel.Quote(key) + " in a" }

// extras is the list of what the operator's own keys say.
func (b builder) extras() string {
	out := make([]string, 0, len(b.cfg.Extra))
	for _, k := range b.cfg.Extra {
		v := valueOf(k.Annotation)
		public, internal := oneOf(v, k.Public, k.Case), oneOf(v, k.Internal, k.Case)
		out = append(out, cel.When(isSet(k.Annotation), "["+cel.If(public, `"open"`, cel.If(internal, `"internal"`, `"open"`))+"]"))
	}
	return cel.Concat(out...)
}

func oneOf(value string, list []string, c Case) string {
	if c == CaseFold {
		// ASCII alone is folded here; a value with other letters is compared as it is.
		lower := make([]string, len(list))
		for i, v := range list {
			lower[i] = strings.ToLower(v)
		}
		return value + ".lowerAscii() in " + cel.Strings(lower...)
	}
	return value + " in " + cel.Strings(list...)
}

// undecided is what is said when no row applies and no key is set.
func (b builder) undecided() string {
	stated := b.classes(func(s Scheme) bool { return s == Internal })
	return cel.If("hasClass", cel.If("class in "+cel.Strings(stated...), `"internal"`, `"open"`), says(b.cfg.DefaultScheme))
}

// classes lists the classes of the configuration by scheme, in order.
func (b builder) classes(want func(Scheme) bool) []string {
	var out []string
	for _, name := range sortedKeys(b.cfg.Classes) {
		if want(b.cfg.Classes[name]) {
			out = append(out, name)
		}
	}
	return out
}

// orphans are the classes that the configuration calls open and that no row
// serves: for them the configuration speaks beside the operator's keys.
func (b builder) orphans() string {
	names := slices.DeleteFunc(b.classes(func(s Scheme) bool { return s != Internal }), func(name string) bool {
		return table.byClass[b.object][name]&b.allowed != 0
	})
	if len(names) == 0 {
		return "[]"
	}
	return cel.When("class in "+cel.Strings(names...), `["open"]`)
}

// overruled says that the configuration names a key or a class of a row, or that
// another row shares its annotations.
func (b builder) overruled(row *Provider) bool {
	return row.Selector != nil || slices.ContainsFunc(table.rows, func(o Provider) bool { return o.Supersedes == row.Name }) ||
		slices.ContainsFunc(b.cfg.Extra, func(k Key) bool { return k.Provider == row.Name }) || len(b.schemes(row)) > 0 || len(b.cfg.Providers) == 1
}

// plainlyOpen are rows that say open whatever the object says.
func (b builder) plainlyOpen(i int) bool {
	row := &table.rows[i]
	return len(row.Keys) == 0 && !row.ByAddress && !b.overruled(row) && b.byDefault(row) == says(Public)
}

// plainlyByAddress are rows by whose address alone is judged.
func (b builder) plainlyByAddress(i int) bool {
	row := &table.rows[i]
	return row.ByAddress && !b.overruled(row) && row.Default == Unknown &&
		!slices.ContainsFunc(row.Keys, func(k KeyRule) bool { return k.Rule != PublishesWhenTrue })
}

// alwaysOpen is what the rows that plainlyOpen says are say, together.
func (b builder) alwaysOpen() string {
	var classes, keys, marks []string
	for i := range table.rows {
		if row := &table.rows[i]; b.allowed.has(i) && b.plainlyOpen(i) {
			classes, keys, marks = append(classes, classNames(row)...), append(keys, row.annotations()...), append(marks, row.Marks...)
		}
	}
	if len(classes)+len(keys)+len(marks) == 0 {
		return "[]"
	}
	return cel.When(cel.If("hasClass", "class in "+cel.Strings(classes...), anyKey(keys, marks)), `["open"]`)
}

// byAddress is what the rows say that plainlyByAddress says are. A row that
// refuses an object stands for an address that is none: "!".
func (b builder) byAddress() string {
	var lists []string
	for i := range table.rows {
		row := &table.rows[i]
		if !b.allowed.has(i) || !b.plainlyByAddress(i) {
			continue
		}
		list := pinTexts(row) + ` + (address == "" ? [] : [address])`
		if row.SpecPin == SpecPinExcludes {
			list = cel.Let("p", pinTexts(row), `p != [] && address != "" ? ["!"] : p + (address == "" ? [] : [address])`)
		}
		for j := range row.Keys {
			decides, _ := read(&row.Keys[j])
			list = cel.If(cel.All(isSet(row.Keys[j].Annotation), decides), `["!"]`, list)
		}
		lists = append(lists, cel.When(chosen(row, b.meant(i)), "["+list+"]"))
	}
	if len(lists) == 0 {
		return "[]"
	}
	return cel.Concat(lists...) + ".map(pins, " + cel.If("pins != []", b.judgedPins(), cel.If("pools", `"?"`, b.byDefault(&Provider{}))) + ")"
}

// judgedPins is what a list of addresses says that is not empty.
func (b builder) judgedPins() string {
	one := cel.Let("t", "p.trim()", cel.If("isIP(t)", cel.If(Private("t", b.cfg.TrustedPools), `"internal"`, `"open"`),
		`(t.contains(":") ? "?" : "open")`)) // mapped addresses are not read
	return cel.Let("q", "pins.map(p, "+one+")", `"open" in q ? "open" : "?" in q ? "?" : "internal"`)
}
