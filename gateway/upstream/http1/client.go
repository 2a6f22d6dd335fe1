// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// Dial opens a connection. It returns when ctx ends.
type Dial func(ctx context.Context) (net.Conn, error)

// Client sends requests to one address. Its methods may be called by any number of
// goroutines.
type Client struct {
	dial  Dial
	most  int           // idle connections
	after time.Duration // of which an idle connection is closed

	mu     sync.Mutex
	idle   []*conn // the one that was used last is the last, and is taken first
	timer  *time.Timer
	closed bool
}

// NewClient makes a Client that keeps so many idle connections, each for so long.
func NewClient(dial Dial, most int, after time.Duration) *Client {
	return &Client{dial: dial, most: most, after: after}
}

// Do sends a prepared request. On an idle connection that turns out to be closed it is
// sent once more over a new one, if no byte of it was sent, or if that does no harm (RFC
// 9110, section 9.2.2). Errors are *Error.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	if cn := c.take(); cn != nil {
		res, err := cn.do(ctx, r)
		if err == nil || !again(ctx, r, err) {
			return res, err
		}
	}
	nc, err := c.dial(ctx)
	if err != nil {
		if cause := ctx.Err(); cause != nil {
			err = cause
		}
		return nil, &Error{Stage: Connecting, Unsent: true, Err: err}
	}
	cn := newConn(c, nc)
	cn.arm()
	return cn.do(ctx, r)
}

// again tells whether a request that failed on a connection that had been idle is to
// be sent on a new one.
func again(ctx context.Context, r *Request, err error) bool {
	var e *Error
	if !errors.As(err, &e) || ctx.Err() != nil || isTimeout(e.Err) || !r.Replayable() {
		return false
	}
	return e.Unsent || (e.Stage == Sending || e.Stage == Waiting) && r.Idempotent()
}

// take returns a connection that nothing has come over since, or nil.
func (c *Client) take() *conn {
	for {
		c.mu.Lock()
		n := len(c.idle)
		if n == 0 {
			c.mu.Unlock()
			return nil
		}
		cn := c.idle[n-1]
		c.idle[n-1] = nil
		c.idle = c.idle[:n-1]
		c.mu.Unlock()
		if time.Since(cn.since) < c.after {
			cn.arm()
			if cn.probe.quiet() {
				if cn.probe.over != nil {
					cn.arm()
				}
				return cn
			}
		}
		_ = cn.Conn.Close() // the backend has closed it, or said what nobody asked for
	}
}

// put keeps a connection.
func (c *Client) put(cn *conn) {
	cn.used, cn.since = true, time.Now()
	c.mu.Lock()
	if c.closed || len(c.idle) >= c.most {
		c.mu.Unlock()
		_ = cn.Conn.Close() // one too many
		return
	}
	c.idle = append(c.idle, cn)
	if c.timer == nil {
		c.timer = time.AfterFunc(c.after, c.expire)
	}
	c.mu.Unlock()
}

// expire closes the connections that were idle for too long, which are the first.
func (c *Client) expire() {
	c.mu.Lock()
	n, now := 0, time.Now()
	for n < len(c.idle) && now.Sub(c.idle[n].since) >= c.after {
		n++
	}
	old := append([]*conn(nil), c.idle[:n]...)
	rest := copy(c.idle, c.idle[n:])
	clear(c.idle[rest:])
	c.idle = c.idle[:rest]
	if rest > 0 && !c.closed {
		c.timer.Reset(c.idle[0].since.Add(c.after).Sub(now))
	} else {
		c.timer = nil
	}
	c.mu.Unlock()
	for _, cn := range old {
		_ = cn.Conn.Close() // nobody uses it
	}
}

// Close closes the idle connections, and those that are in use when they come back.
func (c *Client) Close() {
	c.mu.Lock()
	old := c.idle
	c.idle, c.closed = nil, true
	if c.timer != nil {
		c.timer.Stop()
	}
	c.mu.Unlock()
	for _, cn := range old {
		_ = cn.Conn.Close() // nobody uses it
	}
}

// Idle is the number of idle connections.
func (c *Client) Idle() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.idle)
}
