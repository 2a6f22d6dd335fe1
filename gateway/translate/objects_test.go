// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"strings"
	"testing"
)

// TestNamesAreInTheOrderInWhichTheyAreWritten, which is not that of their namespaces.
func TestNamesAreInTheOrderInWhichTheyAreWritten(t *testing.T) {
	t.Parallel()
	parts := []string{"", "a", "a-b", "a.b", "a0", "ab", "b", "a/b", "-"}
	before := 0
	for _, in := range parts {
		for _, name := range parts {
			for _, other := range parts {
				for _, last := range parts {
					a, b := Name{Namespace: in, Name: name}, Name{Namespace: other, Name: last}
					want := strings.Compare(a.String(), b.String())
					if got := compareNames(a, b); got != want {
						t.Errorf("%s and %s: %d, want %d", a, b, got, want)
					}
					if want < 0 {
						before++
					}
				}
			}
		}
	}
	if before == 0 {
		t.Error("none comes before another one")
	}
}
