// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"math"
	"time"
)

// Limit is how many requests may come. The zero value allows none.
type Limit struct {
	Requests int           // in Per, evenly
	Per      time.Duration // longer than 0
	Burst    int           // requests that may come at once, at least 1
}

// Decision is what a limit says of a request. The zero value refuses.
type Decision struct {
	Allowed    bool
	Remaining  int           // requests that may come at once after this one
	RetryAfter time.Duration // until a request is allowed, if no other one comes; 0 if this one is
}

// Bounds of the arithmetic, in nanoseconds: moments of 36 years around a beginning,
// an interval and a burst are less than 2^63 together.
const (
	farthest = 1 << 60
	longest  = 1 << 61
	widest   = 1 << 62
)

// Interval is the time between two requests that come evenly, rounded up to
// nanoseconds so that no time has more than the limit; 0 if nothing is allowed.
func (l Limit) Interval() time.Duration {
	if l.Requests <= 0 || l.Per <= 0 || l.Burst <= 0 {
		return 0
	}
	n := int64(l.Per) / int64(l.Requests)
	if int64(l.Per)%int64(l.Requests) > 0 {
		n++
	}
	return time.Duration(min(n, longest))
}

// Room is how far a bucket may run ahead of time: a burst of intervals.
func (l Limit) Room() time.Duration {
	n := int64(l.Interval())
	if n == 0 {
		return 0
	}
	if int64(l.Burst) > widest/n {
		return widest
	}
	return time.Duration(int64(l.Burst) * n)
}

// unused is the state of a bucket that nobody has used.
const unused = math.MinInt64

// take judges a request at a moment by the state of its bucket, and returns the
// state after it. Both are nanoseconds, the moment at most farthest from 0. A
// refused request changes nothing, but for a bucket that is farther ahead than this
// limit lets any be, since another limit or another clock was in force: it is
// empty from now on, and not for longer.
func (l Limit) take(state, now int64) (int64, Decision) {
	interval, room := int64(l.Interval()), int64(l.Room())
	if interval == 0 {
		return state, Decision{RetryAfter: math.MaxInt64}
	}
	state = min(state, now+room)
	next := max(state, now) + interval
	if ahead := next - now; ahead > room {
		return state, Decision{RetryAfter: time.Duration(ahead - room)}
	}
	return next, Decision{Allowed: true, Remaining: int((room - (next - now)) / interval)}
}
