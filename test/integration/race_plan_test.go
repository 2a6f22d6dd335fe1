// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// gaps are how much later than the first of two writes the second is sent.
var gaps = []time.Duration{0, 0, 5 * time.Millisecond, time.Second}

// race is a set of objects of which two are written at once.
type race struct {
	set     chainOf
	before  []step
	last    [2]step
	replica [2]int
	gap     time.Duration

	objects [2]string
	through [2]*destination
	refused [2]error
	stored  time.Time // when the later of both writes was answered
}

func (r *race) String() string {
	return fmt.Sprintf("%s: %s, %s %q: %s through replica %d and, %s later, %s through replica %d",
		r.set.ns, r.set.door.name, r.set.right.name, r.set.twin, r.objects[0], r.replica[0], r.gap, r.objects[1], r.replica[1])
}

// races plans them for so many runs: every exposure with every identity once, two
// through a single replica and three harmless sets in each run.
func races(random *rand.Rand, runs int) [][]*race {
	out := make([][]*race, runs)
	made := 0
	add := func(run, i, j int, tw twin, through [2]int) {
		made++
		r := &race{
			set:     chainOf{door: xrDoors[i], right: xrRights[j], ns: fmt.Sprintf("race-%d", made), n: "1", twin: tw},
			replica: through, gap: gaps[made%len(gaps)],
		}
		r.choose(random, made%2 == 0)
		out[run] = append(out[run], r)
	}
	for i := range xrDoors {
		for j := range xrRights {
			run := (i + j) % runs
			if testing.Short() && len(out[run]) >= 4 {
				continue
			}
			first := random.IntN(2)
			add(run, i, j, violating, [2]int{first, 1 - first})
		}
	}
	for run := range out {
		for k := range 2 {
			add(run, random.IntN(len(xrDoors)), random.IntN(len(xrRights)), violating, [2]int{k, k})
		}
		for _, tw := range []twin{closed, unprivileged, tokenless} {
			add(run, random.IntN(len(xrDoors)), random.IntN(len(xrRights)), tw, [2]int{0, 1})
		}
	}
	return out
}

// choose takes the two objects that are written last: what opens the way and the
// binding, or any two of the six.
func (r *race) choose(random *rand.Rand, anyTwo bool) {
	steps := r.set.steps()
	pick := func(names ...string) int {
		for _, name := range names {
			if i := slices.IndexFunc(steps, func(s step) bool { return s.name == name }); i >= 0 {
				return i
			}
		}
		return -1
	}
	i, j := pick("route", "change", "service"), pick("binding")
	for anyTwo {
		i, j = random.IntN(len(steps)), random.IntN(len(steps))
		anyTwo = i == j || steps[i].of == steps[j].name || steps[j].of == steps[i].name
	}
	var order []step
	for k, s := range steps {
		if k != i && k != j {
			order = append(order, s)
		}
	}
	order = feasible(append(order, steps[i], steps[j]))
	r.before, r.last = order[:len(order)-2], [2]step(order[len(order)-2:])
}
