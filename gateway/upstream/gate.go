// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ErrOverloaded says that a backend has as many requests as it may have, and that the
// queue is full, or did not move in time.
var ErrOverloaded = errors.New("the backend has too many requests")

// errFull says that there is no room: whoever asks waits in line.
var errFull = errors.New("all endpoints have as many requests as they may")

// gate counts the requests that are under way, and lets others wait in line.
type gate struct {
	active  atomic.Int64
	waiting atomic.Int64 // in the line, or about to be

	mu   sync.Mutex
	line []*waiter
}

// waiter is a request in the line.
type waiter struct {
	take func() bool   // finds room for it
	turn chan struct{} // closed once there was
}

// enter returns once take has found room: at once, or when its turn comes. No two of
// them look for room at the same time.
func (g *gate) enter(ctx context.Context, s *settings, take func() bool) error {
	w, err := g.join(s.pending, take)
	if w == nil {
		return err
	}
	late := time.NewTimer(s.wait)
	defer late.Stop()
	select {
	case <-w.turn:
		return nil
	case <-late.C:
		err = ErrOverloaded
	case <-ctx.Done():
		err = ctx.Err()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.line, w)
	if i < 0 {
		return nil // its turn came at the same time
	}
	g.line = slices.Delete(g.line, i, i+1)
	g.waiting.Add(-1)
	return err
}

// join finds room, or a place in the line. It returns no waiter if none is needed.
func (g *gate) join(pending int, take func() bool) (*waiter, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting.Add(1) // before it looks: whoever leaves from now on calls admit
	g.letIn()        // an endpoint may be well again, which nobody tells of
	if len(g.line) == 0 && take() {
		g.waiting.Add(-1)
		return nil, nil
	}
	if len(g.line) >= pending {
		g.waiting.Add(-1)
		return nil, ErrOverloaded
	}
	w := &waiter{take: take, turn: make(chan struct{})}
	g.line = append(g.line, w)
	return w, nil
}

// leave counts a request out, and lets the first in line go.
func (g *gate) leave() {
	g.active.Add(-1)
	g.admit()
}

// admit lets as many go as there is room for.
func (g *gate) admit() {
	if g.waiting.Load() > 0 {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.letIn()
	}
}

func (g *gate) letIn() {
	for len(g.line) > 0 && g.line[0].take() {
		close(g.line[0].turn)
		g.line = slices.Delete(g.line, 0, 1)
		g.waiting.Add(-1)
	}
}
