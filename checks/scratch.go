// SPDX-License-Identifier: Apache-2.0

package checks

import "github.com/gatehouse-sh/gatehouse/inventory"

// scratch holds the answers that were worked out last during one evaluation, so
// that checks which ask the same question of the same object do not each look it
// up again. It belongs to one goroutine.
type scratch struct {
	answers [8]answer
	next    uint8  // the oldest
	spent   int64  // by Spend
	before  *Input // by Before; nil until it is asked for
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

// Before returns the input of an evaluation of the object that an update replaces,
// which shares answers as well; Old must not be nil. It is the same each time, so that
// checks that compare with what was there and the one who evaluates that too work each
// answer out once. An input that was not made by Sharing makes another every time.
func (in Input) Before() Input {
	if s := in.scratch; s != nil && s.before != nil {
		return *s.before
	}
	out := in.Sharing()
	out.Object, out.Old, out.Inventory, out.Request.Before = in.Old, nil, in.Inventory.With(in.Old), true
	if in.scratch != nil {
		in.scratch.before = &out
	}
	return out
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
