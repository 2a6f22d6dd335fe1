// SPDX-License-Identifier: Apache-2.0

package verify

import "github.com/gatehouse-sh/gatehouse/generator"

// Asker asks a Set many questions, which together take no more than Options.MaxSteps.
// Once they did, answers mean nothing, and Err says so. It is for one goroutine.
type Asker struct {
	set   *Set
	meter *meter
}

// Asker returns one that has asked nothing yet.
func (s *Set) Asker() *Asker { return &Asker{s, newMeter(s.space.options, s.space.model)} }

// Allowed is Set.Allowed.
func (a *Asker) Allowed(from, to End, port generator.Port) (Verdict, error) {
	return a.set.allowed(newPortTable(a.meter), from, to, port)
}

// Spend takes steps for what is done with the answers, and reports whether there were
// so many.
func (a *Asker) Spend(steps int) bool { return a.meter.spend(steps) }

// Err is nil, or a TooLargeError once there were not enough steps.
func (a *Asker) Err() error {
	if !a.meter.over() {
		return nil
	}
	return tooLarge([][]Policy{a.set.given}, a.set.space.model)
}
