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

// Recall returns what Remember was last given in this evaluation, if that was for
// the same object, inventory and parameters. The answer is shared: it must not be
// changed. Outside an evaluation nothing is remembered.
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
