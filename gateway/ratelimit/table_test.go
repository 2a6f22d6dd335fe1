// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestManyAtOnceGetTheBurst(t *testing.T) {
	t.Parallel()
	s, l := NewStore(0), Limit{Requests: 1, Per: time.Hour, Burst: 100}
	var allowed atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				if one(s, "l", "k", l, start).Allowed {
					allowed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if allowed.Load() != 100 {
		t.Errorf("%d were allowed, want 100", allowed.Load())
	}
}

// TestARequestIsCountedByAllOrNone, also when many ask in parallel.
func TestARequestIsCountedByAllOrNone(t *testing.T) {
	t.Parallel()
	s := NewStore(0)
	take := func(few, many, shadow int) ([]Claim, int) {
		hour := func(n int) Limit { return Limit{Requests: n, Per: time.Hour, Burst: n} }
		c := []Claim{
			{Table: s.Table("many"), Key: 1, Limit: hour(many)},
			{Table: s.Table("shadow"), Key: 1, Limit: hour(shadow), Shadow: true},
			{Table: s.Table("few"), Key: 1, Limit: hour(few)},
		}
		return c, Take(c, start)
	}
	var all sync.WaitGroup
	var allowed atomic.Int64
	for range 8 {
		all.Go(func() {
			for range 100 {
				if _, refused := take(10, 500, 5); refused < 0 {
					allowed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if allowed.Load() != 10 {
		t.Errorf("%d were allowed, want 10", allowed.Load())
	}
	c, refused := take(10, 500, 5)
	if refused != 2 || !c[0].Decision.Allowed || c[0].Decision.Remaining != 489 || c[1].Decision.Allowed || c[2].Decision.Allowed {
		t.Errorf("what was refused is counted: %d %+v", refused, c)
	}
	Return(c)
	if d := one(s, "few", "", Limit{}, start); d.Allowed {
		t.Error("nothing is allowed")
	}
	if c, _ := take(11, 500, 5); c[0].Decision.Remaining != 490 {
		t.Errorf("what was returned is counted: %+v", c[0])
	}
}

func TestAReturnedRequestMayComeAgain(t *testing.T) {
	t.Parallel()
	s, l := NewStore(0), Limit{Requests: 1, Per: time.Hour, Burst: 1}
	c := []Claim{{Table: s.Table("l"), Key: 7, Limit: l}}
	Return(c) // which was never taken
	if Take(c, start) != -1 || Take(c, start) != 0 {
		t.Fatal("one request is allowed")
	}
	Return(c) // which was refused
	if Take(c, start) != 0 {
		t.Fatal("a refused request was returned")
	}
	c[0].Decision.Allowed = true
	Return(c)
	if Take(c, start) != -1 {
		t.Error("what was returned is lost")
	}
}

// TestAFloodOfKeysMakesNobodysLimitLarger: with thirty times as many keys as there
// is room for, no key ever has more than its limit, whether it was forgotten or not,
// and memory stays what it is.
func TestAFloodOfKeysMakesNobodysLimitLarger(t *testing.T) {
	t.Parallel()
	for seed, l := range []Limit{{1, time.Hour, 1}, {1, time.Hour, 5}, {100, time.Second, 20}} {
		r := rand.New(rand.NewPCG(uint64(seed), 2))
		s, now := NewStore(1), start
		models := make([]model, 30*least)
		fresh := 0
		for i := range 400_000 {
			now = now.Add(time.Duration(r.IntN(1000)) * time.Nanosecond)
			k := r.IntN(len(models))
			if i%7 == 0 {
				k = r.IntN(50) // some come all the time
			}
			var name [8]byte
			binary.LittleEndian.PutUint64(name[:], uint64(k))
			if !one(s, "l", string(name[:]), l, now).Allowed {
				continue
			}
			if !models[k].allows(l, now) {
				t.Fatalf("%+v: request %d of key %d is one too many", l, len(models[k].allowed)+1, k)
			}
			if len(models[k].allowed) == 0 {
				fresh++
			}
			models[k].take(now)
		}
		if n := s.Len(); n > least || n < least*9/10 {
			t.Errorf("%+v: %d keys are remembered, want %d at most", l, n, least)
		}
		if fresh < least {
			t.Errorf("%+v: %d keys were let in at all", l, fresh)
		}
	}
}

// TestAFloodOfOneLimitTakesNothingFromAnother: not even from one whose buckets are
// full again long before.
func TestAFloodOfOneLimitTakesNothingFromAnother(t *testing.T) {
	t.Parallel()
	s := NewStore(1)
	short, long := Limit{Requests: 10, Per: time.Second, Burst: 1}, Limit{Requests: 1, Per: time.Hour, Burst: 1}
	one(s, "short", "victim", short, start)
	for i := range 10 * least {
		one(s, "long", fmt.Sprint(i), long, start)
	}
	if one(s, "short", "victim", short, start).Allowed {
		t.Error("a flood of keys of one limit gave a client a new bucket of another")
	}
	if d := one(s, "short", "newcomer", short, start); !d.Allowed {
		t.Error("a flood of keys of one limit refuses newcomers of another")
	}
}

// TestNewcomersAreServedWhileBucketsFill: a table that is full of keys which have
// used little still lets others in.
func TestNewcomersAreServedWhileBucketsFill(t *testing.T) {
	t.Parallel()
	s, l := NewStore(1), Limit{Requests: 100, Per: time.Hour, Burst: 100}
	for i := range 4 * least {
		if !one(s, "l", fmt.Sprint(i), l, start).Allowed {
			t.Fatalf("newcomer %d is refused", i)
		}
	}
}

func TestATableGrowsAndShrinksWithoutForgettingWhoUsedMost(t *testing.T) {
	t.Parallel()
	s, l := NewStore(least*64), Limit{Requests: 1, Per: time.Hour, Burst: 2}
	one(s, "l", "most", l, start)
	for i := range least * 8 {
		one(s, "l", fmt.Sprint(i), l, start)
	}
	if got := s.Len(); got < least*8-8 { // a set of eight may be full by chance
		t.Fatalf("%d keys are remembered, want all %d", got, least*8+1)
	}
	if d := one(s, "l", "most", l, start); !d.Allowed || d.Remaining != 0 {
		t.Fatalf("the second: %+v", d)
	}
	keep := map[string]bool{"l": true}
	for i := range 64 {
		keep[fmt.Sprint(i)] = true
		s.Table(fmt.Sprint(i))
	}
	if got := s.Len(); got > least {
		t.Errorf("%d keys are remembered, want %d at most", got, least)
	}
	if one(s, "l", "most", l, start).Allowed {
		t.Error("who used most is forgotten")
	}
	s.Keep(map[string]bool{})
	if s.Len() != 0 || !one(s, "l", "most", l, start).Allowed {
		t.Error("what is no longer named is kept")
	}
}

func TestAGaugeCountsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	var g Gauge
	for i, want := range []bool{true, true, false} {
		if got := g.Enter(1, 2); got != want {
			t.Errorf("request %d: got %v, want %v", i, got, want)
		}
	}
	if !g.Enter(2, 2) {
		t.Error("another key is full")
	}
	g.Leave(1)
	for i, want := range []bool{true, false} {
		if got := g.Enter(1, 2); got != want {
			t.Errorf("after one left, request %d: got %v, want %v", i, got, want)
		}
	}
	for _, k := range []Key{1, 1, 2} {
		g.Leave(k)
	}
	if g.Len() != 0 {
		t.Error("keys are remembered of which nothing is under way")
	}
	if g.Enter(3, 0) {
		t.Error("none may enter")
	}
}

func TestTakingAllocatesNothing(t *testing.T) {
	s, l := NewStore(0), Limit{Requests: 1000, Per: time.Second, Burst: 100}
	a, b := s.Table("a"), s.Table("b")
	name := []byte("192.0.2.1")
	if n := testing.AllocsPerRun(1000, func() {
		claims := [2]Claim{{Table: a, Key: s.Key(name), Limit: l}, {Table: b, Key: s.Key(name[:5]), Limit: l}}
		if Take(claims[:], start) >= 0 {
			Return(claims[:])
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTake(b *testing.B) {
	s, l := NewStore(0), Limit{Requests: 1000, Per: time.Second, Burst: 100}
	t, now, name := s.Table("policy/limit"), start, []byte("192.0.2.1")
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Microsecond)
		c := [1]Claim{{Table: t, Key: s.Key(name), Limit: l}}
		Take(c[:], now)
	}
}

// BenchmarkTakeFlood has a new key each time, in a full table.
func BenchmarkTakeFlood(b *testing.B) {
	s, l := NewStore(0), Limit{Requests: 1, Per: time.Hour, Burst: 10}
	t, k := s.Table("l"), uint64(1)
	b.ReportAllocs()
	for b.Loop() {
		k *= 6364136223846793005
		c := [1]Claim{{Table: t, Key: Key(k), Limit: l}}
		Take(c[:], start)
	}
}

func BenchmarkTakeParallel(b *testing.B) {
	s, l := NewStore(0), Limit{Requests: 1000, Per: time.Second, Burst: 100}
	t := s.Table("l")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		k := rand.Uint64()
		for pb.Next() {
			k = k*6364136223846793005 + 1
			c := [1]Claim{{Table: t, Key: Key(k>>49<<49 | 1), Limit: l}}
			Take(c[:], start)
		}
	})
}
