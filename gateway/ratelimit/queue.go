// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// MostWaiting is how many requests of a process wait at once, whatever the queues
// of single limits allow.
const MostWaiting = 10_000

// Queue is the requests that wait for a limit: a line for each key of each table,
// in which the first to come is the first to go. Any number of goroutines may use
// it.
type Queue struct {
	most    int
	drained chan struct{}
	once    sync.Once

	mu    sync.Mutex
	lines map[place]*list.List // of chan struct{}, which is closed when it is somebody's turn
	total int
}

type place struct {
	table *Table
	key   Key
}

// NewQueue makes a Queue of at most so many requests; 0 means MostWaiting.
func NewQueue(most int) *Queue {
	if most <= 0 {
		most = MostWaiting
	}
	return &Queue{most: most, drained: make(chan struct{}), lines: map[place]*list.List{}}
}

// Drain ends all waiting, now and from now on.
func (q *Queue) Drain() { q.once.Do(func() { close(q.drained) }) }

// Waiting tells how many wait in a line.
func (q *Queue) Waiting(t *Table, k Key) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if line := q.lines[place{t, k}]; line != nil {
		return line.Len()
	}
	return 0
}

// Len is how many requests wait.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.total
}

// Wait is what a request waits for.
type Wait struct {
	Table *Table
	Key   Key
	Most  int           // requests that may wait in this line
	Until time.Time     // when it waits no more
	After time.Duration // before the first try, if it is the first in its line
	Every time.Duration // between two that go, at least
}

// Outcome is how waiting ended. The zero value says that it did not begin.
type Outcome uint8

// The outcomes.
const (
	Full    Outcome = iota // too many wait, or it would take too long
	Late                   // its turn would come too late
	Gone                   // ctx ended
	Drained                // the Queue is drained
	Done                   // try said so
)

// Wait joins a line. When the request is its first, and the time for it has come,
// try is asked, until it is done; else it says how long to wait before it is asked
// again. Whoever joins a line that has somebody in it goes after them.
func (q *Queue) Wait(ctx context.Context, w Wait, try func() (again time.Duration, done bool)) Outcome {
	turn, leave := q.join(w)
	if leave == nil {
		return Full
	}
	defer leave()
	late := time.NewTimer(time.Until(w.Until))
	defer late.Stop()
	after := w.After
	select {
	case <-turn:
	default:
		after = 0 // it was said of the one that is the first
		if o := q.pause(ctx, turn, nil, late.C); o != Done {
			return o
		}
	}
	for {
		if time.Until(w.Until) < after {
			return Late // it is known already
		}
		wake := time.NewTimer(after)
		o := q.pause(ctx, nil, wake.C, nil)
		wake.Stop()
		if o != Done {
			return o
		}
		var done bool
		if after, done = try(); done {
			return Done
		}
		after = max(after, time.Millisecond) // others may share the limit: never in a loop
	}
}

// join returns what is closed when it is the request's turn, and how to leave the
// line; nil if it cannot be joined.
func (q *Queue) join(w Wait) (<-chan struct{}, func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := place{w.Table, w.Key}
	line := q.lines[at]
	before := 0
	if line != nil {
		before = line.Len()
	}
	tooLong := w.Every > 0 && time.Duration(before) > time.Until(w.Until)/w.Every
	if q.total >= q.most || before >= w.Most || tooLong {
		return nil, nil
	}
	if line == nil {
		line = list.New()
		q.lines[at] = line
	}
	turn := make(chan struct{})
	me := line.PushBack(turn)
	if before == 0 {
		close(turn)
	}
	q.total++
	return turn, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.total--
		first := line.Front() == me
		line.Remove(me)
		if line.Len() == 0 {
			delete(q.lines, at)
			return
		}
		if next, ok := line.Front().Value.(chan struct{}); ok && first {
			close(next)
		}
	}
}

// pause waits for a turn, or for time to pass, until late.
func (q *Queue) pause(ctx context.Context, turn <-chan struct{}, wake, late <-chan time.Time) Outcome {
	select {
	case <-q.drained:
		return Drained
	default:
	}
	select {
	case <-turn:
		return Done
	case <-wake:
		return Done
	case <-late:
		return Late
	case <-ctx.Done():
		return Gone
	case <-q.drained:
		return Drained
	}
}
