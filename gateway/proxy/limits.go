// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/access"
	"github.com/gatehouse-sh/gatehouse/gateway/condition"
	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit"
	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit/schedule"
	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit/shared"
)

// limits are the rate limits of a policy, or those of them that are judged at one
// place. A request is counted by all of them, or by none.
type limits struct {
	state       *limitState
	policy      string
	unresolved  bool         // it cannot be kept: nothing passes
	concurrency *concurrency // nil: any number
	local       []rateLimit
	shared      []rateLimit
	slot        string // of shared
	store       *shared.Store
	alone       bool // while the store does not answer, each process counts by itself
}

// concurrency is how many requests of a key may be under way.
type concurrency struct {
	gauge *ratelimit.Gauge
	key   []part
	most  int
}

type rateLimit struct {
	name      string
	key       []part
	limit     ratelimit.Limit
	tiers     []tier
	schedules *schedules
	shadow    bool
	queued    int // requests of one key that may wait; 0: none
	wait      time.Duration
	table     *ratelimit.Table
	prefix    []byte // of keys in a store
}

type tier struct {
	when  *condition.Predicate
	limit ratelimit.Limit
}

// schedules are limits of times. Which of them holds is found once a minute.
type schedules struct {
	list []scheduled
	now  atomic.Pointer[minute]
}

type scheduled struct {
	when  *schedule.Schedule
	limit ratelimit.Limit
}

// minute is which schedule holds in a minute since 1970; -1: none.
type minute struct {
	number int64
	index  int
}

// at returns the limit of a moment, if there is one.
func (s *schedules) at(now time.Time) (ratelimit.Limit, bool) {
	if s == nil {
		return ratelimit.Limit{}, false
	}
	number := now.Unix() / 60
	m := s.now.Load()
	if m == nil || m.number != number {
		m = &minute{number, -1}
		for i := range s.list {
			if s.list[i].when.Active(now) {
				m.index = i
				break
			}
		}
		s.now.Store(m)
	}
	if m.index < 0 {
		return ratelimit.Limit{}, false
	}
	return s.list[m.index].limit, true
}

// of returns the limit that holds for a request.
func (r *rateLimit) of(x *Exchange) (ratelimit.Limit, error) {
	for i := range r.tiers {
		t := &r.tiers[i]
		if t.when.Identity() && x.Principal == nil {
			continue // nobody is known, so nobody has a role
		}
		fits, err := t.when.Eval(condition.Input{Form: x.Form, Principal: x.Principal, Now: x.Now})
		if err != nil {
			return ratelimit.Limit{}, fmt.Errorf("tier %d: %w", i, err)
		}
		if fits {
			return t.limit, nil
		}
	}
	if l, is := r.schedules.at(x.Now); is {
		return l, nil
	}
	return r.limit, nil
}

// work is what judging one request needs.
type work struct {
	buffer []byte
	local  []ratelimit.Claim // of limits.local, and after them those of limits.shared
	shared []shared.Claim
	last   ratelimit.Decision // of the limit that refused
}

var works = sync.Pool{New: func() any { return &work{} }}

// Judge implements Filter.
func (l *limits) Judge(x *Exchange) Decision {
	if l.unresolved {
		return l.refuse(http.StatusServiceUnavailable, access.Unresolved, "")
	}
	w, is := works.Get().(*work)
	if !is {
		w = &work{}
	}
	defer works.Put(w)
	if c := l.concurrency; c != nil {
		var err error
		if w.buffer, err = appendKey(w.buffer[:0], c.key, x); err != nil {
			return l.refuse(http.StatusForbidden, "condition-error", "")
		}
		key := l.state.store.Key(w.buffer)
		if !c.gauge.Enter(key, c.most) {
			return l.busy()
		}
		x.held = append(x.held, held{c.gauge, key})
	}
	if failed, err := l.claims(w, x); err != nil {
		return l.refuse(http.StatusForbidden, "condition-error", failed)
	}
	return l.judge(x, w)
}

