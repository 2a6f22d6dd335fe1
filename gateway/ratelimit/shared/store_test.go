// SPDX-License-Identifier: Apache-2.0

package shared

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit"
	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit/shared/redistest"
)

var start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// patient waits long: what is tested is not how fast this machine is.
const patient = 20 * time.Second

func open(t testing.TB, o Options) *Store {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = patient
	}
	s := Open(o)
	t.Cleanup(s.Close)
	<-s.Tried()
	return s
}

func one(t testing.TB, s *Store, key string, l ratelimit.Limit) ratelimit.Decision {
	t.Helper()
	c := []Claim{{Key: []byte(key), Limit: l}}
	if _, err := s.Take(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c[0].Decision
}

// TestTheScriptDecidesAsTheProcessDoes: the same moments, the same limits, the same
// answers as of package ratelimit, over years and for every size of a limit.
func TestTheScriptDecidesAsTheProcessDoes(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	s := open(t, Options{Address: m.Addr()})
	if !s.Up() {
		t.Fatal("the server is not found")
	}
	allowed, refused := 0, 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 4))
		here, now := ratelimit.NewStore(0), start.Add(time.Duration(seed)*30*24*time.Hour)
		l := ratelimit.Limit{Requests: 1 + r.IntN(20), Per: time.Duration(1+r.IntN(1000000)) * time.Millisecond, Burst: 1 + r.IntN(8)}
		l.Per = (l.Per / time.Duration(l.Requests)).Truncate(time.Microsecond) * time.Duration(l.Requests) // intervals of whole microseconds
		for i := range 60 {
			now = now.Add(time.Duration(r.Int64N(int64(l.Interval()) * 3 / 2)).Truncate(time.Microsecond))
			m.SetTime(now)
			c := [1]ratelimit.Claim{{Table: here.Table("l"), Key: 1, Limit: l}}
			ratelimit.Take(c[:], now)
			want := c[0].Decision
			if got := one(t, s, fmt.Sprint(seed), l); got != want {
				t.Fatalf("seed %d, %+v, request %d: got %+v, want %+v", seed, l, i, got, want)
			}
			if want.Allowed {
				allowed++
			} else {
				refused++
			}
		}
	}
	if allowed == 0 || refused == 0 {
		t.Errorf("%d allowed, %d refused", allowed, refused)
	}
}

// TestABurstIsABurst: whatever fraction of a microsecond an interval has, so many
// may come at once, and then one after the time that is told.
func TestABurstIsABurst(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	s := open(t, Options{Address: m.Addr()})
	r := rand.New(rand.NewPCG(9, 4))
	for i := range 150 {
		now := start.Add(time.Duration(r.Int64N(int64(8 * 365 * 24 * time.Hour)))).Truncate(time.Microsecond)
		m.SetTime(now)
		l := ratelimit.Limit{Requests: 1 + r.IntN(100_000), Burst: 1 + r.IntN(20)}
		l.Per = time.Duration(l.Requests)*10*time.Microsecond + time.Duration(r.Int64N(int64(time.Hour)>>r.IntN(40)))
		var d ratelimit.Decision
		for k := range l.Burst {
			if d = one(t, s, fmt.Sprint(i), l); !d.Allowed || d.Remaining != l.Burst-1-k {
				t.Fatalf("%+v at %s, request %d: %+v", l, now, k, d)
			}
		}
		if d = one(t, s, fmt.Sprint(i), l); d.Allowed || d.RetryAfter < l.Interval()-time.Microsecond || d.RetryAfter > l.Interval()+2*time.Microsecond {
			t.Fatalf("%+v at %s, one too many: %+v", l, now, d)
		}
		m.SetTime(now.Add(d.RetryAfter - 2*time.Microsecond))
		if d := one(t, s, fmt.Sprint(i), l); d.Allowed {
			t.Fatalf("%+v at %s, too early: %+v", l, now, d)
		}
		m.SetTime(now.Add(d.RetryAfter))
		if d := one(t, s, fmt.Sprint(i), l); !d.Allowed || d.Remaining != 0 {
			t.Fatalf("%+v at %s, in time: %+v", l, now, d)
		}
	}
}

