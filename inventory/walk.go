// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"fmt"
	"strings"
)

// Found is one value of a custom resource and where it stood.
type Found struct {
	Value  any
	Parent map[string]any // the map that holds Value; nil when it stands in a list of values
	Field  string         // "spec.routes[0].services[1].name"
}

// Walk returns every value at a path of a decoded object. The path is dotted;
// a step ending in "[]" visits every element of a list: "spec.tls[].hosts[]".
// Values that do not have the expected shape are left out.
func Walk(object map[string]any, path string) []Found {
	level := []Found{{Value: object}}
	for step := range strings.SplitSeq(path, ".") {
		name, each := strings.CutSuffix(step, "[]")
		var next []Found
		for _, at := range level {
			m, ok := at.Value.(map[string]any)
			if !ok {
				continue
			}
			v, present := m[name]
			if !present {
				continue
			}
			field := name
			if at.Field != "" {
				field = at.Field + "." + name
			}
			if !each {
				next = append(next, Found{v, m, field})
				continue
			}
			list, ok := v.([]any)
			if !ok {
				continue
			}
			for i, item := range list {
				next = append(next, Found{item, nil, fmt.Sprintf("%s[%d]", field, i)})
			}
		}
		level = next
	}
	return level
}

// FieldPath joins the steps of a path with dots.
func FieldPath(steps ...string) string { return strings.Join(steps, ".") }
