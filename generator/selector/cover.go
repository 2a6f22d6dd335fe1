// SPDX-License-Identifier: Apache-2.0

package selector

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// maxValues bounds the values of one expression: a reader loses count earlier,
// and a selector stays a few kilobytes.
const maxValues = 100

// Cover returns few selectors that together select the classes of one namespace
// and no others: one for all of them where a key tells them from the rest, or
// several. Every class must have a selector of its own (One), and none be given
// twice. The order of the answer is that of the classes.
func (x *Index) Cover(namespace string, classes []*Class) []Selection {
	s := x.space(namespace)
	place := make(map[*Class]int, len(classes))
	for i, c := range classes {
		place[c] = i
	}
	var out []Selection
	rest := slices.Clone(classes)
	for len(rest) > 1 {
		key, some := s.bestKey(rest)
		if len(some) < len(rest) {
			if p, ok := s.common(rest); ok {
				out = append(out, Selection{Pods: selectorOf([]pair{p}), Classes: rest})
				rest = nil
				break
			}
		}
		if len(some) < 2 {
			break
		}
		taken := make(map[*Class]bool, len(some))
		for _, part := range parts(key, some) {
			out = append(out, Selection{Pods: among(key, part), Classes: part})
			for _, c := range part {
				taken[c] = true
			}
		}
		rest = slices.DeleteFunc(rest, func(c *Class) bool { return taken[c] })
	}
	for _, c := range rest {
		if one, err := x.One(c); err == nil {
			out = append(out, one)
		}
	}
	for i := range out {
		slices.SortFunc(out[i].Classes, func(a, b *Class) int { return cmp.Compare(place[a], place[b]) })
	}
	slices.SortFunc(out, func(a, b Selection) int { return cmp.Compare(place[a.Classes[0]], place[b.Classes[0]]) })
	return out
}

// bestKey returns the key by whose values the most classes can be selected
// together, and those classes; of equal keys, the one that is best for them.
func (s *space) bestKey(classes []*Class) (string, []*Class) {
	in := make(map[*Class]bool, len(classes))
	keys := map[string]bool{}
	for _, c := range classes {
		in[c] = true
		for _, p := range c.pairs {
			keys[p.key] = true
		}
	}
	best, bestRank := "", 0
	var most []*Class
	for key := range keys {
		some, rank := s.selectable(key, classes, in)
		if best == "" || cmp.Or(cmp.Compare(len(some), len(most)), cmp.Compare(bestRank, rank), strings.Compare(best, key)) > 0 {
			best, bestRank, most = key, rank, some
		}
	}
	return best, most
}

// selectable returns the classes whose value of a key no class outside has, and
// how good the key is for the one for which it is worst.
func (s *space) selectable(key string, classes []*Class, in map[*Class]bool) ([]*Class, int) {
	var out []*Class
	worst := 0
	apart := map[string]bool{}
	for _, c := range classes {
		v, has := c.value(key)
		if !has {
			continue
		}
		ok, known := apart[v]
		if !known {
			ok = !slices.ContainsFunc(s.byPair[pair{key, v}], func(o *Class) bool { return !in[o] })
			apart[v] = ok
		}
		if ok {
			out = append(out, c)
			worst = max(worst, c.rank(key))
		}
	}
	return out, worst
}

// parts cuts classes into parts of at most maxValues values of a key. Those that
// share a value stay together.
func parts(key string, classes []*Class) [][]*Class {
	byValue := map[string][]*Class{}
	for _, c := range classes {
		v, _ := c.value(key)
		byValue[v] = append(byValue[v], c)
	}
	var out [][]*Class
	for values := range slices.Chunk(slices.Sorted(maps.Keys(byValue)), maxValues) {
		var part []*Class
		for _, v := range values {
			part = append(part, byValue[v]...)
		}
		out = append(out, part)
	}
	return out
}

// common returns a pair that all these classes carry, and no other does.
func (s *space) common(classes []*Class) (pair, bool) {
	for _, p := range classes[0].ranked() {
		if len(s.byPair[p]) == len(classes) && !slices.ContainsFunc(classes, func(c *Class) bool { return !c.has([]pair{p}) }) {
			return p, true
		}
	}
	return pair{}, false
}

// among selects by one key and the values that the classes have of it.
func among(key string, classes []*Class) metav1.LabelSelector {
	var values []string
	for _, c := range classes {
		v, _ := c.value(key)
		values = append(values, v)
	}
	slices.Sort(values)
	if values = slices.Compact(values); len(values) == 1 {
		return selectorOf([]pair{{key, values[0]}})
	}
	return metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: key, Operator: metav1.LabelSelectorOpIn, Values: values}}}
}
