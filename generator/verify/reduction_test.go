// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"slices"
	"testing"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// TestAReductionIsWhatDiffSays: what Same says of a policy and of each of its rules is
// what a comparison of the one-sided policies with and without it finds.
func TestAReductionIsWhatDiffSays(t *testing.T) {
	t.Parallel()
	asked, same := 0, 0
	for seed := range uint64(400) {
		d := newDice(seed)
		m := d.model(t)
		list := d.policies()
		s, err := Compile(list, m, Options{})
		if err != nil {
			continue // two at one priority
		}
		var some []int
		for i := range list {
			if d.chance(70) {
				some = append(some, i)
			}
		}
		reduction := s.Asker().Reducer().Among(some)
		for _, accepting := range []bool{true, false} {
			for n, i := range some {
				rules := len(list[i].Egress)
				if accepting {
					rules = len(list[i].Ingress)
				}
				for k := -1; k < rules; k++ {
					before, after := oneSided(list, some, accepting), oneSided(list, some, accepting)
					switch {
					case k < 0:
						after = slices.Delete(after, n, n+1)
					case accepting:
						after[n].Ingress = slices.Delete(slices.Clone(after[n].Ingress), k, k+1)
					default:
						after[n].Egress = slices.Delete(slices.Clone(after[n].Egress), k, k+1)
					}
					gained, lost, err := Diff(before, after, m, Options{})
					if err != nil {
						t.Fatal(err)
					}
					want := len(gained)+len(lost) == 0
					if got := reduction.Same(i, k, accepting); got != want {
						t.Fatalf("seed %d: %s, rule %d, accepting %t: same %t, want %t: gained %v, lost %v", seed, list[i].Name, k, accepting, got, want, gained, lost)
					}
					if asked++; want {
						same++
					}
				}
			}
		}
	}
	if asked < 500 || same*20 < asked || same*20 > asked*19 {
		t.Errorf("%d questions, %d times the same: this shows little", asked, same)
	}
	t.Logf("%d questions, %d times the same", asked, same)
}

// oneSided is some policies without what they say of the other side.
func oneSided(list []Policy, some []int, accepting bool) []Policy {
	var out []Policy
	for _, i := range some {
		p := list[i]
		if accepting {
			p.Egress, p.Isolates = nil, generator.Guard{Ingress: p.Isolates.Ingress}
		} else {
			p.Ingress, p.Isolates = nil, generator.Guard{Egress: p.Isolates.Egress}
		}
		out = append(out, p)
	}
	return out
}
