// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"context"
	"math/rand/v2"
	"time"
)

// run fetches until ctx ends. It alone does, so that there is one fetch at a time.
func (s *Set) run(ctx context.Context) {
	defer close(s.ended)
	failures := 0
	for {
		s.begin()
		answer, err := s.source.fetch(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			failures++
		} else {
			failures = 0
		}
		timer := time.NewTimer(s.end(answer, err, failures))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-s.demand:
			timer.Stop()
		}
	}
}

// begin lets requests wait for the fetch that follows. Those that wanted one have it.
func (s *Set) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.round == nil {
		s.round = make(chan struct{})
	}
	select {
	case <-s.demand:
	default:
	}
}

// end takes what a fetch brought, and says when the next is due.
func (s *Set) end(a answer, err error, failures int) time.Duration {
	s.mu.Lock()
	now := time.Now()
	s.status.Err = err
	var wait time.Duration
	if err == nil {
		s.status.Fetched = now
		if !a.unchanged {
			s.publish(a.keys)
			s.status.Faults = a.faults
		}
		wait = spread(min(max(a.fresh, s.options.MinRefresh), s.options.MaxRefresh))
	} else {
		wait = spread(min(time.Second<<min(failures-1, 10), maxBackoff, s.options.MaxRefresh))
		if rest := s.status.Fetched.Add(s.options.StaleIfError).Sub(now); rest <= 0 {
			s.publish(nil)
			s.source.forget()
		} else {
			wait = min(wait, rest)
		}
	}
	s.status.Keys = len(s.current.Load().all)
	status := s.status
	close(s.round)
	s.round = nil
	s.mu.Unlock()
	if s.options.Notify != nil {
		s.options.Notify(status)
	}
	return wait
}

// spread makes a time up to a tenth shorter, so that not all gateways ask at once.
func spread(d time.Duration) time.Duration {
	return d - rand.N(d/10+1) //nolint:gosec // not a secret
}

// publish puts keys in the place of those before. A key that stays is the same one.
func (s *Set) publish(list []*Key) {
	old := s.current.Load()
	before := make(map[[32]byte]*Key, len(old.all))
	for _, k := range old.all {
		before[k.sum] = k
	}
	all, changed := make([]*Key, len(list)), len(list) != len(old.all)
	for i, k := range list {
		if same := before[k.sum]; same != nil {
			all[i] = same
			delete(before, k.sum)
			continue
		}
		all[i], changed = k, true
	}
	if !changed {
		return
	}
	s.current.Store(newKeys(all, rand.Uint64())) //nolint:gosec // not a secret; another number than any before, also of a set that was closed
	for _, k := range before {
		k.gone.Store(true)
	}
}