// servers are the two kinds that are tested.
func servers(t *testing.T, test func(t *testing.T, address string)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { t.Parallel(); test(t, miniredis.RunT(t).Addr()) })
	t.Run("redis-server", func(t *testing.T) { t.Parallel(); test(t, redistest.Start(t).Address) })
}

func TestARequestIsCountedByAllOrNone(t *testing.T) {
	t.Parallel()
	servers(t, func(t *testing.T, address string) {
		a, b := open(t, Options{Address: address}), open(t, Options{Address: address})
		hour := func(n int) ratelimit.Limit { return ratelimit.Limit{Requests: n, Per: time.Hour, Burst: n} }
		take := func(s *Store) (int, []Claim) {
			c := []Claim{{Slot: "p", Key: []byte("many"), Limit: hour(500)}, {Slot: "p", Key: []byte("shadow"), Limit: hour(5), Shadow: true}, {Slot: "p", Key: []byte("few"), Limit: hour(10)}}
			refused, err := s.Take(t.Context(), c)
			if err != nil {
				t.Error(err)
			}
			return refused, c
		}
		var all sync.WaitGroup
		var allowed atomic.Int64
		for i := range 4 {
			all.Go(func() {
				for range 20 {
					if refused, _ := take([]*Store{a, b}[i%2]); refused < 0 {
						allowed.Add(1)
					}
				}
			})
		}
		all.Wait()
		if allowed.Load() != 10 {
			t.Errorf("%d were allowed, want 10", allowed.Load())
		}
		refused, c := take(a)
		if d := c[0].Decision; refused != 2 || !d.Allowed || d.Remaining != 489 || c[1].Decision.Allowed {
			t.Errorf("refused by %d: %+v", refused, c)
		}
		if d := c[2].Decision; d.RetryAfter <= 0 || d.RetryAfter > 6*time.Minute {
			t.Errorf("an hour has 10: %+v", d)
		}
		// From a slow limit to a fast one: the bucket is empty, and not for longer.
		if d := one(t, a, "slow", hour(1)); !d.Allowed {
			t.Errorf("%+v", d)
		}
		if d := one(t, a, "slow", ratelimit.Limit{Requests: 1, Per: time.Minute, Burst: 1}); d.Allowed || d.RetryAfter != time.Minute {
			t.Errorf("a debt is larger than an empty bucket: %+v", d)
		}
	})
}

func TestLimitsOfEverySizeAreCounted(t *testing.T) {
	t.Parallel()
	servers(t, func(t *testing.T, address string) {
		s := open(t, Options{Address: address})
		for i, l := range []ratelimit.Limit{
			{Requests: 1, Per: 366 * 24 * time.Hour, Burst: 1_000_000_000},
			{Requests: 1, Per: math.MaxInt64, Burst: math.MaxInt},
			{Requests: 1, Per: math.MaxInt64, Burst: 1},
			{Requests: 100_000, Per: time.Second, Burst: 1},
			{Requests: 1_000_000_000, Per: 366 * 24 * time.Hour, Burst: 3},
			{Requests: 3, Per: time.Second, Burst: 2},
		} {
			if d := one(t, s, fmt.Sprint(i), l); !d.Allowed {
				t.Errorf("%+v: %+v", l, d)
			}
			if d := one(t, s, fmt.Sprint(i), l); l.Burst > 1 && !d.Allowed {
				t.Errorf("%+v, the second: %+v", l, d)
			}
		}
	})
}

