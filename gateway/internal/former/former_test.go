// SPDX-License-Identifier: Apache-2.0

package former

import (
	"slices"
	"strings"
	"testing"
)

// TestWhatWasThereIsFound, in whatever order it comes again.
func TestWhatWasThereIsFound(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ before, now, found string }{
		"in the same order":            {"a b c", "a b c", "a b c"},
		"in another one":               {"a b c", "c b a", "c b a"},
		"with one more":                {"a b c", "a x b c", "a b c"},
		"with one more at the end":     {"a b c", "a b c x", "a b c"},
		"with one less":                {"a b c", "a c", "a c"},
		"all are others":               {"a b c", "x y", ""},
		"there were none":              {"", "a b", ""},
		"one comes twice":              {"a b c", "a a b", "a a b"},
		"what is gone is looked for":   {"b", "a b a b", "b b"},
		"of one name there is another": {"a a b", "a a b", "a a b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := strings.Fields(tc.before)
			l, got := New(before, func(s *string) string { return *s }), []string{}
			for n := range strings.FieldsSeq(tc.now) {
				if s := l.Find(n); s != nil {
					got = append(got, *s)
				}
			}
			if want := strings.Fields(tc.found); !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}

// TestWhatStandsInOrderCostsNoIndex. Not parallel: it counts what is allocated.
func TestWhatStandsInOrderCostsNoIndex(t *testing.T) {
	before := strings.Fields("a b c d")
	if n := testing.AllocsPerRun(10, func() {
		l := New(before, func(s *string) string { return *s })
		for _, name := range before {
			l.Find(name)
		}
	}); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
}
