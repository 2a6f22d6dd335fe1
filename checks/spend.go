// SPDX-License-Identifier: Apache-2.0

package checks

import "context"

// Spend adds to what the custom checks have cost in this evaluation, in the unit of
// CEL, and returns the sum. An input that was not made by Sharing forgets: the sum
// is what is added.
func (in Input) Spend(cost int64) int64 {
	if in.scratch == nil {
		return cost
	}
	in.scratch.spent += cost
	return in.scratch.spent
}

// Context returns what ends the evaluation early: the inventory's (Until). Without an
// inventory, or without an end, it never does.
func (in Input) Context() context.Context {
	if in.Inventory == nil {
		return context.Background()
	}
	return in.Inventory.Context()
}

// Ended reports whether the evaluation is to stop. What it finds is thrown away then,
// so a check may return anything; one that may take long without asking the inventory
// asks this between its rounds.
func (in Input) Ended() bool { return in.Inventory != nil && in.Inventory.Ended() }
