// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"hash/maphash"
	"sync"
	"time"
)

// Capacity is how many keys the tables of a Store remember together, at 16 bytes
// each: 16 MiB. However many tables there are, each may have least keys.
const (
	Capacity = 1 << 20
	least    = 1 << 12
)

// Store is the buckets of one process: a table for each limit. The capacity is
// shared out evenly, so that a flood of keys of one limit takes nothing from
// another. Any number of goroutines may use it.
type Store struct {
	seed     maphash.Seed
	began    time.Time // moments are counted from here, by a clock that is never set
	capacity int

	mu     sync.Mutex
	tables map[string]*Table
}

// NewStore makes a Store of so many keys; 0 means Capacity.
func NewStore(capacity int) *Store {
	if capacity <= 0 {
		capacity = Capacity
	}
	return &Store{seed: maphash.MakeSeed(), began: time.Now(), capacity: capacity, tables: map[string]*Table{}}
}

// Table returns the table of a name, which is made if there is none.
func (s *Store) Table(name string) *Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[name]
	if t == nil {
		t = &Table{began: s.began}
		s.tables[name] = t
		s.share()
	}
	return t
}

// Keep forgets all tables but those of some names.
func (s *Store) Keep(names map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.tables {
		if !names[name] {
			delete(s.tables, name)
		}
	}
	s.share()
}

// share gives each table its part of the capacity.
func (s *Store) share() {
	most := max(s.capacity/max(len(s.tables), 1), least)
	for _, t := range s.tables {
		t.resize(most)
	}
}

// Len is how many keys are remembered.
func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, t := range s.tables {
		n += t.len()
	}
	return n
}

// Key is a bucket's name within a table.
type Key uint64

// Key makes a key of a name. Names are hashed with a secret of the process, so that
// nobody can make two that share a bucket.
func (s *Store) Key(name []byte) Key {
	return Key(max(maphash.Bytes(s.seed, name), 1)) // 0 is a slot without a key
}
