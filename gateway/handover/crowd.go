// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// Bounds of connections, of some 40 KiB each. One is a stranger's until a token that came by
// it was good: strangers may have 10 MiB in all, and the oldest gives way to a new one, so
// that who sends nothing keeps nobody out who does.
const (
	maxStrangers = 256
	// maxOfAddress is how many an address may have of them: the Pods of a node may share one.
	maxOfAddress = 16
)

// crowd are the connections that there are.
type crowd struct {
	mu        sync.Mutex
	all       map[net.Conn]*visitor
	byAddress map[netip.Addr]int // of strangers
	strangers int
	entered   uint64
}

// visitor is a connection.
type visitor struct {
	from  netip.Addr
	nth   uint64   // that came, or became a guest
	guest bool     // no stranger
	who   Identity // of a guest
}

func newCrowd() *crowd {
	return &crowd{all: map[net.Conn]*visitor{}, byAddress: map[netip.Addr]int{}}
}

// state is http.Server.ConnState.
func (c *crowd) state(conn net.Conn, now http.ConnState) {
	switch now {
	case http.StateNew:
		for _, other := range c.enter(conn) {
			hangUp(other)
		}
	case http.StateClosed, http.StateHijacked:
		c.leave(conn)
	case http.StateActive, http.StateIdle:
	}
}

// enter counts a connection, and returns those that are to end.
func (c *crowd) enter(conn net.Conn) []net.Conn {
	from := addressOf(conn.RemoteAddr().String())
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byAddress[from] >= maxOfAddress {
		return []net.Conn{conn}
	}
	var out []net.Conn
	if c.strangers >= maxStrangers {
		oldest := c.oldest()
		c.drop(oldest)
		out = append(out, oldest)
	}
	c.entered++
	c.all[conn] = &visitor{from: from, nth: c.entered}
	c.strangers++
	c.byAddress[from]++
	return out
}

// oldest is the stranger who came first.
func (c *crowd) oldest() (out net.Conn) {
	var first *visitor
	for conn, v := range c.all {
		if !v.guest && (first == nil || v.nth < first.nth) {
			out, first = conn, v
		}
	}
	return out
}

func (c *crowd) leave(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(conn)
}

func (c *crowd) drop(conn net.Conn) {
	v := c.all[conn]
	if v == nil {
		return
	}
	if delete(c.all, conn); !v.guest {
		c.less(v)
	}
}

// less counts one stranger less.
func (c *crowd) less(v *visitor) {
	c.strangers--
	if c.byAddress[v.from]--; c.byAddress[v.from] == 0 {
		delete(c.byAddress, v.from)
	}
}

// hangUp ends a connection without a word, for which TLS might have to wait.
func hangUp(conn net.Conn) {
	if t, is := conn.(*tls.Conn); is {
		conn = t.NetConn()
	}
	_ = conn.Close() // whoever reads from it finds out
}

// addressOf is the address of an address:port, the zero Addr if it is none.
func addressOf(text string) netip.Addr {
	ap, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.Addr{} // all that have none count together
	}
	return ap.Addr().Unmap().WithZone("")
}

type connKey struct{}

// with is http.Server.ConnContext: requests know by which connection they came.
func with(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}
