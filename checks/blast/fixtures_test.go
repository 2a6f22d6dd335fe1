// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/fixture"
)

func TestFixtures(t *testing.T) { fixture.RunPackage(t, All()) }

// TestWhatWasIsTheSameHoweverItIsSearched compares the chains before an update, for
// which the search of the new object is made use of, with those of a search of their
// own.
func TestWhatWasIsTheSameHoweverItIsSearched(t *testing.T) {
	t.Parallel()
	cases, err := fixture.Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	spell := func(list []*hazard) []string {
		out := make([]string, 0, len(list))
		for _, h := range list {
			out = append(out, fmt.Sprint(h.root, h.w.Key, h.door.steps(), h.more, h.reach, h.severity(), h.certainty(), h.harm.traits()))
		}
		return out
	}
	updates, reached, chains := 0, 0, 0
	for _, c := range cases {
		in, err := c.Input(checks.DefaultParameters())
		if err != nil {
			t.Fatal(err)
		}
		if in.Old == nil {
			continue
		}
		in = in.Sharing()
		got, want := spell(hazardsBefore(in)), spell(newJudge(in.Before()).hazards())
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-alone +after the new object):\n%s", c.Path, diff)
		}
		updates, reached, chains = updates+1, reached+len(search(in, nil).reached), chains+len(want)
	}
	if updates == 0 || reached == 0 || chains == 0 {
		t.Fatalf("%d updates, %d accounts, %d chains: nothing was compared", updates, reached, chains)
	}
}
