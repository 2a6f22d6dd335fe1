// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// second is one request a second.
var second = Limit{Requests: 1, Per: time.Second, Burst: 1}

// served is what came of requests that were sent to a queue, in the order in which
// it came.
type served struct {
	mu   sync.Mutex
	list []int
	ends map[int]Outcome
	at   map[int]time.Duration
}

// enqueue lets a request wait for one a second of its key.
func (r *served) enqueue(ctx context.Context, s *Store, q *Queue, id int, key string, most int, longest time.Duration, began time.Time) {
	t, k := s.Table("l"), s.Key([]byte(key))
	o := Done
	take := func() (time.Duration, bool) {
		c := [1]Claim{{Table: t, Key: k, Limit: second}}
		ok := Take(c[:], time.Now()) < 0
		return c[0].Decision.RetryAfter, ok
	}
	wait := q.Waiting(t, k) > 0
	var after time.Duration
	if !wait {
		var ok bool
		after, ok = take()
		wait = !ok
	}
	if wait {
		o = q.Wait(ctx, Wait{Table: t, Key: k, Most: most, Until: time.Now().Add(longest), After: after, Every: time.Second}, take)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ends[id], r.at[id] = o, time.Since(began)
	if o == Done {
		r.list = append(r.list, id)
	}
}

func results() *served { return &served{ends: map[int]Outcome{}, at: map[int]time.Duration{}} }

func TestALineIsServedInItsOrderAndEvenly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, q, r, began := NewStore(0), NewQueue(0), results(), time.Now()
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() { r.enqueue(t.Context(), s, q, i, "k", 50, time.Minute, began) })
			synctest.Wait() // it has come
		}
		all.Go(func() { r.enqueue(t.Context(), s, q, 99, "other", 50, time.Minute, began) })
		all.Wait()
		if want := []int{0, 99, 1, 2, 3, 4, 5, 6, 7, 8, 9}; !slices.Equal(r.list, want) {
			t.Errorf("got %v, want %v", r.list, want)
		}
		if r.at[9] != 9*time.Second || r.at[99] != 0 {
			t.Errorf("the last of ten after %s, the only one of its key after %s", r.at[9], r.at[99])
		}
		if q.Len() != 0 || len(q.lines) != 0 {
			t.Error("lines are left")
		}
	})
}

// TestWhoeverLeavesFreesItsPlace: those behind move up, and nobody goes twice as
// fast for it.
func TestWhoeverLeavesFreesItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, q, r, began := NewStore(0), NewQueue(0), results(), time.Now()
		var all sync.WaitGroup
		cancels := map[int]context.CancelFunc{}
		for i := range 6 {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cancels[i] = cancel
			all.Go(func() { r.enqueue(ctx, s, q, i, "k", 50, time.Minute, began) })
			synctest.Wait()
		}
		cancels[1]() // the first of the line
		cancels[3]()
		all.Wait()
		if want := []int{0, 2, 4, 5}; !slices.Equal(r.list, want) || r.ends[1] != Gone || r.ends[3] != Gone {
			t.Errorf("got %v and %v, want %v", r.list, r.ends, want)
		}
		for i, want := range map[int]time.Duration{2: time.Second, 4: 2 * time.Second, 5: 3 * time.Second} {
			if r.at[i] != want {
				t.Errorf("request %d after %s, want %s", i, r.at[i], want)
			}
		}
	})
}

func TestLinesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, q, r, began := NewStore(0), NewQueue(4), results(), time.Now()
		var all sync.WaitGroup
		send := func(id int, key string, most int, longest time.Duration) {
			all.Go(func() { r.enqueue(t.Context(), s, q, id, key, most, longest, began) })
			synctest.Wait()
		}
		send(0, "a", 2, time.Minute)
		send(1, "a", 2, time.Minute)
		send(2, "a", 2, time.Minute)
		send(3, "a", 2, time.Minute) // the third in a line of two
		send(4, "b", 9, time.Minute)
		send(5, "b", 9, 500*time.Millisecond) // it would take a second
		send(6, "b", 9, time.Minute)
		send(7, "b", 9, 900*time.Millisecond) // one is before it, which takes a second
		send(8, "b", 9, time.Minute)
		send(9, "b", 9, time.Minute) // the fifth of all
		all.Wait()
		want := map[int]Outcome{0: Done, 1: Done, 2: Done, 3: Full, 4: Done, 5: Late, 6: Done, 7: Full, 8: Done, 9: Full}
		for id, o := range want {
			if r.ends[id] != o {
				t.Errorf("request %d: got %d, want %d", id, r.ends[id], o)
			}
		}
		for _, id := range []int{3, 5, 7, 9} {
			if r.at[id] != 0 {
				t.Errorf("request %d waited %s for what was known", id, r.at[id])
			}
		}
	})
}

func TestADrainEndsAllWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, q, r, began := NewStore(0), NewQueue(0), results(), time.Now()
		var all sync.WaitGroup
		for i := range 5 {
			all.Go(func() { r.enqueue(t.Context(), s, q, i, "k", 50, time.Minute, began) })
			synctest.Wait()
		}
		q.Drain()
		q.Drain() // twice is once
		all.Go(func() { r.enqueue(t.Context(), s, q, 9, "k", 50, time.Minute, began) })
		all.Wait()
		for _, id := range []int{1, 2, 3, 4, 9} {
			if r.ends[id] != Drained || r.at[id] != 0 {
				t.Errorf("request %d: %d after %s", id, r.ends[id], r.at[id])
			}
		}
	})
}

// TestWhoeverWaitsTooLongIsTold, at the time that was set and not before.
func TestWhoeverWaitsTooLongIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, tried := NewQueue(0), 0
		began := time.Now()
		w := Wait{Table: new(Table), Key: 1, Most: 5, Until: began.Add(time.Second)}
		o := q.Wait(t.Context(), w, func() (time.Duration, bool) { tried++; return 300 * time.Millisecond, false })
		if o != Late || tried != 4 || time.Since(began) != 900*time.Millisecond {
			t.Errorf("%d after %d tries and %s", o, tried, time.Since(began))
		}
		began = time.Now()
		w.Until = began.Add(time.Second)
		var all sync.WaitGroup
		all.Go(func() {
			q.Wait(t.Context(), Wait{Table: w.Table, Key: 1, Most: 5, Until: began.Add(time.Minute)}, func() (time.Duration, bool) { return time.Second, time.Since(began) > 10*time.Second })
		})
		synctest.Wait()
		if o := q.Wait(t.Context(), w, func() (time.Duration, bool) { return 0, true }); o != Late || time.Since(began) != time.Second {
			t.Errorf("behind another one: %d after %s", o, time.Since(began))
		}
		all.Wait()
	})
}
