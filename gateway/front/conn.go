// SPDX-License-Identifier: Apache-2.0

package front

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/problem"
)

// Conn is a connection whose bytes are scanned before anybody reads them. After a
// Fault every Read returns its Error; what came before it was passed on.
type Conn struct {
	net.Conn
	scanner *Scanner
	passing atomic.Bool
	failed  error
	refused Fault                 // what the client is to be told; "" of what is in a body, and of floods
	due     atomic.Pointer[Fault] // it is told when the connection closes; nil: not yet
	onFault func(Fault)
	times   deadlines
}

// NewConn scans what a client sends over c. onFault is told of a fault, unless it is in
// a body: whoever reads that learns of it. It may be nil. It is called by whoever reads
// or writes.
func NewConn(c net.Conn, limits Limits, http2 bool, onFault func(Fault)) *Conn {
	out := &Conn{Conn: c, scanner: NewScanner(limits, http2), onFault: onFault}
	out.times.read.tell, out.times.write.tell = c.SetReadDeadline, c.SetWriteDeadline
	return out
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.times.readBy(t) }

// SetWriteDeadline implements net.Conn. A write may take a second more.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.times.writeBy(t) }

// SetDeadline implements net.Conn, as the two above do.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	if c.failed != nil {
		return 0, c.fail(len(p))
	}
	if len(p) == 1 && !c.passing.Load() { // it is waited for beside a handler, and given up with it
		if err := c.times.park(); err != nil {
			return 0, err
		}
	}
	n, err := c.times.reads(c.Conn.Read, p)
	if c.passing.Load() {
		return n, err
	}
	passed, fault := c.scanner.Feed(p[:n])
	if fault == "" {
		if len(p) > 1 && errors.Is(err, os.ErrDeadlineExceeded) && c.scanner.inHead() {
			c.tell(HeadTimeout) // it is closed without a word
		}
		return n, err
	}
	c.failed = &Error{fault}
	if !c.scanner.inMessage() {
		c.tell(fault)
		if !fault.Flood() {
			c.refused = fault
		}
	}
	if passed > 0 {
		return passed, nil
	}
	return 0, c.fail(len(p))
}

// fail returns the error. A refusal is due when somebody reads on: net/http takes one
// request after the other, so all that came before is answered then. A single byte it
// waits for beside a handler (server.go, backgroundRead).
func (c *Conn) fail(wanted int) error {
	if c.refused != "" && wanted > 1 {
		c.due.Store(&c.refused)
	}
	return c.failed
}

// refusalTime is what a client has to take a refusal.
const refusalTime = time.Second

// Close implements net.Conn. A fault that nobody has answered is, with a problem
// document.
func (c *Conn) Close() error {
	if fault := c.due.Swap(nil); fault != nil {
		status := fault.Status()
		document := problem.Document(status, string(*fault))
		_ = c.Conn.SetWriteDeadline(time.Now().Add(refusalTime)) // what is wrong will be seen by the write
		_, _ = fmt.Fprintf(c.Conn, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
			status, http.StatusText(status), problem.Type, len(document), document) // the client may have gone
	}
	err := c.Conn.Close()
	c.times.unpark()
	return err
}

func (c *Conn) tell(f Fault) {
	if c.onFault != nil {
		c.onFault(f)
	}
}

// Write implements net.Conn. When a refusal is due, net/http has nothing to say but one of
// its own, which is not sent.
func (c *Conn) Write(p []byte) (int, error) {
	if c.due.Load() != nil {
		return len(p), nil
	}
	if f := c.scanner.frames; f != nil {
		f.Sent(p)
	}
	return c.times.writes(c.Conn.Write, p)
}

// Pass ends the scanning of a connection that is HTTP no more. Other connections
// are left alone.
func Pass(c net.Conn) {
	if scanned, ok := c.(*Conn); ok {
		scanned.passing.Store(true)
	}
}
