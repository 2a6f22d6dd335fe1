// SPDX-License-Identifier: Apache-2.0

// Package former finds the elements of a list by their names, for who goes through a list
// that comes after it and has most of them in the same order. It is no index for lists
// that are looked up in any order, though it finds what is there in any.
package former

// List is the list that was before. The zero value is an empty one. It is for one
// goroutine, and does not change what is listed.
type List[T any] struct {
	of    []T
	name  func(*T) string
	next  int            // where the next one is looked for first
	names map[string]int // positions, the last of each name; nil until one is looked for
}

// New makes a List of elements, which are not to be changed while it is used. Of several
// with one name any may be found.
func New[T any](of []T, name func(*T) string) List[T] { return List[T]{of: of, name: name} }

// Find returns the element of a name, nil if there is none. It costs a comparison if the
// element stands behind the one that was found last.
func (l *List[T]) Find(name string) *T {
	at := l.next
	if at >= len(l.of) || l.name(&l.of[at]) != name {
		if l.names == nil {
			l.names = make(map[string]int, len(l.of))
			for i := range l.of {
				l.names[l.name(&l.of[i])] = i
			}
		}
		i, known := l.names[name]
		if !known {
			return nil
		}
		at = i
	}
	l.next = at + 1
	return &l.of[at]
}
