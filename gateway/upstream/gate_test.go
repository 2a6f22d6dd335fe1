// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

func TestABackendIsGivenNoMoreThanItMayHave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		held := make(chan struct{})
		do := func(context.Context) (int, error) {
			most.Store(max(most.Load(), now.Add(1)))
			<-held
			now.Add(-1)
			return 200, nil
		}
		a, b := &fake{do: do}, &fake{do: do}
		p := pool(t, &config.Backend{Breaker: config.Breaker{Requests: 5, Connections: 2, Pending: 3, Wait: config.Duration(time.Second)}}, a, b)
		var served, refused atomic.Int64
		var all sync.WaitGroup
		ask := func(ctx context.Context) {
			all.Go(func() {
				switch _, err := send(ctx, p, "GET", once); {
				case err == nil:
					served.Add(1)
				case errors.Is(err, ErrOverloaded):
					refused.Add(1)
				case !errors.Is(err, context.Canceled):
					t.Error(err)
				}
			})
		}
		for range 10 {
			ask(t.Context())
			synctest.Wait()
		}
		if a.times() != 2 || b.times() != 2 || refused.Load() != 3 {
			t.Errorf("%d and %d are under way, %d refused, want 2, 2, 3 and three that wait", a.times(), b.times(), refused.Load())
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if refused.Load() != 6 {
			t.Errorf("%d refused: those that waited too long were not", refused.Load())
		}
		ctx, cancel := context.WithCancel(t.Context())
		ask(ctx)
		synctest.Wait()
		ask(t.Context())
		synctest.Wait()
		cancel() // the first that waits goes
		synctest.Wait()
		held <- struct{}{}
		synctest.Wait()
		if a.times()+b.times() != 5 {
			t.Error("who waits is not let in when another one ends")
		}
		close(held)
		all.Wait()
		if served.Load() != 5 || most.Load() != 4 || p.gate.active.Load() != 0 || p.gate.waiting.Load() != 0 {
			t.Errorf("%d served, %d at once at most; %d active and %d waiting are left", served.Load(), most.Load(), p.gate.active.Load(), p.gate.waiting.Load())
		}
	})
}

// TestAFullEndpointIsNotTakenInThePlaceOfOneThatIsOut: requests wait for one that is well.
func TestAFullEndpointIsNotTakenInThePlaceOfOneThatIsOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		held := make(chan struct{})
		bad, good := &fake{do: says(503)}, &fake{do: says(200)}
		p := pool(t, &config.Backend{
			Balance: "RoundRobin", Outlier: &config.Outlier{Failures: 1, Ejection: config.Duration(10 * time.Second)},
			Breaker: config.Breaker{Connections: 2, Pending: 1, Wait: config.Duration(time.Minute)},
		}, bad, good)
		for bad.times() == 0 {
			if _, err := send(t.Context(), p, "GET", once); err != nil {
				t.Fatal(err)
			}
		}
		before := good.times()
		good.set(func(context.Context) (int, error) { <-held; return 200, nil })
		bad.set(says(200))
		var refused, served atomic.Int64
		var all sync.WaitGroup
		ask := func() {
			all.Go(func() {
				switch _, err := send(t.Context(), p, "GET", once); {
				case err == nil:
					served.Add(1)
				case errors.Is(err, ErrOverloaded):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		for range 5 {
			ask()
		}
		if g, b := good.times()-before, bad.times(); g != 2 || b != 1 || refused.Load() != 2 {
			t.Errorf("the one that is well got %d, the one that is out %d, %d were refused, want 2, 1, 2 and one that waits", g, b, refused.Load())
		}
		held <- struct{}{}
		synctest.Wait()
		if g := good.times() - before; g != 3 {
			t.Errorf("the one that is well got %d: who waits does not follow", g)
		}
		ask() // waits
		time.Sleep(11 * time.Second)
		ask() // the other one may be tried again, by who waits first
		if b := bad.times(); b != 3 || served.Load() != 3 {
			t.Errorf("%d served, %d by the one that was out, want 3 and 3", served.Load(), b)
		}
		close(held)
		all.Wait()
		if p.gate.active.Load() != 0 || p.gate.waiting.Load() != 0 {
			t.Errorf("%d active and %d waiting are left", p.gate.active.Load(), p.gate.waiting.Load())
		}
	})
}
