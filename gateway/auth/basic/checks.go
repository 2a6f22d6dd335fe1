// SPDX-License-Identifier: Apache-2.0

package basic

import (
	"container/list"
	"context"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Checks are the checks of passwords of all authenticators that share it: half of the
// processors make them at most, networks take turns, and each password that is asked for
// more than once meanwhile is checked once. Any number of goroutines may use it.
type Checks struct {
	cache *cache
	slots int
	most  int  // that may wait
	rests bool // after each check for as long as it took

	mu      sync.Mutex
	running int
	waiting int
	byKey   map[sum]*check
	lines   map[netip.Addr]*line
	turns   list.List // of *line: the first is the next
	guessed guessers
}

// check is one that waits for its turn, or is made.
type check struct {
	key   sum
	from  netip.Addr
	in    *line         // nil: it waits no more
	asked int           // who wait for it
	turn  chan struct{} // one of them is told to make it
	done  chan struct{} // closed at the end
	right bool          // once done is closed
	busy  bool          // and this: it was not made
}

// line is the checks that one network asks for.
type line struct {
	from   netip.Addr
	checks []*check
	place  *list.Element
}

// NewChecks makes Checks for this machine.
func NewChecks() *Checks {
	const perSlot = 32 // that wait: some seconds at cost 12
	processors := runtime.GOMAXPROCS(0)
	slots := max(processors/2, 1)
	return &Checks{
		cache: newCache(), slots: slots, most: perSlot * slots, rests: processors == 1,
		byKey: map[sum]*check{}, lines: map[netip.Addr]*line{}, guessed: guessers{},
	}
}

// make has a password checked by compare, when it is its turn, for a network. It is not
// made when ctx ends before, or when too many wait: the last of whoever waits for most
// goes then.
func (c *Checks) make(ctx context.Context, key sum, from netip.Addr, compare func() bool) (right, made bool) {
	k := c.join(key, from)
	if k == nil {
		return false, false
	}
	select {
	case <-k.done:
	case <-k.turn:
		began := time.Now()
		k.right = compare()
		c.end(k, time.Since(began))
	case <-ctx.Done():
		c.leave(k)
		return false, false
	}
	return k.right, !k.busy
}

// join finds the check of a key, or puts it into the line of a network; nil: there is no
// room.
func (c *Checks) join(key sum, from netip.Addr) *check {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.byKey[key]; k != nil {
		k.asked++
		return k
	}
	if c.waiting >= c.most && !c.evict(from) {
		return nil
	}
	k := &check{key: key, from: from, asked: 1, turn: make(chan struct{}, 1), done: make(chan struct{})}
	c.byKey[key] = k
	l := c.lines[from]
	if l == nil {
		l = &line{from: from}
		l.place = c.turns.PushBack(l)
		c.lines[from] = l
	}
	k.in, l.checks = l, append(l.checks, k)
	c.waiting++
	c.next()
	return k
}

// evict ends the last check of the longest line, if that is longer than another network's
// would be with one more; or else, for a network that has not guessed, the last one of a
// network that has.
func (c *Checks) evict(from netip.Addr) bool {
	own := 0
	if l := c.lines[from]; l != nil {
		own = len(l.checks)
	}
	var longest *line
	for e := c.turns.Front(); e != nil; e = e.Next() {
		if l, is := e.Value.(*line); is && (longest == nil || len(l.checks) > len(longest.checks)) {
			longest = l
		}
	}
	if longest == nil {
		return false
	}
	if len(longest.checks) <= own+1 {
		if longest = c.guesser(from); longest == nil {
			return false
		}
	}
	k := longest.checks[len(longest.checks)-1]
	c.remove(k)
	k.busy = true
	delete(c.byKey, k.key)
	close(k.done)
	return true
}

// guesser is the line of a network that has guessed, for one that has not; nil: there is
// none.
func (c *Checks) guesser(from netip.Addr) *line {
	now := time.Now()
	if c.guessed.has(from, now) {
		return nil
	}
	for e := c.turns.Back(); e != nil; e = e.Prev() {
		if l, is := e.Value.(*line); is && c.guessed.has(l.from, now) {
			return l
		}
	}
	return nil
}

// next gives turns to as many as there is room for.
func (c *Checks) next() {
	for c.running < c.slots && c.turns.Len() > 0 {
		l, is := c.turns.Front().Value.(*line)
		if !is {
			return
		}
		c.turns.MoveToBack(l.place)
		k := l.checks[0]
		c.remove(k)
		c.running++
		k.turn <- struct{}{}
	}
}

// remove takes a check out of its line.
func (c *Checks) remove(k *check) {
	l := k.in
	k.in = nil
	at := slices.Index(l.checks, k)
	l.checks = slices.Delete(l.checks, at, at+1)
	c.waiting--
	if len(l.checks) == 0 {
		c.turns.Remove(l.place)
		delete(c.lines, l.from)
	}
}

// end tells those who wait for a check, which took so long.
func (c *Checks) end(k *check, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byKey, k.key)
	if !k.right {
		c.guessed.add(k.from, time.Now())
	}
	close(k.done)
	if !c.rests {
		c.running--
		c.next()
		return
	}
	time.AfterFunc(took, func() { // the only processor is everybody's
		c.mu.Lock()
		defer c.mu.Unlock()
		c.running--
		c.next()
	})
}

// leave is of somebody who does not wait for a check any more. What nobody waits for is
// not made.
func (c *Checks) leave(k *check) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k.asked--; k.asked > 0 || c.byKey[k.key] != k {
		return
	}
	if k.in != nil {
		c.remove(k)
		delete(c.byKey, k.key)
		return
	}
	select {
	case <-k.turn: // nobody has taken it
		delete(c.byKey, k.key)
		c.running--
		c.next()
	default: // somebody makes it
	}
}
