// SPDX-License-Identifier: Apache-2.0

package checks

import "github.com/gatehouse-sh/gatehouse/inventory"

// scratch holds the answer that was worked out last during one evaluation, so
// that checks which ask the same question of the same object do not each look it
// up again. It belongs to one goroutine.
type scratch struct {
	inventory  *inventory.Inventory
	parameters *Parameters
	object     any // compared by identity
	answer     any
}

// Sharing returns the input for one evaluation whose checks share answers. It
// costs an allocation, which the first shared answer more than pays back. Only
// one goroutine may use it at a time.
func (in Input) Sharing() Input {
	in.scratch = &scratch{}
	return in
}

// Recall returns what Remember was last given in this evaluation, if that was for
// the same object, inventory and parameters. The answer is shared: it must not be
// changed. An input that was not made by Sharing remembers
// nothing.
func (in Input) Recall(object any) (answer any, known bool) {
	s := in.scratch
	if s == nil || s.object != object || s.inventory != in.Inventory || s.parameters != in.Parameters {
		return nil, false
	}
	return s.answer, true
}

// Remember keeps an answer about an object for the checks that follow in this
// evaluation. The object is a pointer; the answer must depend on nothing but it,
// the inventory and the parameters.
func (in Input) Remember(object, answer any) {
	if in.scratch != nil {
		*in.scratch = scratch{in.Inventory, in.Parameters, object, answer}
	}
}