// claims makes the claims of a request; an error is of the limit whose name is
// returned.
func (l *limits) claims(w *work, x *Exchange) (string, error) {
	w.local, w.shared = w.local[:0], w.shared[:0]
	for i := range len(l.local) + len(l.shared) {
		r := l.at(i)
		limit, err := r.of(x)
		if err != nil {
			return r.name, err
		}
		if w.buffer, err = appendKey(w.buffer[:0], r.key, x); err != nil {
			return r.name, err
		}
		w.local = append(w.local, ratelimit.Claim{Table: r.table, Key: l.state.store.Key(w.buffer), Limit: limit, Shadow: r.shadow})
		if i >= len(l.local) {
			key := append(append(make([]byte, 0, len(r.prefix)+len(w.buffer)), r.prefix...), w.buffer...)
			w.shared = append(w.shared, shared.Claim{Slot: l.slot, Key: key, Limit: limit, Shadow: r.shadow})
		}
	}
	return "", nil
}

// at returns a limit by the index of its claim.
func (l *limits) at(i int) *rateLimit {
	if i < len(l.local) {
		return &l.local[i]
	}
	return &l.shared[i-len(l.local)]
}

// The answers of take that are no index of a limit.
const (
	taken  = -1
	failed = -2 // the store does not answer
	gone   = -3 // the client has gone
)

// take counts a request by all limits, or by none, and returns which refused it.
func (l *limits) take(ctx context.Context, w *work, now time.Time) int {
	here, elsewhere := w.local[:len(l.local)], w.local[len(l.local):]
	if refused := ratelimit.Take(here, now); refused >= 0 {
		w.last = here[refused].Decision
		return refused
	}
	if len(w.shared) == 0 {
		return taken
	}
	refused, err := l.store.Take(ctx, w.shared)
	switch {
	case err == nil && refused >= 0:
		w.last = w.shared[refused].Decision
	case err == nil:
		return taken
	case ctx.Err() != nil:
		ratelimit.Return(here)
		return gone
	case !l.alone:
		ratelimit.Return(here)
		return failed
	default:
		if refused = ratelimit.Take(elsewhere, now); refused < 0 {
			return taken
		}
		w.last = elsewhere[refused].Decision
	}
	ratelimit.Return(here)
	return len(here) + refused
}

// judge counts a request, and lets it wait if the limit that refuses it says so.
func (l *limits) judge(x *Exchange, w *work) Decision {
	ctx := x.R.Context()
	which := l.behind(w)
	if which < 0 {
		which = l.take(ctx, w, x.Now)
	} else {
		w.last = ratelimit.Decision{}
	}
	var until time.Time
	for which >= 0 {
		r := l.at(which)
		if r.queued == 0 {
			return l.exceeded(r, w, which, "rate-limit", 0)
		}
		if most := time.Now().Add(r.wait); until.IsZero() || most.Before(until) {
			until = most
		}
		next := taken
		c := &w.local[which]
		waiting := l.state.queue.Waiting(r.table, c.Key)
		wait := ratelimit.Wait{Table: r.table, Key: c.Key, Most: r.queued, Until: until, After: w.last.RetryAfter, Every: c.Limit.Interval()}
		outcome := l.state.queue.Wait(ctx, wait, func() (time.Duration, bool) {
			next = l.take(ctx, w, time.Now())
			return w.last.RetryAfter, next != which
		})
		switch outcome {
		case ratelimit.Done:
			which = next       // another limit may have refused it meanwhile
			x.Now = time.Now() // what was good when it came may have ended
		case ratelimit.Full:
			return l.exceeded(r, w, which, "rate-limit-queue-full", waiting)
		case ratelimit.Late:
			return l.exceeded(r, w, which, "rate-limit-queue-late", waiting)
		case ratelimit.Drained:
			return l.exceeded(r, w, which, "rate-limit", waiting)
		case ratelimit.Gone:
			which = gone
		}
	}
	switch which {
	case taken:
		l.tellShadows(x, w)
		return Next()
	case gone:
		return l.refuse(499, "client-gone", "") // nobody reads it; nginx's number
	}
	d := l.refuse(http.StatusServiceUnavailable, "limit-store-unavailable", "")
	d.Header = func(h http.Header) { h.Set("Retry-After", "1") }
	return d
}

// behind returns a limit in whose line others with the same key wait already, since
// nobody goes before them; -1: none.
func (l *limits) behind(w *work) int {
	for i := range w.local {
		if r := l.at(i); r.queued > 0 && l.state.queue.Waiting(r.table, w.local[i].Key) > 0 {
			return i
		}
	}
	return -1
}
