// SPDX-License-Identifier: Apache-2.0

package weight

import "testing"

func TestValuesAreChosenByTheirShares(t *testing.T) {
	t.Parallel()
	var l List[string]
	if got := l.Pick(); got != "" {
		t.Errorf("of nothing: %q", got)
	}
	l.Add("none", 0)
	l.Add("three", 3)
	if got := l.Pick(); got != "three" {
		t.Errorf("of one: %q", got)
	}
	l.Add("one", 1)
	l.Add("none", 0)
	if none := 0; Of(&none) != 0 || Of(nil) != 1 {
		t.Error("what is not said is 1, and 0 is 0")
	}
	got := map[string]int{}
	for range 40_000 {
		got[l.Pick()]++
	}
	// 87 is one standard deviation.
	if n := got["three"]; n < 29_000 || n > 31_000 || n+got["one"] != 40_000 {
		t.Errorf("got %v", got)
	}
}
