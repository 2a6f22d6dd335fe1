// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Objects of kinds without a Go type are read where they lie: most of them select
// other pods, and to convert each would cost more than the rest of the check.

// object returns a value as an object; nil, which holds nothing, for another.
func object(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

// objects returns the objects of a list.
func objects(value any) []map[string]any {
	list, _ := value.([]any)
	out := make([]map[string]any, 0, len(list))
	for _, item := range list {
		if m, is := item.(map[string]any); is {
			out = append(out, m)
		} else {
			out = append(out, nil) // null is {}
		}
	}
	return out
}

// texts returns the texts of a list.
func texts(value any) []string {
	list, _ := value.([]any)
	out := make([]string, 0, len(list))
	for _, item := range list {
		if s, is := item.(string); is {
			out = append(out, s)
		}
	}
	return out
}

// number returns a number, which YAML and JSON have in several types.
func number(value any) int32 {
	switch n := value.(type) {
	case int64:
		return int32(n) //nolint:gosec // a port, or wrong and equal to none
	case float64:
		return int32(n)
	case string:
		i, err := strconv.ParseUint(n, 10, 16)
		if err == nil {
			return int32(i)
		}
	}
	return 0
}

// selectorOf reads a label selector, whose keys are made those of labels.
func selectorOf(raw map[string]any, key func(string) string) (*metav1.LabelSelector, bool) {
	out := &metav1.LabelSelector{}
	for k, value := range object(raw["matchLabels"]) {
		text, is := value.(string)
		if !is {
			return nil, false
		}
		if out.MatchLabels == nil {
			out.MatchLabels = map[string]string{}
		}
		out.MatchLabels[key(k)] = text
	}
	for _, e := range objects(raw["matchExpressions"]) {
		k, isKey := e["key"].(string)
		operator, isOperator := e["operator"].(string)
		if !isKey || !isOperator {
			return nil, false
		}
		out.MatchExpressions = append(out.MatchExpressions, metav1.LabelSelectorRequirement{Key: key(k), Operator: metav1.LabelSelectorOperator(operator), Values: texts(e["values"])})
	}
	return out, true
}

func nameOf(u *unstructured.Unstructured) string {
	if namespace := u.GetNamespace(); namespace != "" {
		return namespace + "/" + u.GetName()
	}
	return u.GetName()
}
