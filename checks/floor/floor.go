// SPDX-License-Identifier: Apache-2.0

// Package floor says how a policy of the gateway asks for less than it did: what a floor
// must not do in passing. It compares two specs as JSON and knows no inventory; the check
// weakened-policy (EXP-051) calls it.
package floor

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// Looser is one way in which a policy asks for less.
type Looser struct {
	Field string // "spec.rateLimits[user].limit": entries of lists by their names
	What  string // what the change does: "drops the limit \"user\""
}

// Access lists how an AccessPolicy asks for less after a change of its spec, its targets
// and its mode left out, ordered by field. The maps are not changed.
func Access(before, after map[string]any) []Looser {
	d := &weakening{}
	d.access(before, after)
	return d.sorted(before, after)
}

// Traffic is Access for a TrafficPolicy.
func Traffic(before, after map[string]any) []Looser {
	d := &weakening{}
	d.traffic(before, after)
	return d.sorted(before, after)
}

// weakening compares what two policies say and collects what the second asks less for.
// What it does not know it takes for less.
type weakening struct{ found []Looser }

func (d *weakening) sorted(before, after map[string]any) []Looser {
	d.others("spec", before, after, "mode", "targetRefs", "authentication", "authorization", "forward", "externalAuth", "rateLimits", "onStoreFailure", "concurrency")
	slices.SortStableFunc(d.found, func(a, b Looser) int { return cmp.Compare(a.Field, b.Field) })
	return d.found
}

func (d *weakening) add(at, what string) { d.found = append(d.found, Looser{at, what}) }

// others reports every field that differs and is not among those that somebody compares.
func (d *weakening) others(at string, before, after map[string]any, compared ...string) {
	keys := map[string]bool{}
	for k := range before {
		keys[k] = true
	}
	for k := range after {
		keys[k] = true
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if !slices.Contains(compared, k) && !reflect.DeepEqual(before[k], after[k]) {
			d.add(at+"."+k, "changes "+k)
		}
	}
}

// same reports a value that differs at all.
func (d *weakening) same(at string, before, after any, what string) {
	if !reflect.DeepEqual(before, after) {
		d.add(at, what)
	}
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// child is a field of an object that is one itself; nil where there is none.
func child(m map[string]any, key string) map[string]any { return object(m[key]) }

// named returns the entries of a list by their names.
func named(v any) map[string]map[string]any {
	list, _ := v.([]any)
	out := make(map[string]map[string]any, len(list))
	for _, entry := range list {
		m := object(entry)
		name, _ := m["name"].(string)
		out[name] = m
	}
	return out
}

// union lists the keys of two maps in order.
func union[V any](a, b map[string]V) []string {
	keys := maps.Clone(a)
	if keys == nil {
		keys = map[string]V{}
	}
	maps.Copy(keys, b)
	return slices.Sorted(maps.Keys(keys))
}

func texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, 0, len(list))
	for _, entry := range list {
		text, _ := entry.(string)
		out = append(out, text)
	}
	return out
}

// within reports whether every text of a list is in another one.
func within(part, whole []string) bool {
	return !slices.ContainsFunc(part, func(s string) bool { return !slices.Contains(whole, s) })
}

// number reads a whole number as JSON or YAML has it; false for anything else.
func number(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case float64:
		return int64(n), n == float64(int64(n))
	case int:
		return int64(n), true
	}
	return 0, false
}

func duration(v any) (time.Duration, bool) {
	text, ok := v.(string)
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d > 0
}

// quotedName names an entry of a list in messages.
func quotedName(name string) string { return strconv.Quote(name) }
