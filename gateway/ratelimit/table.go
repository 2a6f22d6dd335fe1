// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"sync"
	"time"
)

const (
	shards = 16
	ways   = 8 // slots in which a key may be: two cache lines
)

// Table is the buckets of one limit. It grows with its keys to its part of a
// Store. When it is full of buckets in use, a new key takes the slot of the one of
// a few that has used least, AND what that one has used, as counters of the
// Space-Saving algorithm do (Metwally, Agrawal, El Abbadi, 2005): the one that lost
// its slot gets one that has used as much or more when it comes again. So a flood
// of keys makes nobody's limit larger; it makes those of newcomers smaller.
type Table struct {
	began  time.Time
	shards [shards]shard
}

type shard struct {
	mu    sync.Mutex
	slots []slot   // a power of two times ways
	most  int      // how many slots there may be
	_     [24]byte // cache lines of its own
}

// slot is a key and the state of its bucket. The key 0 is none.
type slot struct {
	key   Key
	state int64
}

// moment is a time as states have it.
func (t *Table) moment(now time.Time) int64 {
	return min(max(int64(now.Sub(t.began)), -farthest), farthest)
}

func (t *Table) shard(k Key) *shard { return &t.shards[k>>60] } // sets are chosen by the low bits

// find returns the slot of a key, or the one that it would get, with the state that
// it has or would begin with.
func (s *shard) find(k Key, now int64) (*slot, int64) {
	for {
		set := s.set(k)
		least := 0
		for i := range set {
			if set[i].key == k {
				return &set[i], set[i].state
			}
			if set[i].state < set[least].state {
				least = i
			}
		}
		if set[least].state <= now || !s.grow() {
			return &set[least], set[least].state
		}
	}
}

func (s *shard) set(k Key) []slot {
	if len(s.slots) == 0 {
		s.slots = empty(ways)
	}
	at := int(k) & (len(s.slots)/ways - 1) * ways //nolint:gosec // the low bits are meant
	return s.slots[at : at+ways : at+ways]
}

func empty(n int) []slot {
	out := make([]slot, n)
	for i := range out {
		out[i].state = unused
	}
	return out
}

// grow doubles the slots, if there may be so many.
func (s *shard) grow() bool {
	if 2*len(s.slots) > s.most {
		return false
	}
	s.move(2 * len(s.slots))
	return true
}

// move gives a shard another number of slots. If they are fewer, those stay that
// have used most.
func (s *shard) move(n int) {
	old := s.slots
	s.slots = empty(n)
	for _, o := range old {
		if o.key == 0 {
			continue
		}
		set := s.set(o.key)
		least := 0
		for i := range set {
			if set[i].state < set[least].state {
				least = i
			}
		}
		if set[least].state < o.state {
			set[least] = o
		}
	}
}

// resize sets how many keys there may be.
func (t *Table) resize(most int) {
	slots := ways
	for slots*2 <= most/shards {
		slots *= 2
	}
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		if s.most = slots; len(s.slots) > slots {
			s.move(slots)
		}
		s.mu.Unlock()
	}
}

func (t *Table) len() int {
	n := 0
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for k := range s.slots {
			if s.slots[k].key != 0 {
				n++
			}
		}
		s.mu.Unlock()
	}
	return n
}
