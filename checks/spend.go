// SPDX-License-Identifier: Apache-2.0

package checks

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
