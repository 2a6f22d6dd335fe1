// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"time"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// scratch holds the answers that were worked out last during one evaluation, so
// that checks which ask the same question of the same object do not each look it
// up again. It belongs to one goroutine.
type scratch struct {
	answers [8]answer
	next    uint8     // the oldest
	spent   int64     // by Spend
	end     time.Time // by Within
}

type answer struct {
	inventory  *inventory.Inventory
	parameters *Parameters
	object     any // compared by identity
	value      any
}

// Sharing returns the input for one evaluation whose checks share answers. It
// costs an allocation, which the first shared answer more than pays back. Only
// one goroutine may use it at a time.
func (in Input) Sharing() Input {
	in.scratch = &scratch{}
	return in
}

// Shared returns what work says about an object, which is a pointer. The checks of
// one evaluation share the answer, until eight others have come: it must not be
// changed, its type must be asked for by one question only, and it must depend on
// nothing but the object, the inventory, the parameters and the request. An input
// that was not made by Sharing asks work every time.
func Shared[T any](in Input, object any, work func() T) T {
	s := in.scratch
	if s == nil {
		return work()
	}
	for i := range s.answers {
		a := &s.answers[i]
		if a.object == object && a.inventory == in.Inventory && a.parameters == in.Parameters {
			if value, ok := a.value.(T); ok {
				return value
			}
		}
	}
	value := work()
	s.answers[s.next] = answer{in.Inventory, in.Parameters, object, value}
	s.next = (s.next + 1) % uint8(len(s.answers))
	return value
}
