// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"iter"

	corev1 "k8s.io/api/core/v1"
)

// probes are how many rows are looked at to find a selector's rarest label: few
// at first, more when every label is more common than that.
var probes = [...]int{32, 512}

// Selected yields the workloads of a namespace whose pods carry every label of
// the selector. An empty selector selects nothing, as in a Service.
func (inv *Inventory) Selected(namespace string, selector map[string]string) iter.Seq[*Workload] {
	return func(yield func(*Workload) bool) {
		if len(selector) == 0 {
			return
		}
		visit := func(e *Entry) bool { return !Matches(selector, e.Workload.Labels) || yield(e.Workload) }
		pivot := longest(namespace, selector)
		inv.noteIndex(byLabel, pivot, matchABC) // whatever it selects carries this pair
		var few [8]*Entry
		n := 0
		scanTree(inv.postings[byLabel], pivot, matchABC, func(e *Entry) bool {
			if n < len(few) {
				few[n] = e
			}
			n++
			return n <= len(few)
		})
		if n > len(few) {
			inv.scan(inv.postings[byLabel], byLabel, inv.rarest(namespace, selector), matchABC, visit)
			return
		}
		for _, e := range few[:n] {
			if !inv.over.hides(e.Key) && !visit(e) {
				return
			}
		}
		inv.scanOverlay(byLabel, pivot, matchABC, visit)
	}
}

// longest returns the pivot of the selector pair with the longest value. It is
// the most particular one more often than not ("tier: front", "app: web-4711"),
// and when few workloads carry it no other need be looked at.
func longest(namespace string, selector map[string]string) words {
	best := words{a: namespace}
	for k, v := range selector {
		if best.b == "" || len(v) > len(best.c) || len(v) == len(best.c) && k < best.b {
			best.b, best.c = k, v
		}
	}
	return best
}

// rarest returns the pivot of the selector pair with the fewest workloads.
func (inv *Inventory) rarest(namespace string, selector map[string]string) words {
	if len(selector) == 1 {
		k, v := firstPair(selector)
		return words{a: namespace, b: k, c: v}
	}
	var best words
	for _, limit := range probes {
		fewest := limit
		for k, v := range selector {
			pivot, n := words{a: namespace, b: k, c: v}, 0
			scanTree(inv.postings[byLabel], pivot, matchABC, func(*Entry) bool { n++; return n < fewest })
			if n < fewest || best.b == "" {
				best, fewest = pivot, min(n, fewest)
			}
		}
		if fewest < limit {
			break
		}
	}
	return best
}

// Matches reports whether labels carry every pair of a non-empty selector.
func Matches(selector, labels map[string]string) bool {
	if len(selector) == 0 {
		return false
	}
	for k, v := range selector {
		if got, present := labels[k]; !present || got != v {
			return false
		}
	}
	return true
}

// Selecting yields the Services of a namespace whose selector matches a pod
// with these labels.
func (inv *Inventory) Selecting(namespace string, labels map[string]string) iter.Seq[*corev1.Service] {
	return func(yield func(*corev1.Service) bool) {
		for k, v := range labels {
			more := true
			inv.scan(inv.postings[bySelector], bySelector, words{a: namespace, b: k, c: v}, matchABC, func(e *Entry) bool {
				s, ok := e.Object.(*corev1.Service)
				if ok && Matches(s.Spec.Selector, labels) {
					more = yield(s)
				}
				return more
			})
			if !more {
				return
			}
		}
	}
}

// Selector is a Service and the pair of its selector that sorts first; both are
// empty for one without a selector. No other pair need be looked at where a pod
// lacks this one.
type Selector struct {
	Key, Value string
	entry      *Entry
}

// Service returns the Service; nil for an entry of another type.
func (s Selector) Service() *corev1.Service {
	svc, _ := s.entry.Object.(*corev1.Service)
	return svc
}

// Selectors yields the Services of a namespace, ordered by that pair.
func (inv *Inventory) Selectors(namespace string) iter.Seq[Selector] {
	return func(yield func(Selector) bool) {
		inv.scanWords(bySelector, words{a: namespace}, matchA, func(w *words, e *Entry) bool { return yield(Selector{w.b, w.c, e}) })
	}
}
