// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"maps"
	"slices"
	"strings"
)

// set is a set of rows by their position in the table, which holds at most 64 (a test says so).
type set uint64

func (s set) has(row int) bool { return s&(1<<row) != 0 }

// index is the table with what Classify needs to find the rows that an object is meant for in one pass over its
// annotations.
type index struct {
	rows      []Provider
	byName    map[string]int
	byKey     map[string]set
	byClass   [objectKinds]map[string]set
	ofObject  [objectKinds]set
	namedOnly set
	prefixes  []prefixMark
}

type prefixMark struct {
	prefix string
	rows   set
}

// table is built once from the rows and never written afterwards.
var table = newIndex(slices.Concat(cloudRows(), moreCloudRows(), addressRows(), ingressRows()))

func newIndex(rows []Provider) *index {
	x := &index{rows: rows, byName: map[string]int{}, byKey: map[string]set{}}
	for kind := range x.byClass {
		x.byClass[kind] = map[string]set{}
	}
	prefixes := map[string]set{}
	for i := range rows {
		row, bit := &rows[i], set(1)<<i
		x.byName[row.Name] = i
		x.ofObject[row.Object] |= bit
		if row.NamedOnly {
			x.namedOnly |= bit
		}
		for _, class := range row.Classes {
			x.byClass[row.Object][class.Name] |= bit
		}
		for _, key := range row.annotations() {
			x.byKey[key] |= bit
		}
		for _, mark := range row.Marks {
			prefixes[mark] |= bit
		}
	}
	for _, prefix := range slices.Sorted(maps.Keys(prefixes)) {
		x.prefixes = append(x.prefixes, prefixMark{prefix, prefixes[prefix]})
	}
	return x
}

// annotations are the keys of a row that, present, say that its controller is meant.
func (p *Provider) annotations() []string {
	keys := slices.Concat(slices.Concat(p.PinKeys...), p.PoolKeys)
	for _, key := range p.Keys {
		keys = append(keys, key.Annotation)
	}
	if p.Selector != nil {
		keys = append(keys, p.Selector.Annotation)
	}
	return keys
}

// meant is the set of rows that the annotations point to.
func (x *index) meant(annotations map[string]string) set {
	var found set
	for key := range annotations {
		found |= x.byKey[key]
		for i := range x.prefixes {
			if strings.HasPrefix(key, x.prefixes[i].prefix) {
				found |= x.prefixes[i].rows
			}
		}
	}
	return found
}

// allowed is the set of rows for this kind of object that the configuration lets apply.
func (x *index) allowed(object Object, cfg *Config) set {
	if len(cfg.Providers) == 0 {
		return x.ofObject[object] &^ x.namedOnly
	}
	var named set
	for _, name := range cfg.Providers {
		if i, ok := x.byName[name]; ok {
			named |= 1 << i
		}
	}
	return named & x.ofObject[object]
}

// Providers is the table, in the order in which rows are tried. The caller owns the slice but not what it points to.
func Providers() []Provider { return slices.Clone(table.rows) }

// Lookup returns the row of a controller by its Provider.Name.
func Lookup(name string) (Provider, bool) {
	i, known := table.byName[name]
	if !known {
		return Provider{}, false
	}
	return table.rows[i], true
}

// KnownClass says whether some controller of the table serves Services with this spec.loadBalancerClass.
func KnownClass(loadBalancerClass string) bool {
	return table.byClass[ServiceObject][loadBalancerClass] != 0
}

// KnownIngressClass says whether a controller of the table serves Ingresses with this class.
func KnownIngressClass(class string) bool { return table.byClass[IngressObject][class] != 0 }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
