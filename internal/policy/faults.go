// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxFaults bounds what one error names; the rest is counted.
const maxFaults = 64

// faults collects everything that is wrong with a configuration.
type faults struct {
	list []error
	more int
}

// add records a fault of the field at a path such as "spec.checks[0].action".
func (f *faults) add(at, format string, args ...any) {
	if len(f.list) >= maxFaults {
		f.more++
		return
	}
	f.list = append(f.list, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...)))
}

func (f *faults) notOneOf(at, value string, allowed ...string) {
	f.add(at, "%s is not one of %s", quote(value), strings.Join(allowed, ", "))
}

// atMost records a list or map that is too long and reports whether it is not.
func (f *faults) atMost(at string, n, limit int) bool {
	if n > limit {
		f.add(at, "has %d entries, more than %d", n, limit)
	}
	return n <= limit
}

// full reports whether further faults are only counted.
func (f *faults) full() bool { return len(f.list) >= maxFaults }

// err joins the faults; nil when there is none.
func (f *faults) err() error {
	list := f.list
	if f.more > 0 {
		list = append(slices.Clip(list), fmt.Errorf("and %d more", f.more))
	}
	return errors.Join(list...)
}

// quote repeats a user's value in a message: escaped and short.
func quote(s string) string {
	const limit = 80
	if len(s) <= limit {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q...", strings.ToValidUTF8(s[:limit], ""))
}

// once reports whether a value was not in seen, and records it otherwise.
func once[K comparable](f *faults, at string, seen map[K]bool, key K, name string) bool {
	if seen[key] {
		f.add(at, "%s is there twice", name)
		return false
	}
	seen[key] = true
	return true
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func index(at string, i int) string { return fmt.Sprintf("%s[%d]", at, i) }
