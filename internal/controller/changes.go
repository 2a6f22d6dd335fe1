// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"sync"
	"time"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// maxChanges is how many changes wait one by one; with more, judging everything
// costs no more than finding out what they concern.
const maxChanges = 20_000

// Changes collects what the live inventory publishes until somebody takes it. It
// never blocks the publisher and holds at most maxChanges keys. The zero value
// is not usable; NewChanges makes one. Safe for concurrent use.
type Changes struct {
	wake chan struct{}

	mu      sync.Mutex
	newest  *inventory.Inventory
	keys    []inventory.Key
	all     bool // more than keys
	oldest  time.Time
	working time.Time // the oldest change of what was taken and is not done
}

// NewChanges returns a collection in which everything has changed.
func NewChanges() *Changes {
	return &Changes{wake: make(chan struct{}, 1), newest: inventory.New(), all: true}
}

// Note is a hook of the live inventory (cluster.Hooks.Changed).
func (c *Changes) Note(inv *inventory.Inventory, keys []inventory.Key) {
	c.mu.Lock()
	c.newest = inv
	if c.oldest.IsZero() && len(keys) > 0 {
		c.oldest = time.Now()
	}
	switch {
	case c.all:
	case len(c.keys)+len(keys) > maxChanges:
		c.all, c.keys = true, nil
	default:
		c.keys = append(c.keys, keys...)
	}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default: // whoever takes has not looked yet
	}
}

// taken is a version and how it differs from the one that was taken before.
type taken struct {
	inventory *inventory.Inventory
	keys      []inventory.Key
	all       bool      // it may differ in anything
	oldest    time.Time // when the oldest change came; zero without one
}

// take hands over what there is. The changes count as pending until done.
func (c *Changes) take() taken {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := taken{c.newest, c.keys, c.all, c.oldest}
	c.keys, c.all, c.working, c.oldest = nil, false, c.oldest, time.Time{}
	return out
}

// done says that what was taken last is visible to everyone.
func (c *Changes) done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.working = time.Time{}
}

// lag is how long the oldest change has been waiting; 0 when none is.
func (c *Changes) lag(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.working.IsZero():
		return now.Sub(c.working)
	case !c.oldest.IsZero():
		return now.Sub(c.oldest)
	}
	return 0
}
