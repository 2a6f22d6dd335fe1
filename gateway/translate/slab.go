// SPDX-License-Identifier: Apache-2.0

package translate

// slab makes values of which there are thousands, in pieces of slabSize. It is for what lives
// as long as a translation: one value that is kept keeps those beside it. The zero value is
// ready.
type slab[T any] struct{ left []T }

const slabSize = 64

// one returns a zero value that nobody else has.
func (s *slab[T]) one() *T {
	if len(s.left) == 0 {
		s.left = make([]T, slabSize)
	}
	out := &s.left[0]
	s.left = s.left[1:]
	return out
}
