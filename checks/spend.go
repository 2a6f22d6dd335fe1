// SPDX-License-Identifier: Apache-2.0

package checks

import "time"

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

// Within returns when what shares the limit must be done: that long after it was
// asked for the first time in this evaluation. An input that was not made by Sharing
// forgets: each time is the first.
func (in Input) Within(limit time.Duration) time.Time {
	end := time.Now().Add(limit)
	if in.scratch == nil {
		return end
	}
	if in.scratch.end.IsZero() {
		in.scratch.end = end
	}
	return in.scratch.end
}
