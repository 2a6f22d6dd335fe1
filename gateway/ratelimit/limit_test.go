// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// one counts a request by a single limit.
func one(s *Store, name, key string, l Limit, now time.Time) Decision {
	claims := [1]Claim{{Table: s.Table(name), Key: s.Key([]byte(key)), Limit: l}}
	Take(claims[:], now)
	return claims[0].Decision
}

func TestALimitAllowsABurstAndThenEvenly(t *testing.T) {
	t.Parallel()
	s := NewStore(0)
	l := Limit{Requests: 60, Per: time.Minute, Burst: 3}
	for i, tc := range []struct {
		at   time.Duration
		want Decision
	}{
		{0, Decision{true, 2, 0}},
		{0, Decision{true, 1, 0}},
		{0, Decision{true, 0, 0}},
		{0, Decision{false, 0, time.Second}},
		{400 * time.Millisecond, Decision{false, 0, 600 * time.Millisecond}},
		{time.Second - 1, Decision{false, 0, 1}},
		{time.Second, Decision{true, 0, 0}},
		{time.Second, Decision{false, 0, time.Second}},
		{2500 * time.Millisecond, Decision{true, 0, 0}},
		{time.Hour, Decision{true, 2, 0}},
		{time.Hour, Decision{true, 1, 0}},
		{0, Decision{false, 0, time.Second}}, // a clock that jumps back finds an empty bucket,
		{time.Second, Decision{true, 0, 0}},  // which fills from then on
	} {
		if got := one(s, "l", "a", l, start.Add(tc.at)); got != tc.want {
			t.Errorf("request %d, after %s: got %+v, want %+v", i, tc.at, got, tc.want)
		}
	}
	if got := one(s, "l", "b", l, start); !got.Allowed {
		t.Error("another key has the same bucket")
	}
	if got := one(s, "m", "a", l, start); !got.Allowed || got.Remaining != 2 {
		t.Error("another limit has the same bucket")
	}
}

func TestNothingIsAllowedByLimitsThatSayNothing(t *testing.T) {
	t.Parallel()
	s := NewStore(0)
	for _, l := range []Limit{{}, {Requests: 1, Burst: 1}, {Requests: 1, Per: time.Second}, {Per: time.Second, Burst: 1}, {-1, time.Second, 1}} {
		if d := one(s, "l", "a", l, start); d.Allowed || d.RetryAfter <= 0 {
			t.Errorf("%+v: %+v", l, d)
		}
	}
	if d := one(s, "l", "a", Limit{1, math.MaxInt64, math.MaxInt}, start); !d.Allowed {
		t.Errorf("the largest limit refuses: %+v", d)
	}
}

// TestAnIntervalIsNeverTooShort: 3 in 10 ns are not 4 in 12.
func TestAnIntervalIsNeverTooShort(t *testing.T) {
	t.Parallel()
	if got := (Limit{3, 10, 1}).Interval(); got != 4 {
		t.Errorf("got %d ns, want 4", got)
	}
	if got := (Limit{math.MaxInt, 1, 1}).Interval(); got != 1 {
		t.Errorf("got %d ns, want 1", got)
	}
}

// TestAnotherLimitOfTheSameBucket: what was used by one limit counts for the other,
// but no debt is larger than an empty bucket.
func TestAnotherLimitOfTheSameBucket(t *testing.T) {
	t.Parallel()
	s := NewStore(0)
	slow, fast := Limit{1, time.Hour, 10}, Limit{10, time.Second, 10}
	for range 10 {
		one(s, "l", "a", slow, start)
	}
	if d := one(s, "l", "a", fast, start); d.Allowed || d.RetryAfter != 100*time.Millisecond {
		t.Errorf("from slow to fast: %+v", d)
	}
	if d := one(s, "l", "a", fast, start.Add(100*time.Millisecond)); !d.Allowed || d.Remaining != 0 {
		t.Errorf("after a tenth of a second: %+v", d)
	}
	if d := one(s, "l", "b", fast, start); !d.Allowed {
		t.Fatalf("a new key: %+v", d)
	}
	if d := one(s, "l", "b", slow, start); !d.Allowed || d.Remaining != 8 {
		t.Errorf("from fast to slow: %+v", d)
	}
}

