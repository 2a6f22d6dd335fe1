// SPDX-License-Identifier: Apache-2.0

package ratelimit

import "sync"

// Gauge is how many requests of each key are under way. It has as many keys as
// there are such requests. The zero value is ready.
type Gauge struct{ shards [shards]gaugeShard }

type gaugeShard struct {
	mu sync.Mutex
	n  map[Key]int
	_  [48]byte // a cache line of its own
}

// Enter counts a request of a key, unless there are so many.
func (g *Gauge) Enter(k Key, most int) bool {
	s := &g.shards[k>>60]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n[k] >= most {
		return false
	}
	if s.n == nil {
		s.n = map[Key]int{}
	}
	s.n[k]++
	return true
}

// Leave ends what Enter began.
func (g *Gauge) Leave(k Key) {
	s := &g.shards[k>>60]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n[k] > 1 {
		s.n[k]--
		return
	}
	delete(s.n, k)
}

// Len is how many keys have requests under way.
func (g *Gauge) Len() int {
	n := 0
	for i := range g.shards {
		s := &g.shards[i]
		s.mu.Lock()
		n += len(s.n)
		s.mu.Unlock()
	}
	return n
}
