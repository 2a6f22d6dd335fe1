// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// pool keeps buffers for copies. 32 KiB is what io.Copy takes.
type pool struct{ sync.Pool }

var buffers = &pool{sync.Pool{New: func() any {
	b := make([]byte, 32<<10)
	return &b
}}}

func (p *pool) get() *[]byte {
	b, ok := p.Get().(*[]byte)
	if !ok {
		b = new([]byte)
	}
	return b
}

func (p *pool) put(b *[]byte) { p.Put(b) }

// Bounds of how slow a body may be.
const (
	defaultRate = 240             // bytes a second, as httpd's mod_reqtimeout has it for heads
	grace       = 5 * time.Second // before the rate counts, and for one read
)

// bound limits the size and the slowness of a body, which b is made of, and returns it;
// nil if there is none.
func bound(b *paced, w http.ResponseWriter, r *http.Request, l *listener, t *target) *paced {
	if r.ContentLength == 0 {
		return nil
	}
	most := l.maxBody
	if t.maxBody > 0 && (most == 0 || t.maxBody < most) {
		most = t.maxBody
	}
	if most > 0 {
		r.Body = http.MaxBytesReader(w, r.Body, most)
	}
	b.ReadCloser, b.control, b.rate = r.Body, *http.NewResponseController(w), l.rate
	b.lasting = r.ProtoMajor > 1
	return b
}

// paced reads a body that must come at a rate on average: the time that the client
// has for the next bytes grows with what there is. What passes between two reads is not
// the client's: the backend may be slow to take what was read. It is read by one
// goroutine, and may be closed by another one.
type paced struct {
	io.ReadCloser
	control http.ResponseController
	waited  time.Duration         // for the client, in all reads
	rate    int64                 // bytes a second
	lasting bool                  // its deadline ends a stream also while nobody reads (net/http's HTTP/2)
	read    atomic.Int64          // bytes; a transport may read on when the response is there
	failed  atomic.Pointer[error] // what ended it, but for its end
	ended   atomic.Bool           // all of it was read

	mu     sync.Mutex // of the time to read by
	closed bool
	free   bool // of the rate
}

// Read implements io.Reader.
func (b *paced) Read(p []byte) (int, error) {
	earned := time.Duration(float64(b.read.Load()) / float64(b.rate) * float64(time.Second))
	if earned < 0 || earned > time.Hour {
		earned = time.Hour
	}
	began := time.Now()
	if err := b.deadline(began.Add(grace + earned - b.waited)); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	b.waited += time.Since(began)
	b.read.Add(int64(n))
	switch {
	case err == nil && b.lasting:
		_ = b.deadline(time.Time{}) // the stream's end is told by its next read
	case err == nil:
	case errors.Is(err, io.EOF):
		b.ended.Store(true)
		_ = b.deadline(time.Time{}) // the connection's next request has its own
	case !b.gone():
		failed := err
		b.failed.Store(&failed)
	}
	return n, err
}

// gone reports whether the body was closed: a Read that ends of it says nothing of the client.
func (b *paced) gone() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

// deadline sets the time to read by, unless the body is closed.
func (b *paced) deadline(t time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return http.ErrBodyReadAfterClose
	}
	if b.free {
		t = time.Time{}
	}
	return b.control.SetReadDeadline(t)
}

// unbound lets a body come as slowly as it will: the backend has answered, so the two
// talk, and either of them may have nothing to say for long.
func (b *paced) unbound() {
	if b == nil || b.ended.Load() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.free = true; !b.closed {
		_ = b.control.SetReadDeadline(time.Time{}) // a Read that waits sees what is wrong
	}
}

// Close implements io.Closer. A Read that waits ends. What is left of the body is on
// the connection, which must not serve another request.
func (b *paced) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended.Load() {
		return nil
	}
	b.closed = true
	return b.control.SetReadDeadline(time.Unix(1, 0))
}

// fault is what a client is told of a body that could not be read: "" if it could.
func (b *paced) fault() (status int, reason string) {
	if b == nil || b.failed.Load() == nil {
		return 0, ""
	}
	err := *b.failed.Load()
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, "body-too-large"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout, "body-too-slow"
	}
	return http.StatusBadRequest, "bad-body"
}

// abort ends a response that cannot be completed so that the client knows.
func abort(http.ResponseWriter) {
	panic(http.ErrAbortHandler) //nolint:forbidigo // the only way that net/http has
}
