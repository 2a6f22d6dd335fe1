// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"

	"github.com/gatehouse-sh/gatehouse/gateway/front"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/network"
	"github.com/gatehouse-sh/gatehouse/gateway/proxy"
	"github.com/gatehouse-sh/gatehouse/gateway/tcp"
)

// counts are the connections that there are.
type counts struct {
	tell      func(change int) // 1 or -1
	mu        sync.Mutex
	total     int
	byAddress map[netip.Addr]int
}

func newCounts(tell func(change int)) *counts {
	return &counts{tell: tell, byAddress: map[netip.Addr]int{}}
}

// take counts a connection until it is closed. It returns nil for one too many.
func (n *counts) take(c net.Conn, total int) *client {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.total >= total {
		return nil
	}
	n.total++
	n.tell(1)
	return &client{Conn: c, of: n}
}

// from counts a connection as one of its address, and tells whether it may stay.
func (n *counts) from(c *client, most int) bool {
	a := network.Of(addressOf(c.Conn))
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byAddress[a] >= most {
		return false
	}
	n.byAddress[a]++
	c.from, c.counted = a, true
	return true
}

func (n *counts) release(c *client) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.total--
	n.tell(-1)
	if !c.counted {
		return
	}
	if n.byAddress[c.from]--; n.byAddress[c.from] <= 0 {
		delete(n.byAddress, c.from)
	}
}

func addressOf(c net.Conn) netip.Addr {
	ap, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{} // all that have none count together
	}
	return ap.Addr().Unmap().WithZone("")
}

// client is a connection, counted until it is closed, and what is known of it.
type client struct {
	net.Conn
	of       *counts
	from     netip.Addr
	counted  bool // by its address, too
	once     sync.Once
	identity *identity // nil: no TLS
	known    proxy.Connection
}

// Close implements net.Conn.
func (c *client) Close() error {
	c.once.Do(func() { c.of.release(c) })
	return c.Conn.Close()
}

// CloseWrite says that nothing more comes.
func (c *client) CloseWrite() error {
	raw := c.Conn
	if p, is := raw.(*proxiedConn); is {
		raw = p.Conn
	}
	if half, can := raw.(interface{ CloseWrite() error }); can {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// clientOf finds what is known of a connection that was handed over; nil if it was
// made by nobody here.
func clientOf(c net.Conn) *client {
	for {
		switch v := c.(type) {
		case *client:
			return v
		case *front.Conn:
			c = v.Conn
		case *tls.Conn:
			c = v.NetConn()
		case *tcp.Replayed:
			c = v.Conn
		default:
			return nil
		}
	}
}
