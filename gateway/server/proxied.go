// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bufio"
	"errors"
	"net"
	"time"

	"github.com/pires/go-proxyproto"
)

// proxiedConn is a connection of whom a PROXY header speaks.
type proxiedConn struct {
	net.Conn
	in   *bufio.Reader // what came together with the header; nil: nothing is left
	from net.Addr
}

var errProxied = errors.New("it speaks for no connection of TCP")

// proxied reads the header that a connection must begin with (PROXY protocol,
// version 1 or 2). What a proxy opens on its own behalf keeps its address.
func proxied(c net.Conn, most time.Duration) (net.Conn, error) {
	in := bufio.NewReader(c)
	if err := c.SetReadDeadline(time.Now().Add(most)); err != nil {
		return nil, err
	}
	header, err := proxyproto.Read(in)
	if err != nil {
		return nil, err
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	out := &proxiedConn{Conn: c, in: in, from: c.RemoteAddr()}
	if header.Command.IsLocal() {
		return out, nil
	}
	from, _, ok := header.TCPAddrs()
	if !ok {
		return nil, errProxied
	}
	out.from = from
	return out, nil
}

// Read implements net.Conn.
func (c *proxiedConn) Read(p []byte) (int, error) {
	if c.in != nil {
		if c.in.Buffered() > 0 {
			return c.in.Read(p)
		}
		c.in = nil
	}
	return c.Conn.Read(p)
}

// RemoteAddr implements net.Conn.
func (c *proxiedConn) RemoteAddr() net.Addr { return c.from }
