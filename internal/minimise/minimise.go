// SPDX-License-Identifier: Apache-2.0

// Package minimise makes a case that fails smaller, for the differential tests:
// it removes one thing after another, as long as the case still fails, until
// nothing can be removed.
package minimise

import (
	"iter"
	"slices"
)

// Knife walks over everything that a case could do without and removes one thing.
type Knife struct {
	left int // how many things it passes by
	done bool
}

// Cuts says whether to remove what the knife stands at.
func (k *Knife) Cuts() bool {
	if k.done {
		return false
	}
	k.left--
	k.done = k.left < 0
	return k.done
}

// Remove walks over a list, and with inside into its elements. It may change the
// list in place.
func Remove[T any](k *Knife, list []T, inside func(*T)) []T {
	for i := range list {
		if k.Cuts() {
			return slices.Delete(list, i, i+1)
		}
		if inside != nil {
			inside(&list[i])
		}
	}
	return list
}

// Smallest returns a case that fails, and no longer does without any one thing.
// without copies a case and leads the knife over the copy; both calls must depend on
// their arguments alone.
func Smallest[C any](c C, without func(C, *Knife) C, fails func(C) bool) C {
	for again := true; again; {
		again = false
		for n := 0; ; {
			k := &Knife{left: n}
			smaller := without(c, k)
			if !k.done {
				break
			}
			if fails(smaller) {
				c, again = smaller, true
			} else {
				n++
			}
		}
	}
	return c
}

// OneLess yields the case without each thing that can be removed, one at a time.
func OneLess[C any](c C, without func(C, *Knife) C) iter.Seq[C] {
	return func(yield func(C) bool) {
		for n := 0; ; n++ {
			k := &Knife{left: n}
			if less := without(c, k); !k.done || !yield(less) {
				return
			}
		}
	}
}
