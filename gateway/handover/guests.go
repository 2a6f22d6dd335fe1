// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"context"
	"net"
)

// Bounds of guests, which are those by whose connection a good token came. Beyond each the
// oldest gives way to the new one: a Follower comes again at once, and what he left behind
// may not have been seen to end.
const (
	// maxGuests is how many there may be, which is how many data planes a Hub has.
	maxGuests = 2048
	// maxOfReplica is what a Follower has, and what is left of those before.
	maxOfReplica = maxAsking
	// maxOfAccount is two for each of 100 replicas, and of 25 more while they are replaced.
	maxOfAccount = 256
)

// guests are some of them.
type guests struct {
	number int
	oldest net.Conn
	since  uint64 // the nth of the oldest
}

func (g *guests) add(conn net.Conn, v *visitor) {
	if g.number++; g.oldest == nil || v.nth < g.since {
		g.oldest, g.since = conn, v.nth
	}
}

// know makes a stranger a guest, and returns the one that gives way, nil while there is room.
func (c *crowd) know(conn net.Conn, who Identity) net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.all[conn]
	if v == nil || v.guest {
		return nil // it is his who asked by it first
	}
	c.less(v)
	c.entered++
	v.guest, v.who, v.nth = true, who, c.entered // nobody came later
	out := c.beyond(who)
	c.drop(out)
	return out
}

// beyond is the guest who is one too many now that there is one more of somebody: of his
// replica, of his account, or of the account that has most, so that none keeps others out.
func (c *crowd) beyond(who Identity) net.Conn {
	var replica guests
	all, accounts := 0, map[string]*guests{}
	for conn, v := range c.all {
		if !v.guest {
			continue
		}
		all++
		if v.who == who {
			replica.add(conn, v)
		}
		g := accounts[v.who.Account]
		if g == nil {
			g = &guests{}
			accounts[v.who.Account] = g
		}
		g.add(conn, v)
	}
	own := accounts[who.Account]
	switch {
	case replica.number > maxOfReplica:
		return replica.oldest
	case own.number > maxOfAccount:
		return own.oldest
	case all <= maxGuests:
		return nil
	}
	most := own
	for _, g := range accounts {
		// Who has one alone is not the one to end it again.
		if g.number > most.number || g.number == most.number && (most.number == 1 || most != own) && g.since < most.since {
			most = g
		}
	}
	return most.oldest
}

// welcome is know, of who sent a request.
func (c *crowd) welcome(ctx context.Context, who Identity) {
	conn, is := ctx.Value(connKey{}).(net.Conn)
	if !is {
		return
	}
	if other := c.know(conn, who); other != nil {
		hangUp(other)
	}
}
