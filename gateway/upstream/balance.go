// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"
)

// enter counts a request in at an endpoint.
func (p *Pool) enter(ctx context.Context, s *settings, tried []*endpoint) (*endpoint, error) {
	if s.requests == 0 && s.connections == 0 {
		return p.take(s, tried)
	}
	return p.wait(ctx, s, tried)
}

// wait counts a request in at an endpoint with room, when its turn comes.
func (p *Pool) wait(ctx context.Context, s *settings, tried []*endpoint) (e *endpoint, err error) {
	waited := p.gate.enter(ctx, s, func() bool {
		e, err = p.take(p.settings.Load(), tried)
		return !errors.Is(err, errFull)
	})
	if waited != nil {
		return nil, waited
	}
	return e, err
}

// take counts a request in at an endpoint, if there is room. Where there are bounds,
// only the gate calls it.
func (p *Pool) take(s *settings, tried []*endpoint) (*endpoint, error) {
	if s.requests > 0 && p.gate.active.Load() >= int64(s.requests) {
		return nil, errFull
	}
	e, err := p.pick(s, tried)
	if err == nil {
		p.gate.active.Add(1)
		e.requests.Add(1)
	}
	return e, err
}

// pick chooses an endpoint with room: one that is well and was not tried, or else the
// best that there is.
func (p *Pool) pick(s *settings, tried []*endpoint) (*endpoint, error) {
	list := *p.endpoints.Load()
	if len(list) == 0 {
		return nil, ErrNoEndpoints
	}
	if !s.choosy && len(tried) == 0 {
		return p.among(s, list), nil
	}
	now := time.Now().UnixNano()
	well := make([]*endpoint, 0, len(list))
	for _, e := range list {
		if e.well(now) {
			well = append(well, e)
		}
	}
	if len(well) == 0 {
		if s.refuse {
			return nil, ErrUnhealthy
		}
		well = append(well, list...)
	}
	free := slices.DeleteFunc(well, func(e *endpoint) bool {
		return s.connections > 0 && e.requests.Load() >= int64(s.connections)
	})
	if len(free) == 0 {
		return nil, errFull
	}
	fresh := slices.DeleteFunc(slices.Clone(free), func(e *endpoint) bool { return slices.Contains(tried, e) })
	for len(fresh) > 0 {
		e := p.among(s, fresh)
		if e.claim() {
			return e, nil
		}
		fresh = slices.DeleteFunc(fresh, func(other *endpoint) bool { return other == e }) // somebody else tries it
	}
	return p.among(s, free), nil
}

func (p *Pool) among(s *settings, list []*endpoint) *endpoint {
	switch {
	case len(list) == 1:
		return list[0]
	case s.balance == "RoundRobin":
		return list[p.turn.Add(1)%uint64(len(list))]
	}
	i := rand.IntN(len(list)) //nolint:gosec // not a secret
	if s.balance == "Random" {
		return list[i]
	}
	// The less busy one of two, chosen at random, is nearly as good as the least busy of
	// all, and it does not send everybody to the one that has just come (Mitzenmacher, The
	// Power of Two Choices, 2001).
	k := rand.IntN(len(list) - 1) //nolint:gosec // not a secret
	if k >= i {
		k++
	}
	if list[k].requests.Load() < list[i].requests.Load() {
		i = k
	}
	return list[i]
}