// TestKeysSayNothing: neither keys nor values hold what was asked for, and a secret
// makes other ones.
func TestKeysSayNothing(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	l := ratelimit.Limit{Requests: 1, Per: time.Hour, Burst: 1}
	for i, secret := range []string{"", "a", "b"} {
		s := open(t, Options{Address: m.Addr(), Secret: []byte(secret), Prefix: "edge"})
		if d := one(t, s, "policy 192.0.2.1 alice@example.com", l); !d.Allowed {
			t.Errorf("secret %d: the bucket is another one's", i)
		}
		if _, err := s.Take(t.Context(), []Claim{{Slot: "alice", Key: []byte("alice"), Limit: l}, {Slot: "alice", Key: []byte("robert"), Limit: l}}); err != nil {
			t.Fatal(err)
		}
	}
	dump := m.Dump()
	for _, word := range []string{"192.0.2", "alice", "example", "robert"} { // too long to be there by chance
		if strings.Contains(dump, word) {
			t.Errorf("%q is in\n%s", word, dump)
		}
	}
	keys := m.Keys()
	if len(keys) != 3*3+3 { // each secret has its own key of the probe, too
		t.Errorf("there are %d keys: %v", len(keys), keys)
	}
	slots := map[string]int{}
	for _, k := range keys {
		if !strings.HasPrefix(k, "edge:1:") {
			t.Errorf("the key %s", k)
		}
		if ttl := m.TTL(k); ttl <= 0 || ttl > time.Hour {
			t.Errorf("%s lives %s", k, ttl)
		}
		if _, after, tagged := strings.Cut(k, "{"); tagged {
			slot, _, _ := strings.Cut(after, "}")
			slots[slot]++
		}
	}
	if len(slots) != 3 {
		t.Errorf("claims of one call have %d slots, want one for each secret: %v", len(slots), keys)
	}
}

// TestABucketLivesUntilItIsFull: rounded up to milliseconds, never down.
func TestABucketLivesUntilItIsFull(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	m.SetTime(start)
	s := open(t, Options{Address: m.Addr()})
	one(t, s, "a", ratelimit.Limit{Requests: 1, Per: 1500100 * time.Nanosecond, Burst: 1})
	if got := m.TTL("gatehouse:1:" + newDigests(nil).of([]byte("a"))); got != 2*time.Millisecond {
		t.Errorf("it lives %s, want 2 ms\n%s", got, m.Dump())
	}
}

func TestAServerThatIsGoneIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	changes := make(chan string, 16)
	s := open(t, Options{Address: server.Address, Changed: func(lost error) { changes <- fmt.Sprint(lost) }})
	if got := <-changes; got != "<nil>" {
		t.Fatalf("told %q", got)
	}
	l := ratelimit.Limit{Requests: 2, Per: time.Hour, Burst: 2}
	if d := one(t, s, "a", l); !d.Allowed {
		t.Fatal("the first is refused")
	}
	server.Kill()
	for range 100 {
		if _, err := s.Take(t.Context(), []Claim{{Key: []byte("a"), Limit: l}}); !errors.Is(err, ErrDown) {
			t.Fatalf("got %v, want ErrDown", err)
		}
	}
	if got := <-changes; got == "<nil>" {
		t.Fatalf("told %q", got)
	}
	server.Restart()
	if got := <-changes; got != "<nil>" {
		t.Fatalf("told %q", got)
	}
	if d := one(t, s, "a", l); !d.Allowed {
		t.Errorf("after the restart: %+v", d)
	}
}

func TestAServerThatHangsIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	changes := make(chan bool, 16)
	s := open(t, Options{Address: server.Address, Timeout: 200 * time.Millisecond, Changed: func(lost error) { changes <- lost == nil }})
	if !<-changes {
		t.Fatal("the server is not found")
	}
	server.Pause()
	l := ratelimit.Limit{Requests: 1000, Per: time.Hour, Burst: 1000}
	slow := 0
	for range 200 {
		began := time.Now()
		if _, err := s.Take(t.Context(), []Claim{{Key: []byte("a"), Limit: l}}); !errors.Is(err, ErrDown) {
			t.Fatalf("got %v, want ErrDown", err)
		}
		if time.Since(began) >= 200*time.Millisecond {
			slow++
		}
	}
	if slow != slowest {
		t.Errorf("%d waited for it, want %d", slow, slowest)
	}
	if <-changes {
		t.Error("a server that hangs is said to be found")
	}
	server.Resume()
	if !<-changes {
		t.Error("it is not found again")
	}
	if d := one(t, s, "b", l); !d.Allowed {
		t.Errorf("after it goes on: %+v", d)
	}
}

