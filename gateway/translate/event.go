// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"slices"
)

// Event is what is said of an object whose status has no conditions: an Ingress, or a
// Service.
type Event struct {
	Kind string
	Name
	Reason  string // one word, in CamelCase
	Message string // says what to write instead, and nothing of a Secret
}

// byObject brings events into one order, each once.
func byObject(list []Event) []Event {
	slices.SortFunc(list, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), compareNames(a.Name, b.Name), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(list)
}
