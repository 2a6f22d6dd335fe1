// SPDX-License-Identifier: Apache-2.0

// Package reading is what the readers of the dialects whose objects the API server
// validates have in common.
package reading

import (
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// All reads every object of a list. All faults come together, each with the policy
// and the path of the field, and no policy then.
func All[T any](kind string, list []*T, read func(*T) (verify.Policy, field.ErrorList)) ([]verify.Policy, error) {
	out := make([]verify.Policy, 0, len(list))
	var faults []error
	for i, p := range list {
		if p == nil {
			faults = append(faults, fmt.Errorf("%s %d of the list is nil", kind, i))
			continue
		}
		policy, wrong := read(p)
		for _, fault := range wrong {
			faults = append(faults, fmt.Errorf("%s: %w", policy.Name, fault))
		}
		out = append(out, policy)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return out, nil
}

// Selector reads a selector of labels as the API server validates it. One with
// faults selects nothing.
func Selector(s *metav1.LabelSelector, path *field.Path) (labels.Selector, field.ErrorList) {
	faults := metav1validation.ValidateLabelSelector(s, metav1validation.LabelSelectorValidationOptions{}, path)
	if len(faults) == 0 {
		out, err := metav1.LabelSelectorAsSelector(s)
		if err == nil {
			return out, nil
		}
		faults = field.ErrorList{field.Invalid(path, s, err.Error())}
	}
	return labels.Nothing(), faults
}
