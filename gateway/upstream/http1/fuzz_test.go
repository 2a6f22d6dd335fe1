// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// canned is a connection that takes everything and gives bytes once it was asked, in
// pieces, and then its end. A time to read by that has passed is kept to.
type canned struct {
	mu      sync.Mutex
	asked   chan struct{}
	once    sync.Once
	left    []byte
	piece   int
	expired bool
	closed  bool
}

func (c *canned) Write(p []byte) (int, error) {
	c.once.Do(func() { close(c.asked) })
	return len(p), nil
}

func (c *canned) Read(p []byte) (int, error) {
	c.mu.Lock()
	expired := c.expired
	c.mu.Unlock()
	if expired && len(c.left) == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	<-c.asked
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.left) == 0 || c.closed {
		return 0, io.EOF
	}
	if c.piece > 0 && len(p) > c.piece {
		p = p[:c.piece]
	}
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

func (c *canned) Close() error {
	c.once.Do(func() { close(c.asked) })
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}

func (c *canned) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expired = !t.IsZero() && time.Until(t) < 0
	return nil
}

func (c *canned) SetDeadline(t time.Time) error          { return c.SetReadDeadline(t) }
func (*canned) SetWriteDeadline(time.Time) error         { return nil }
func (*canned) LocalAddr() net.Addr                      { return &net.TCPAddr{} }
func (*canned) RemoteAddr() net.Addr                     { return &net.TCPAddr{} }
func (c *canned) dial(context.Context) (net.Conn, error) { return c, nil }

// FuzzResponse: the same bytes are the same response here and to net/http, or both
// refuse them, or they are refused here for a fault that they have, of those in stricter.
// How the bytes are cut does not matter, and a connection that has more to say is not
// kept.
func FuzzResponse(f *testing.F) {
	for _, seed := range []string{
		ok, "HTTP/1.1 204 No\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nhi", "HTTP/1.1 103 X\r\nA: b\r\n\r\n" + ok, "HTTP/1.1 304 X\r\nContent-Length: 3\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n2;a\r\nhi\r\n0\r\nA: b\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nConnection: close\r\n\r\nx",
	} {
		f.Add([]byte(seed), uint8(0), uint8(0))
		f.Add([]byte(seed), uint8(1), uint8(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, method, piece uint8) {
		asked := []string{"GET", "HEAD", "POST"}[method%3]
		run := func(piece int) outcome {
			c := &canned{asked: make(chan struct{}), left: bytes.Clone(data), piece: piece}
			client := NewClient(c.dial, 1, time.Minute)
			defer client.Close()
			out := ask(t.Context(), client, &Request{Method: asked})
			if client.Idle() > 0 && len(c.left) > 0 {
				// Bytes that were not read yet: they are seen before the connection is used.
				if cn := client.take(); cn != nil {
					t.Fatalf("a connection is used that has %q to say", c.left)
				}
			}
			return out
		}
		ours := run(0)
		cutUp := run(int(piece) + 1)
		if (ours.err == nil) != (cutUp.err == nil) || ours.status != cutUp.status || ours.body != cutUp.body {
			t.Fatalf("whole: %+v, in pieces of %d: %+v", ours, int(piece)+1, cutUp)
		}
		theirs := reference(t.Context(), (&canned{asked: make(chan struct{}), left: data}).dial, asked)
		if how := agree(string(data), ours, theirs); how != "" {
			t.Fatalf("%q: %s", data, how)
		}
	})
}
