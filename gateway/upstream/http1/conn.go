// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// conn is a connection to a backend. It belongs to one request at a time.
type conn struct {
	net.Conn
	of        *Client
	used      bool // it has served a request
	since     time.Time
	buffer    *[]byte
	from, to  int    // what was read of it and not taken
	interrupt func() // ends reads and writes that wait
	probe     prober

	ctx     context.Context // of the request
	armed   time.Time       // until then it is not watched
	watched bool
	stop    func() bool // nil: nothing is watched for
	due     time.Time   // by which something must come; zero: none
}

const readBuffer = 16 << 10

var readBuffers = sync.Pool{New: func() any {
	b := make([]byte, readBuffer)
	return &b
}}

func newConn(of *Client, c net.Conn) *conn {
	out := &conn{Conn: c, of: of}
	out.interrupt = func() { _ = c.SetDeadline(time.Unix(1, 0)) } // it is open, or it does not matter
	out.probe.init(c)
	return out
}

// hold gives a connection a buffer for the time of a request.
func (c *conn) hold() {
	if c.buffer == nil {
		c.buffer = readBuffers.Get().(*[]byte) //nolint:errcheck,forcetypeassert // New makes nothing else
	}
}

// rest takes the buffer away.
func (c *conn) rest() {
	if c.buffer != nil && len(*c.buffer) == readBuffer {
		readBuffers.Put(c.buffer)
	}
	c.buffer, c.from, c.to = nil, 0, 0
}

// pending is what was read and not taken.
func (c *conn) pending() []byte { return (*c.buffer)[c.from:c.to] }

// fill reads more behind what is pending; the buffer grows up to most bytes.
func (c *conn) fill(most int) error {
	b := *c.buffer
	switch {
	case c.from == c.to:
		c.from, c.to = 0, 0
	case c.to == len(b) && c.from > 0:
		c.to = copy(b, b[c.from:c.to])
		c.from = 0
	case c.to == len(b):
		if len(b) >= most {
			return refused(TooLarge)
		}
		larger := make([]byte, min(2*len(b), most))
		copy(larger, b)
		if len(b) == readBuffer {
			readBuffers.Put(c.buffer)
		}
		c.buffer, b = &larger, larger
	}
	n, err := c.receive(b[c.to:])
	c.to += n
	if n > 0 {
		return nil
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

// glance is how long a request is not watched: most have ended by then, and what ends
// one before is noticed so much later.
const glance = 100 * time.Millisecond

// arm begins the time of a request.
func (c *conn) arm() {
	c.armed = time.Now().Add(glance)
	_ = c.Conn.SetReadDeadline(c.armed) // what is wrong will be seen by the read
}

// watch has the end of ctx end reads and writes.
func (c *conn) watch() {
	if c.watched {
		return
	}
	c.watched = true
	_ = c.Conn.SetReadDeadline(c.due) // what is wrong will be seen by the read
	if c.ctx.Done() != nil {
		c.stop = context.AfterFunc(c.ctx, c.interrupt)
	}
}

// unwatch tells whether nothing is ending reads and writes.
func (c *conn) unwatch() bool {
	ended := c.stop != nil && !c.stop()
	c.ctx, c.stop, c.watched, c.due = nil, nil, false, time.Time{}
	return !ended
}

// until sets the time by which something must come; zero is none.
func (c *conn) until(t time.Time) {
	c.due = t
	switch {
	case c.watched:
		_ = c.Conn.SetReadDeadline(t) // what is wrong will be seen by the read
		if c.ctx.Err() != nil {
			c.interrupt() // it may have come before
		}
	case !t.IsZero() && t.Before(c.armed):
		_ = c.Conn.SetReadDeadline(t)
	}
}

// receive reads from the backend.
func (c *conn) receive(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if n > 0 || err == nil || c.watched || !isTimeout(err) || !c.due.IsZero() && !time.Now().Before(c.due) {
			return n, err
		}
		if err := c.ctx.Err(); err != nil {
			return 0, err
		}
		c.watch()
	}
}

// do sends a prepared request over an armed connection, and reads the head of its
// response.
func (c *conn) do(ctx context.Context, r *Request) (*Response, error) {
	c.hold()
	c.ctx = ctx
	e := &exchange{}
	e.body = body{c: c}
	stage, unsent, err := c.ask(r, e)
	if err == nil {
		return &e.Response, nil
	}
	e.body.clean = false
	if asking := e.body.abandon(); asking != nil && stage != Answering {
		stage, err = Asking, asking
	}
	if e.Header != nil {
		giveHeader(e.Header)
	}
	if cause := ctx.Err(); cause != nil {
		err = cause
	}
	return nil, &Error{Stage: stage, Unsent: unsent, Err: err}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}
