// SPDX-License-Identifier: Apache-2.0

package selector

import (
	"cmp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Selection is a selector and the classes that it selects, which are all of
// their namespace that it matches.
type Selection struct {
	Pods    metav1.LabelSelector // shared: read only
	Classes []*Class
}

// maxSearched is the greatest number of labels of a selector that is found by
// trying all of that size; with 20 labels there are 1,140 of size three.
const maxSearched = 3

// maxTried bounds the labels that are tried in all combinations.
const maxTried = 20

// One returns the selector of one class: what the owner selects by, when that
// is exact; otherwise the fewest labels; and keys that must be absent only where
// no labels are enough. The error is ErrNoLabels or ErrExpected.
func (x *Index) One(c *Class) (Selection, error) {
	if len(c.pairs) == 0 {
		return Selection{}, ErrNoLabels
	}
	if c.expected {
		return Selection{}, ErrExpected
	}
	if c.chosen == nil {
		c.chosen = &Selection{Pods: x.space(c.Workloads[0].ID.Namespace).choose(c), Classes: []*Class{c}}
	}
	return *c.chosen, nil
}

func (s *space) choose(c *Class) metav1.LabelSelector {
	if own := c.ownSelector(); s.alone(c, own) {
		return selectorOf(own)
	}
	ranked := c.ranked()
	tried := ranked[:min(len(ranked), maxTried)]
	for size := 1; size <= min(maxSearched, len(tried)); size++ {
		if found := s.search(c, tried, nil, size); found != nil {
			return selectorOf(found)
		}
	}
	if s.alone(c, ranked) {
		return selectorOf(fewer(ranked, func(rest []pair) bool { return s.alone(c, rest) }))
	}
	return s.without(c)
}

// ownSelector returns the pairs by which the owners find the pods; nil when a
// policy may not select by one of them, or when the owners do not agree.
func (c *Class) ownSelector() []pair {
	var out []pair
	for key := range c.Workloads[0].Selector {
		if !c.owned(key) {
			return nil
		}
		value, _ := c.value(key)
		out = append(out, pair{key, value})
	}
	return out
}

// search returns the first choice of so many more pairs, in their order, that
// selects the class alone; nil when there is none.
func (s *space) search(c *Class, from, chosen []pair, size int) []pair {
	if size == 0 {
		if s.alone(c, chosen) {
			return chosen
		}
		return nil
	}
	for i := 0; i+size <= len(from); i++ {
		if found := s.search(c, from[i+1:], append(slices.Clip(chosen), from[i]), size-1); found != nil {
			return found
		}
	}
	return nil
}

// fewer leaves out pairs, the worst first, as long as what is left is enough.
func fewer(pairs []pair, enough func([]pair) bool) []pair {
	for i := range slices.Backward(pairs) { // what is left out lies behind
		if rest := slices.Delete(slices.Clone(pairs), i, i+1); len(rest) > 0 && enough(rest) {
			pairs = rest
		}
	}
	return pairs
}

// without selects a class whose labels another class has and more: those that
// have more carry a key that this class does not. There is one for each of
// them, since two classes with the same labels are one.
func (s *space) without(c *Class) metav1.LabelSelector {
	all := s.matching(c.pairs)
	apart := func(list []*Class, absent []string) bool {
		return !slices.ContainsFunc(list, func(o *Class) bool {
			return o != c && !slices.ContainsFunc(absent, func(key string) bool { _, has := o.value(key); return has })
		})
	}
	var absent []string
	for rest := slices.Clone(all); len(rest) > 1; { // c itself
		count := map[string]int{}
		for _, o := range rest {
			for _, p := range o.pairs {
				if _, has := c.value(p.key); !has {
					count[p.key]++
				}
			}
		}
		best := ""
		for key, n := range count {
			if best == "" || cmp.Or(cmp.Compare(n, count[best]), strings.Compare(best, key)) > 0 {
				best = key
			}
		}
		absent = append(absent, best)
		rest = slices.DeleteFunc(rest, func(o *Class) bool { _, has := o.value(best); return has })
	}
	for _, key := range slices.Clone(absent) { // those that were chosen later may say as much
		if few := slices.DeleteFunc(slices.Clone(absent), func(k string) bool { return k == key }); apart(all, few) {
			absent = few
		}
	}
	pairs := fewer(c.ranked(), func(few []pair) bool { return apart(s.matching(few), absent) })
	out := selectorOf(pairs)
	slices.Sort(absent)
	for _, key := range absent {
		out.MatchExpressions = append(out.MatchExpressions, metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpDoesNotExist})
	}
	return out
}

func selectorOf(pairs []pair) metav1.LabelSelector {
	out := metav1.LabelSelector{MatchLabels: make(map[string]string, len(pairs))}
	for _, p := range pairs {
		out.MatchLabels[p.key] = p.value
	}
	return out
}