// model is the slow and exact meaning of a limit: no time has more requests than
// the burst and what comes evenly in it.
type model struct{ allowed []time.Time }

func (m *model) allows(l Limit, now time.Time) bool {
	for i, a := range m.allowed {
		if int64(len(m.allowed)-i+1) > int64(l.Burst)+int64(now.Sub(a)/l.Interval()) {
			return false
		}
	}
	return true
}

func (m *model) take(now time.Time) { m.allowed = append(m.allowed, now) }

func TestDecisionsAreThoseOfTheModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		l := Limit{Requests: 1 + r.IntN(20), Per: time.Duration(1+r.IntN(5000)) * time.Millisecond, Burst: 1 + r.IntN(8)}
		s, now := NewStore(0), start
		models := map[string]*model{"a": {}, "b": {}, "c": {}}
		allowed, refused := 0, 0
		for range 600 {
			now = now.Add(time.Duration(r.Int64N(int64(l.Interval())*2/3 + 1)))
			key := string(rune('a' + r.IntN(3)))
			want := models[key].allows(l, now)
			d := one(s, "l", key, l, now)
			if d.Allowed != want {
				t.Fatalf("seed %d, %+v: got %v, want %v", seed, l, d.Allowed, want)
			}
			if d.Allowed {
				models[key].take(now)
				allowed++
				continue
			}
			refused++
			if d.RetryAfter <= 0 || models[key].allows(l, now.Add(d.RetryAfter-1)) || !models[key].allows(l, now.Add(d.RetryAfter)) {
				t.Fatalf("seed %d, %+v: %s is not when the next one may come", seed, l, d.RetryAfter)
			}
		}
		if allowed == 0 || refused == 0 {
			t.Fatalf("seed %d: %d were allowed, %d refused", seed, allowed, refused)
		}
	}
}

// FuzzTake: whatever the limit, the state and the moment are, nothing overflows:
// states only grow by a request, a bucket is never farther ahead than its room, and
// the time that is told is right.
func FuzzTake(f *testing.F) {
	f.Add(int64(60), int64(time.Minute), int64(3), int64(0), int64(5))
	f.Add(int64(1), int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MinInt64), int64(farthest))
	f.Add(int64(math.MaxInt64), int64(1), int64(1), int64(math.MaxInt64), int64(-farthest))
	f.Fuzz(func(t *testing.T, requests, per, burst, state, now int64) {
		l := Limit{int(requests), time.Duration(per), int(burst)}
		now = min(max(now, -farthest), farthest)
		next, d := l.take(state, now)
		interval, room := int64(l.Interval()), int64(l.Room())
		if requests <= 0 || per <= 0 || burst <= 0 {
			if d.Allowed || next != state || d.RetryAfter <= 0 {
				t.Fatalf("%+v: %+v", l, d)
			}
			return
		}
		if interval < 1 || room < interval {
			t.Fatalf("%+v: an interval of %d and a room of %d", l, interval, room)
		}
		if next > now+room || next < min(state, now+room) {
			t.Fatalf("%+v at %d: from %d to %d", l, now, state, next)
		}
		if d.Allowed {
			if next != max(state, now)+interval || d.Remaining < 0 || d.RetryAfter != 0 || int64(d.Remaining) >= int64(l.Burst) {
				t.Fatalf("%+v at %d: from %d to %d, %+v", l, now, state, next, d)
			}
			return
		}
		if d.Remaining != 0 || d.RetryAfter <= 0 || int64(d.RetryAfter) > interval {
			t.Fatalf("%+v at %d: from %d to %d, %+v", l, now, state, next, d)
		}
		if _, again := l.take(next, now+int64(d.RetryAfter)-1); again.Allowed {
			t.Fatalf("%+v at %d: allowed before %s", l, now, d.RetryAfter)
		}
		if _, again := l.take(next, now+int64(d.RetryAfter)); !again.Allowed && now+int64(d.RetryAfter) <= farthest {
			t.Fatalf("%+v at %d: refused after %s", l, now, d.RetryAfter)
		}
	})
}
