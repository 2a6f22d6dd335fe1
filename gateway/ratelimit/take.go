// SPDX-License-Identifier: Apache-2.0

package ratelimit

import "time"

// Claim is one of the limits that a request is counted by. Take sets the Decision.
type Claim struct {
	Table    *Table
	Key      Key
	Limit    Limit
	Shadow   bool // it refuses nothing
	Decision Decision

	at   *slot
	next int64
}

// Take counts a request by all of its claims, or, if one of them refuses it, by
// none. It returns the index of the first that does, and -1 if none does. The
// claims are of different tables, and two calls have tables that they share in the
// same order.
func Take(claims []Claim, now time.Time) int {
	refused := -1
	for i := range claims {
		c := &claims[i]
		s := c.Table.shard(c.Key)
		s.mu.Lock()
		at := c.Table.moment(now)
		var state int64
		c.at, state = s.find(c.Key, at)
		c.next, c.Decision = c.Limit.take(state, at)
		if !c.Decision.Allowed && !c.Shadow && refused < 0 {
			refused = i
		}
	}
	for i := range claims {
		c := &claims[i]
		switch {
		case refused < 0 && c.Decision.Allowed:
			*c.at = slot{c.Key, c.next}
		case !c.Decision.Allowed && c.at.key == c.Key:
			c.at.state = c.next
		}
		c.at = nil
		c.Table.shard(c.Key).mu.Unlock()
	}
	return refused
}

// Return takes a request back that was counted and then refused elsewhere. Claims
// that did not allow it are left alone.
func Return(claims []Claim) {
	for i := range claims {
		c := &claims[i]
		if !c.Decision.Allowed {
			continue
		}
		s := c.Table.shard(c.Key)
		s.mu.Lock()
		set := s.set(c.Key)
		for k := range set {
			if set[k].key == c.Key {
				set[k].state -= int64(c.Limit.Interval())
			}
		}
		s.mu.Unlock()
	}
}