// TestAnIdleConnectionMayBeClosed: the server closes it, the next request opens
// another one and is counted.
func TestAnIdleConnectionMayBeClosed(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s, other := open(t, Options{Address: server.Address}), open(t, Options{Address: server.Address})
	c := other.current.Load().client
	if err := c.Do(t.Context(), c.B().Arbitrary("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").Build()).Error(); err != nil {
		t.Fatal(err)
	}
	if d := one(t, s, "a", ratelimit.Limit{Requests: 2, Per: time.Hour, Burst: 2}); !d.Allowed {
		t.Errorf("%+v", d)
	}
}

func TestAScriptThatIsForgottenIsSentAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, Options{Address: server.Address})
	c := s.current.Load().client
	if err := c.Do(t.Context(), c.B().Arbitrary("SCRIPT", "FLUSH").Build()).Error(); err != nil {
		t.Fatal(err)
	}
	if d := one(t, s, "a", ratelimit.Limit{Requests: 2, Per: time.Hour, Burst: 2}); !d.Allowed {
		t.Errorf("%+v", d)
	}
}

// TestServersThatRefuseAreTold: by a word that repeats nothing that was sent.
func TestServersThatRefuseAreTold(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--requirepass", "right-secret")
	full := redistest.Start(t, "--maxmemory", "1", "--maxmemory-policy", "noeviction")
	closed, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, tc := range map[string]struct {
		o    Options
		up   bool
		want string
	}{
		"the right password": {Options{Address: server.Address, Password: "right-secret"}, true, ""},
		"a user":             {Options{Address: server.Address, Username: "default", Password: "right-secret", Database: 3}, true, ""},
		"a wrong password":   {Options{Address: server.Address, Password: "wrong-secret"}, false, "it answered WRONGPASS"},
		"no password":        {Options{Address: server.Address}, false, "it answered NOAUTH"},
		"no memory":          {Options{Address: full.Address}, false, "it answered OOM"},
		"nobody listens":     {Options{Address: closed.Addr().String()}, false, "connection refused"},
		"no such socket":     {Options{Address: "unix:/nowhere/redis"}, false, "no such file"},
	} {
		told := make(chan string, 16)
		tc.o.Changed = func(lost error) { told <- fmt.Sprint(lost) }
		s := open(t, tc.o)
		if got := <-told; s.Up() != tc.up || !strings.Contains(got, tc.want) || strings.Contains(got, "secret") {
			t.Errorf("%s: up is %v, told %q, want %q", name, s.Up(), got, tc.want)
		}
	}
}

func TestAUnixSocketIsAnAddress(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/s"
	redistest.Start(t, "--unixsocket", path)
	up := make(chan bool, 16) // the socket may come after the port
	s := open(t, Options{Address: "unix:" + path, Changed: func(lost error) { up <- lost == nil }})
	for !<-up {
	}
	if d := one(t, s, "a", ratelimit.Limit{Requests: 2, Per: time.Hour, Burst: 2}); !d.Allowed {
		t.Errorf("%+v", d)
	}
}

func TestACallerThatGoesIsNoFailureOfTheServer(t *testing.T) {
	t.Parallel()
	s := open(t, Options{Address: miniredis.RunT(t).Addr()})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 {
		if _, err := s.Take(ctx, []Claim{{Key: []byte("a"), Limit: ratelimit.Limit{Requests: 1, Per: time.Hour, Burst: 1}}}); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	}
	if !s.Up() {
		t.Error("the server is said to be lost")
	}
	s.Close()
	if _, err := s.Take(t.Context(), []Claim{{Key: []byte("a")}}); !errors.Is(err, ErrDown) {
		t.Errorf("a closed store: %v", err)
	}
}

func BenchmarkTake(b *testing.B) {
	s := open(b, Options{Address: redistest.Start(b).Address})
	l := ratelimit.Limit{Requests: 1000, Per: time.Second, Burst: 100}
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		key := []byte("192.0.2.1")
		for pb.Next() {
			if _, err := s.Take(b.Context(), []Claim{{Key: key, Limit: l}}); err != nil {
				b.Error(err)
			}
		}
	})
}
