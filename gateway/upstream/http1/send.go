// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/internal/header"
)

// sending writes the body of a request while the response is read.
type sending struct {
	body   io.ReadCloser
	done   chan struct{}
	whole  atomic.Bool  // all of it was written
	writes atomic.Int64 // that began, and that ended: it is odd while the backend is to take something
	failed atomic.Bool  // err is set, and nobody asked it to end
	err    error        // of the body, once done is closed
}

const sendBuffer = 32 << 10

var sendBuffers = sync.Pool{New: func() any {
	b := make([]byte, sendBuffer)
	return &b
}}

// send begins to write a body. It ends by itself, or by abandon.
func send(to net.Conn, r *Request) *sending {
	s := &sending{body: r.Body, done: make(chan struct{})}
	// The request is the caller's again once its response has begun.
	length, trailer := r.Length, r.Trailer
	go func() {
		defer close(s.done)
		buffer := sendBuffers.Get().(*[]byte) //nolint:errcheck,forcetypeassert // New makes nothing else
		defer sendBuffers.Put(buffer)
		if length >= 0 {
			s.sized(to, *buffer, length)
		} else {
			s.chunked(to, *buffer, trailer)
		}
		if s.err != nil {
			s.failed.Store(true)
			_ = to.Close() // the backend must not take what there is for all of it
		}
	}()
	return s
}

// sized writes exactly so many bytes, and then sees the end.
func (s *sending) sized(to net.Conn, buffer []byte, left int64) {
	atEnd := false
	for left > 0 {
		n, err := s.body.Read(buffer[:min(left, sendBuffer)])
		if n > 0 {
			left -= int64(n)
			if failed := s.write(to, buffer[:n]); failed != nil {
				return // the response, if there is one, says why
			}
		}
		if errors.Is(err, io.EOF) {
			atEnd = true
			if left > 0 {
				s.err = ErrShortBody
				return
			}
		} else if err != nil {
			s.err = err
			return
		}
	}
	s.whole.Store(true)
	if !atEnd {
		_ = ended(s.body) // nothing more is sent, whatever comes
	}
}

func (s *sending) write(to net.Conn, p []byte) error {
	s.writes.Add(1)
	defer s.writes.Add(1)
	_, err := to.Write(p)
	return err
}

const (
	chunkHead = 8 // hexadecimal digits of a length below sendBuffer, and a line end
	lastChunk = "0\r\n"
)

// chunked writes each piece as it comes as a chunk.
func (s *sending) chunked(to net.Conn, buffer []byte, trailer http.Header) {
	for {
		n, err := s.body.Read(buffer[chunkHead : len(buffer)-2])
		if n > 0 {
			var size [chunkHead]byte
			digits := strconv.AppendInt(size[:0], int64(n), 16)
			from := chunkHead - len(digits) - 2
			copy(buffer[from:], digits)
			copy(buffer[chunkHead-2:], "\r\n")
			copy(buffer[chunkHead+n:], "\r\n")
			if failed := s.write(to, buffer[from:chunkHead+n+2]); failed != nil {
				return
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			s.err = err
			return
		}
	}
	out := buffer[:copy(buffer, lastChunk)]
	for name, values := range trailer {
		if framing(name) || !header.IsToken(name) {
			continue
		}
		for _, v := range values {
			if !header.IsValue(v) {
				s.err = ErrRequest
				return
			}
			out = append(append(append(out, name...), ": "...), v...)
			out = append(out, "\r\n"...)
		}
	}
	if err := s.write(to, append(out, "\r\n"...)); err == nil {
		s.whole.Store(true)
	}
}

// soon is how long the end of a body may be behind the end of the response: the two
// goroutines end at about the same time.
const soon = 10 * time.Millisecond

// settle tells whether the body was written to its end.
func (s *sending) settle() bool {
	select {
	case <-s.done:
	default:
		t := time.NewTimer(soon)
		defer t.Stop()
		select {
		case <-s.done:
		case <-t.C:
			return false
		}
	}
	return s.whole.Load()
}

// sent tells whether nothing of the request is left to be sent.
func (b *body) sent() bool { return b.sending == nil || b.sending.whole.Load() }

// stuck tells whether the backend is still to take the piece that it was to take when
// this was asked last.
func (q *question) stuck() bool {
	before := q.writes
	q.writes = q.e.body.sending.writes.Load()
	return q.writes == before && before%2 == 1
}

// abandon ends it, and returns what was wrong with the body.
func (s *sending) abandon(c net.Conn) error {
	failed := s.failed.Load()
	select {
	case <-s.done:
		failed = s.err != nil
	default:
		_ = c.Close()      // a write ends by it
		_ = s.body.Close() // and a read
		<-s.done
	}
	if failed {
		return s.err
	}
	return nil
}
