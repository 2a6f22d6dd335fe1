// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"fmt"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// On adapts a function over one typed object to Check.Run. An object of
// another type is reported as undetermined, never skipped.
func On[T inventory.Object](run func(obj T, in Input) []Finding) func(Input) []Finding {
	return func(in Input) []Finding {
		obj, ok := in.Object.(T)
		if !ok {
			return []Finding{{Certainty: Undetermined, Message: fmt.Sprintf("is a %T, which this check cannot read", in.Object)}}
		}
		return run(obj, in)
	}
}

// OnTemplate adapts a function over a pod template to Check.Run for pods and
// every kind that carries one. A kind without a readable template is reported
// as undetermined.
func OnTemplate(run func(t inventory.Template, in Input) []Finding) func(Input) []Finding {
	return func(in Input) []Finding {
		t, ok := inventory.TemplateOf(in.Object)
		if !ok {
			return []Finding{{Certainty: Undetermined, Message: "has no pod template that this check can read"}}
		}
		return run(t, in)
	}
}

// FixOn adapts a function over one typed object to Check.Fix.
func FixOn[T inventory.Object](fix func(obj T)) func(inventory.Object) {
	return func(o inventory.Object) {
		if obj, ok := o.(T); ok {
			fix(obj)
		}
	}
}

// Old returns the object before the update as a T; false on creation.
func Old[T inventory.Object](in Input) (T, bool) {
	old, ok := in.Old.(T)
	return old, ok
}
