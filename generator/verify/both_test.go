// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCompareAndDiffAreBoth: what is divided once says the same.
func TestCompareAndDiffAreBoth(t *testing.T) {
	t.Parallel()
	said := func(list ...[]Difference) (out []string) {
		for _, differences := range list {
			out = append(out, "")
			for _, d := range differences {
				out = append(out, fmt.Sprintf("%s (%s; %s)", d, d.Egress, d.Ingress))
			}
		}
		return out
	}
	differ, refused := 0, 0
	for seed := range uint64(300) {
		d := newDice(seed)
		m, all := d.model(t), d.policies()
		before := slices.Clone(all[:len(all)/2])
		want, wrong := Compare(all, m, Options{})
		gained, lost, err := Diff(before, all, m, Options{})
		report, more, less, err2 := CompareAndDiff(before, all, m, Options{})
		if (errors.Join(wrong, err) == nil) != (err2 == nil) {
			t.Fatalf("seed %d: %v and %v, together %v", seed, wrong, err, err2)
		}
		if err2 != nil {
			refused++
			continue
		}
		differ += len(gained) + len(lost)
		if d := cmp.Diff(said(want.Missing, want.Extra, gained, lost), said(report.Missing, report.Extra, more, less)); d != "" {
			t.Errorf("seed %d (each by itself -, together +):\n%s", seed, d)
		}
	}
	if differ == 0 || refused > 200 {
		t.Errorf("%d differences, %d refused", differ, refused)
	}
}
