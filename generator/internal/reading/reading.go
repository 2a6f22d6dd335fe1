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

// FieldError is something that cannot be read, with its place.
type FieldError struct {
	Path string // "spec.egress[0]"
	Err  error
}

// Error returns the path and what is wrong there.
func (f *FieldError) Error() string { return f.Path + ": " + f.Err.Error() }

// Unwrap returns what is wrong, without its place.
func (f *FieldError) Unwrap() error { return f.Err }

// Field returns the path, for those who look for the line.
func (f *FieldError) Field() string { return f.Path }

// Selectors reads selectors of labels as the API server validates them. Those of
// one pair are read once: nearly all are, and the same few workloads and
// namespaces stand in every policy. The zero value is ready; one goroutine at a
// time may use it.
type Selectors struct{ pairs map[pair]labels.Selector }

type pair struct{ key, value string }

// Read reads a selector. One with faults selects nothing.
func (c *Selectors) Read(s *metav1.LabelSelector, path *field.Path) (labels.Selector, field.ErrorList) {
	if s == nil || len(s.MatchLabels) != 1 || len(s.MatchExpressions) > 0 {
		return read(s, path)
	}
	var p pair
	for p.key, p.value = range s.MatchLabels { // the only one
	}
	if known, ok := c.pairs[p]; ok {
		return known, nil
	}
	out, faults := read(s, path)
	if len(faults) == 0 {
		if c.pairs == nil {
			c.pairs = map[pair]labels.Selector{}
		}
		c.pairs[p] = out
	}
	return out, faults
}

func read(s *metav1.LabelSelector, path *field.Path) (labels.Selector, field.ErrorList) {
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
