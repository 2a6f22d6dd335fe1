// SPDX-License-Identifier: Apache-2.0

package exempt

import (
	"time"
)

// Stage is how close the end of an exemption is.
type Stage uint8

// The stages, in the order in which an exemption goes through them.
const (
	NotYet      Stage = iota // more than 7 days are left
	Within7Days              // 7 days or less
	Within1Day               // 24 hours or less
	Expired                  // it is over
)

// lead is how long before the end a stage begins.
var lead = [...]time.Duration{Within7Days: 7 * 24 * time.Hour, Within1Day: 24 * time.Hour, Expired: 0}

// Stage returns the stage at a moment. Each stage begins at its very moment.
func (e *Exemption) Stage(now time.Time) Stage {
	for s := Expired; s > NotYet; s-- {
		if !now.Before(e.ExpiresAt.Add(-lead[s])) {
			return s
		}
	}
	return NotYet
}

// Notice says that an exemption has reached a stage.
type Notice struct {
	Exemption Exemption
	Stage     Stage // never NotYet
}

// Notices returns what there is to tell about a set for the time after from and
// up to to: for each exemption that reached a stage in between, in the order of
// the set, the last of them. With the zero time as from it tells the stage of
// every exemption that has reached one.
func Notices(s *Set, from, to time.Time) []Notice {
	var out []Notice
	for _, e := range s.All() {
		if now := e.Stage(to); now > e.Stage(from) {
			out = append(out, Notice{Exemption: e, Stage: now})
		}
	}
	return out
}

// Idle is why an exemption has no effect.
type Idle uint8

// The reasons. Of several, the one that is over comes first, then who approved it, then its end.
const (
	Unused     Idle = iota // nothing that was found is covered by it
	Over                   // it has expired
	Unapproved             // nobody approved it
	TooLong                // it ends later than the terms allow
)

// Leftover is an exemption without effect.
type Leftover struct {
	Exemption Exemption
	Why       Idle
}

// Leftovers returns the exemptions of a set that have no effect at a moment, in
// the order of the set. used holds the names (Exemption.String) of those that
// cover a finding of the objects that were looked at; a verdict carries them.
func Leftovers(s *Set, used map[string]bool, t Terms, now time.Time) []Leftover {
	var out []Leftover
	for _, e := range s.All() {
		switch {
		case e.Expired(now):
			out = append(out, Leftover{e, Over})
		case e.unapproved(t):
			out = append(out, Leftover{e, Unapproved})
		case e.EndsTooLate(t, now):
			out = append(out, Leftover{e, TooLong})
		case !used[e.String()]:
			out = append(out, Leftover{e, Unused})
		}
	}
	return out
}

// Text says in one clause why the exemption has no effect.
func (l Leftover) Text(t Terms) string {
	e := &l.Exemption
	switch l.Why {
	case Unused:
		return "covers nothing that was found"
	case Over:
		return "expired at " + Moment(e.ExpiresAt) + " and no longer counts"
	case Unapproved:
		return "does not count: " + e.WhyNotApproved(t)
	case TooLong:
		return "does not count yet: " + e.TooLate(t)
	}
	return "has no effect"
}
