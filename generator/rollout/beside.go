// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/util/sets"
)

// beside returns a selector of pods that none of some others select, a pod with
// these labels among them; false where one selects that. Of each of the others it
// denies the first requirement that the pod does not meet, so that pods which are
// alike share a selector.
func beside(pod labels.Set, others []labels.Requirements) (metav1.LabelSelector, bool) {
	not := map[string]sets.Set[string]{} // by key: values that it must not have
	var all []metav1.LabelSelectorRequirement
	for _, requirements := range others {
		i := slices.IndexFunc(requirements, func(q labels.Requirement) bool { return !q.Matches(pod) })
		if i < 0 {
			return metav1.LabelSelector{}, false
		}
		switch q := &requirements[i]; q.Operator() { //nolint:exhaustive // label selectors of Kubernetes have no others
		case selection.In, selection.Equals, selection.DoubleEquals:
			if not[q.Key()] == nil {
				not[q.Key()] = sets.Set[string]{}
			}
			not[q.Key()].Insert(q.ValuesUnsorted()...)
		case selection.NotIn, selection.NotEquals:
			all = append(all, metav1.LabelSelectorRequirement{Key: q.Key(), Operator: metav1.LabelSelectorOpIn, Values: q.Values().List()})
		case selection.Exists:
			all = append(all, metav1.LabelSelectorRequirement{Key: q.Key(), Operator: metav1.LabelSelectorOpDoesNotExist})
		case selection.DoesNotExist:
			all = append(all, metav1.LabelSelectorRequirement{Key: q.Key(), Operator: metav1.LabelSelectorOpExists})
		default:
			return metav1.LabelSelector{}, false
		}
	}
	for key, values := range not {
		all = append(all, metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpNotIn, Values: sets.List(values)})
	}
	slices.SortFunc(all, func(a, b metav1.LabelSelectorRequirement) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Operator, b.Operator), slices.Compare(a.Values, b.Values))
	})
	all = slices.CompactFunc(all, func(a, b metav1.LabelSelectorRequirement) bool {
		return a.Key == b.Key && a.Operator == b.Operator && slices.Equal(a.Values, b.Values)
	})
	return metav1.LabelSelector{MatchExpressions: all}, true
}

// strangers are pods that have what some selectors ask for and nothing else: one
// that nobody has seen yet is most like them.
func strangers(selectors []labels.Selector) []labels.Set {
	out := make([]labels.Set, 0, len(selectors))
	for _, s := range selectors {
		pod := labels.Set{}
		requirements, _ := s.Requirements()
		for i := range requirements {
			if values := requirements[i].Values().List(); len(values) > 0 && requirements[i].Operator() != selection.NotIn {
				pod[requirements[i].Key()] = values[0]
			}
		}
		out = append(out, pod)
	}
	return out
}
