// SPDX-License-Identifier: Apache-2.0

// Package weight chooses one of several by their weights.
package weight

import "math/rand/v2"

// Of is the weight that a configuration says: nil is 1.
func Of(said *int) int {
	if said == nil {
		return 1
	}
	return *said
}

// List has values and their shares. The zero List is empty. Add must have ended before
// any number of goroutines call Pick.
type List[T any] struct {
	values []T
	sums   []int // of the weights up to each
}

// Add adds a value, unless its weight is 0.
func (l *List[T]) Add(value T, weight int) {
	if weight <= 0 {
		return
	}
	if n := len(l.sums); n > 0 {
		weight += l.sums[n-1]
	}
	l.values, l.sums = append(l.values, value), append(l.sums, weight)
}

// Pick chooses a value; it is the zero one if there is none.
func (l *List[T]) Pick() (value T) {
	switch last := len(l.values) - 1; {
	case last < 0:
		return value
	case last > 0:
		n := rand.IntN(l.sums[last]) //nolint:gosec // not a secret
		for i, sum := range l.sums {
			if n < sum {
				return l.values[i]
			}
		}
	}
	return l.values[0]
}
