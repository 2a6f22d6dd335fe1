// SPDX-License-Identifier: Apache-2.0

package verify

import "testing"

// TestProgress: comparisons count the classes, one by one and to the last.
func TestProgress(t *testing.T) {
	t.Parallel()
	m, policies := estate(t, 60)
	last, steps := 0, 0
	o := Options{Progress: func(n int) { last, steps = n, steps+1 }}
	if _, err := Compare(policies, m, o); err != nil {
		t.Fatal(err)
	}
	compared := last
	if _, _, err := Diff(policies, policies[1:], m, o); err != nil {
		t.Fatal(err)
	}
	if compared < 60 || last < 60 || steps != compared+last {
		t.Errorf("%d classes compared, then %d, in %d steps", compared, last, steps)
	}
}
