// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"net/http"
	"time"
)

// packet is how much is written without being watched: a system takes it at once.
const packet = 4 << 10

// question is a request whose head was sent and whose response has not begun.
type question struct {
	c *conn
	r *Request
	e *exchange

	waiting bool     // the body is sent when the backend asks for it
	sent    bool     // all of the body
	read    int      // bytes of heads before
	room    []string // for the values of a head
	writes  int64    // of the body, when the time was over that a head has
}

func (c *conn) ask(r *Request, e *exchange) (stage Stage, unsent bool, err error) {
	if !r.whole || len(*r.wire) > packet {
		c.watch()
	}
	if n, err := c.Conn.Write(*r.wire); err != nil {
		// A backend may have answered before it closed the connection, but it has not
		// got the request.
		return Sending, n == 0, err
	}
	q := question{c: c, r: r, e: e, room: e.values[:], waiting: r.Expect && !r.whole}
	if q.waiting {
		c.until(time.Now().Add(time.Second))
	} else {
		q.send()
	}
	e.Header = headers.Get().(http.Header) //nolint:errcheck,forcetypeassert // New makes nothing else
	for informs := 0; ; informs++ {
		o, stage, err := q.head()
		switch {
		case err != nil:
			return stage, false, err
		case o.status >= 200 || o.status == http.StatusSwitchingProtocols:
			c.within(0)
			return Answering, false, c.answer(r, e, o)
		case informs == maxInforms:
			return Answering, false, refused(TooManyInforms)
		}
		if err := q.inform(o.status); err != nil {
			return Answering, false, err
		}
	}
}

// send begins to send the body, if it was not sent with the head, and the time for the
// head of the response.
func (q *question) send() {
	q.waiting = false
	if !q.r.whole {
		q.e.body.sending = send(q.c.Conn, q.r)
	}
	q.sent = q.e.body.sent()
	q.c.within(q.r.HeadTimeout)
}

// head reads the next head.
func (q *question) head() (o head, stage Stage, err error) {
	c, scanned := q.c, 0
	for {
		end, next, fault := block(c.pending(), scanned)
		if end > 0 {
			o, fault = parseHead(string(c.pending()[:end]), q.e.Header, q.room)
			q.room = nil // somebody has a part of it
			c.from += end
			q.read += end
		}
		switch {
		case fault != "":
			return o, Answering, refused(fault)
		case end > 0:
			return o, Answering, nil
		case len(c.pending()) >= maxHead-q.read:
			return o, Answering, refused(TooLarge)
		}
		scanned = next
		if err := c.fill(maxHead); err != nil && !q.goesOn(err) {
			if c.from == c.to {
				return o, Waiting, err
			}
			return o, Answering, cut(err)
		}
	}
}

// goesOn tells whether an error is the end of a time that was not the response's.
func (q *question) goesOn(err error) bool {
	switch {
	case !isTimeout(err) || q.c.ctx.Err() != nil:
		return false
	case q.waiting: // the backend waits for the body, too
		q.send()
	case !q.sent && !q.stuck():
		q.sent = q.e.body.sent()
		q.c.within(q.r.HeadTimeout)
	default:
		return false
	}
	return true
}

// inform passes on a response that comes before the response.
func (q *question) inform(status int) error {
	if q.waiting && status == http.StatusContinue {
		q.send()
	}
	if q.r.Informed != nil {
		if err := q.r.Informed.Inform(status, q.e.Header); err != nil {
			return err
		}
	}
	clear(q.e.Header)
	return nil
}

// within sets the time for the head of the response.
func (c *conn) within(d time.Duration) {
	switch {
	case d > 0:
		c.until(time.Now().Add(d))
	case !c.due.IsZero():
		c.until(time.Time{})
	}
}

// answer makes the response of its head.
func (c *conn) answer(r *Request, e *exchange, o head) error {
	e.Status, e.Length, e.Trailer = o.status, o.length, o.trailer
	b := &e.body
	b.closing, b.response = o.closing, &e.Response
	e.Response.Body = b
	switch {
	case o.status == http.StatusSwitchingProtocols:
		if !r.Upgrade {
			return refused(NotAsked)
		}
		b.kind, b.closing = switched, true
		e.Response.Body = &tunnel{b}
		return c.switches()
	case bodyless(r.Method, o.status):
		b.kind = sized
		if r.Method != http.MethodHead {
			e.Length = 0
		}
	case o.chunked:
		b.kind = chunked
	case o.length >= 0:
		b.kind, b.left = sized, o.length
	default:
		b.kind, b.closing = untilClose, true
	}
	if !r.whole && b.sending == nil {
		b.closing = true // the backend was told of a body that will not come
	}
	return nil
}

// switches lets a connection go on without its request: what ends that does not end
// what follows it.
func (c *conn) switches() error {
	ctx := c.ctx
	if !c.unwatch() {
		return ctx.Err()
	}
	return c.Conn.SetDeadline(time.Time{})
}
