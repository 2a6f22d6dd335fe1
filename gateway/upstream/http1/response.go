// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
)

// Response is what a backend answered. It must be closed, after which nothing of it
// may be used.
type Response struct {
	Status  int
	Header  http.Header // to be changed at will
	Length  int64       // of the body; -1: it ends when it ends. To HEAD: of what GET would get
	Body    io.ReadCloser
	Trailer http.Header // announced names; the values are there when the body has ended

	release func()
}

// OnClose has f called when the response is closed, once.
func (r *Response) OnClose(f func()) { r.release = f }

// Close ends a response. The connection is kept if request and response were whole,
// and nothing came behind them.
func (r *Response) Close() {
	_ = r.Body.Close() // it was read, or nobody wants it
	if b, ours := r.Body.(*body); ours && b.response == r && r.Header != nil {
		giveHeader(r.Header)
		r.Header = nil
	}
	if f := r.release; f != nil {
		r.release = nil
		f()
	}
}

// headers are maps of responses.
var headers = sync.Pool{New: func() any { return http.Header{} }}

func giveHeader(h http.Header) {
	if len(h) <= 64 {
		clear(h)
		headers.Put(h)
	}
}

// exchange is a response and what reads it.
type exchange struct {
	Response
	body   body
	values [16]string // of the header lines, if there are no more
}

type kind uint8

const (
	sized kind = iota
	chunked
	untilClose
	switched
)

// body reads the body of a response.
type body struct {
	c        *conn // nil once it is closed
	response *Response
	sending  *sending // nil: nothing is left to be sent
	kind     kind
	closing  bool  // the connection serves no other request
	clean    bool  // its end was seen
	inChunks bool  // a chunk was read
	left     int64 // of the body, or of a chunk
	err      error // what every further Read returns
}

// ErrClosed is what reads of a closed body return.
var ErrClosed = errors.New("the body is closed")

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.read(p)
	if err != nil {
		if errors.Is(err, io.EOF) && !b.clean {
			err = refused(CutShort)
		}
		b.err = err
	}
	return n, err
}

func (b *body) read(p []byte) (int, error) {
	if b.c == nil {
		return 0, ErrClosed
	}
	switch b.kind {
	case untilClose:
		n, err := b.c.Read(p)
		b.clean = errors.Is(err, io.EOF)
		return n, err
	case chunked:
		if b.left == 0 {
			if err := b.chunk(); err != nil {
				return 0, err
			}
		}
		n, err := b.c.Read(limited(p, b.left))
		b.left -= int64(n)
		return n, err
	case sized, switched:
	}
	if b.left == 0 {
		b.clean = true
		return 0, io.EOF
	}
	n, err := b.c.Read(limited(p, b.left))
	if b.left -= int64(n); b.left == 0 {
		b.clean, err = true, io.EOF
	}
	return n, err
}

func limited(p []byte, n int64) []byte {
	if int64(len(p)) > n {
		return p[:n]
	}
	return p
}

// Read takes what is pending, or else reads past the buffer.
func (c *conn) Read(p []byte) (int, error) {
	if c.from < c.to {
		n := copy(p, c.pending())
		c.from += n
		return n, nil
	}
	return c.receive(p)
}

// CopyTo writes the body to w: each piece as it comes, with a flush after it, if flush
// is not nil, and one before if nothing has come yet. A buffer must be given; what is short is written without it.
func (r *Response) CopyTo(w io.Writer, buffer []byte, flush func() error) error {
	if b, ours := r.Body.(*body); ours && b.kind == sized && b.err == nil && b.c != nil {
		if n := int64(b.c.to - b.c.from); b.left > 0 && n >= b.left {
			_, err := w.Write((*b.c.buffer)[b.c.from : b.c.from+int(b.left)])
			b.c.from += int(b.left)
			b.left, b.clean, b.err = 0, true, io.EOF
			return err
		}
	}
	if flush != nil && !r.begun() {
		if err := flush(); err != nil { // somebody may wait for the head
			return err
		}
	}
	for {
		n, err := r.Body.Read(buffer)
		if n > 0 {
			if _, failed := w.Write(buffer[:n]); failed != nil {
				return failed
			}
			if flush != nil && !r.more() {
				if failed := flush(); failed != nil {
					return failed
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// begun tells whether a part of the body has come.
func (r *Response) begun() bool {
	b, ours := r.Body.(*body)
	return ours && b.c != nil && b.c.from < b.c.to
}

// more tells whether something that ends a piece, or begins the next, is pending: then
// nobody waits for what there is.
func (r *Response) more() bool {
	b, ours := r.Body.(*body)
	if !ours || b.kind != chunked || b.c == nil || b.left > 0 {
		return false
	}
	p := b.c.pending()
	if len(p) < 5 { // a line end, and the shortest line of a chunk
		return false
	}
	end := bytes.IndexByte(p[2:], '\n') + 2
	return end >= 2 && (len(p) > end+1)
}

// Close implements io.Closer.
func (b *body) Close() error {
	if b.c == nil {
		return nil
	}
	if b.kind == sized && b.left == 0 {
		b.clean = true
	}
	if b.err == nil {
		b.err = ErrClosed
	}
	_ = b.abandon() // the response was got without what was left of the body
	return nil
}

// abandon lets the connection go, and returns what was wrong with the request's body.
func (b *body) abandon() error {
	c := b.c
	b.c = nil
	keep := b.clean && !b.closing && c.from == c.to
	if keep && b.sending != nil {
		keep = b.sending.settle()
	}
	if !c.unwatch() {
		keep = false // it is being interrupted
	}
	var err error
	if b.sending != nil {
		err = b.sending.abandon(c.Conn)
	}
	c.rest()
	if keep {
		c.of.put(c)
	} else {
		_ = c.Conn.Close() // what was wanted of it was read
	}
	return err
}

// tunnel is a connection that is HTTP no more.
type tunnel struct{ *body }

// Read implements io.Reader.
func (t *tunnel) Read(p []byte) (int, error) {
	if c := t.c; c.from < c.to {
		n := copy(p, c.pending())
		c.from += n
		return n, nil
	}
	return t.c.Conn.Read(p)
}

// Write implements io.Writer.
func (t *tunnel) Write(p []byte) (int, error) { return t.c.Conn.Write(p) }

// Close implements io.Closer. It may be called while others read and write.
func (t *tunnel) Close() error { return t.c.Conn.Close() }
