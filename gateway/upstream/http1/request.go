// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/internal/header"
)

// Request is what a backend is sent. A body that is not known to be short is read
// and written while the response comes.
type Request struct {
	Method string
	Path   string // as it is to be sent, with its escapes
	Query  string // without "?"
	Host   string
	// Header has canonical names. What frames a message or belongs to a connection
	// is not sent from it.
	Header http.Header
	Length int64         // of Body; -1 is not known
	Body   io.ReadCloser // nil: none. Close must end a Read that waits
	// Trailer are the announced names; their values are read when the body has ended.
	Trailer http.Header
	Upgrade bool // the backend is asked to switch to WebSocket
	Expect  bool // the body is sent when the backend asks for it, or says nothing for a second
	// HeadTimeout bounds the time from the last byte of the request to the last of the
	// response's head; 0 is none. For a body that is sent meanwhile it may be twice that,
	// which is also what a backend has to take a piece of 32 KiB of it.
	HeadTimeout time.Duration
	// Informed is told of a response that comes before the response (1xx), but 101. It
	// may be nil.
	Informed Informer

	wire  *[]byte // the head, and the body if it was short
	head  int     // bytes of the head
	whole bool    // nothing is left of the body to be sent
}

// Informer is told of responses that come before the response. The header lines are its
// only until it returns.
type Informer interface {
	Inform(code int, h http.Header) error
}

// shortBody is taken whole before anything is sent: a connection to a backend is not
// held for a slow client, head and body go in one packet, and it can be sent again.
const shortBody = 16 << 10

// Faults of requests.
var (
	ErrRequest   = errors.New("the request cannot be written")
	ErrShortBody = errors.New("the body is shorter than was said")
	ErrLongBody  = errors.New("the body is longer than was said")
)

var wires = sync.Pool{New: func() any {
	b := make([]byte, 0, 4<<10)
	return &b
}}

// Prepare makes a request ready to be sent, any number of times if Replayable. It
// reads a short body. Release must be called afterwards.
func (r *Request) Prepare() error {
	if r.wire != nil {
		return nil
	}
	r.wire = wires.Get().(*[]byte) //nolint:errcheck,forcetypeassert // New makes nothing else
	b, ok := r.appendHead((*r.wire)[:0])
	*r.wire = b
	if !ok {
		return ErrRequest
	}
	r.head, r.whole = len(b), r.Body == nil || r.Length == 0
	if r.whole || r.Length < 0 || r.Length > shortBody || r.Expect {
		return nil
	}
	b = slices.Grow(b, int(r.Length))[:r.head+int(r.Length)]
	*r.wire = b
	if err := readExactly(r.Body, b[r.head:]); err != nil {
		return err
	}
	r.whole = true
	return nil
}

// Replayable tells whether a prepared request can be sent again: its body is none, or
// was taken.
func (r *Request) Replayable() bool { return r.whole }

// Taken is the body of a prepared request that is replayable, until Release.
func (r *Request) Taken() []byte { return (*r.wire)[r.head:] }

// Idempotent tells whether being carried out twice is as good as once (RFC 9110,
// section 9.2.2).
func (r *Request) Idempotent() bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// Release gives back what Prepare took.
func (r *Request) Release() {
	if r.wire != nil {
		if cap(*r.wire) <= 64<<10 {
			wires.Put(r.wire)
		}
		r.wire = nil
	}
}

// readExactly fills p and sees the end behind it.
func readExactly(body io.Reader, p []byte) error {
	for n := 0; n < len(p); {
		k, err := body.Read(p[n:])
		n += k
		switch {
		case err == nil:
		case !errors.Is(err, io.EOF):
			return err
		case n < len(p):
			return ErrShortBody
		default:
			return nil
		}
	}
	return ended(body)
}

// ended sees that nothing more comes.
func ended(body io.Reader) error {
	var one [1]byte
	for range 100 {
		switch n, err := body.Read(one[:]); {
		case n > 0:
			return ErrLongBody
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
	return io.ErrNoProgress
}

// appendHead writes the request line and the header lines. It refuses whatever could
// be read as something else than was meant.
func (r *Request) appendHead(b []byte) (out []byte, ok bool) {
	if !header.IsToken(r.Method) || !isPath(r.Path) || !isQuery(r.Query) || !isHost(r.Host) {
		return b, false
	}
	b = append(append(b, r.Method...), ' ')
	b = append(b, r.Path...)
	if r.Query != "" {
		b = append(append(b, '?'), r.Query...)
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(append(b, r.Host...), "\r\n"...)
	for name, values := range r.Header {
		if framing(name) {
			continue
		}
		if !header.IsToken(name) {
			return b, false
		}
		for _, v := range values {
			if !header.IsValue(v) {
				return b, false
			}
			b = append(append(b, name...), ": "...)
			b = append(append(b, v...), "\r\n"...)
		}
	}
	if r.Upgrade {
		b = append(b, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
	}
	return r.appendFraming(b)
}

func (r *Request) appendFraming(b []byte) (out []byte, ok bool) {
	switch {
	case r.Body == nil || r.Length == 0:
		// Servers wait for a length with these (RFC 9110, section 8.6).
		if r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
			b = append(b, "Content-Length: 0\r\n"...)
		}
	case r.Length > 0:
		b = strconv.AppendInt(append(b, "Content-Length: "...), r.Length, 10)
		b = append(b, "\r\n"...)
	default:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		for name := range r.Trailer {
			if !header.IsToken(name) {
				return b, false
			}
			if !framing(name) {
				b = append(append(append(b, "Trailer: "...), name...), "\r\n"...)
			}
		}
	}
	if r.Expect && r.Body != nil && r.Length != 0 {
		b = append(b, "Expect: 100-continue\r\n"...)
	}
	return append(b, "\r\n"...), true
}

// framing are the names that are ours to write, or nobody's.
func framing(name string) bool {
	switch name {
	case "Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Upgrade", "Expect", "Keep-Alive", "Proxy-Connection":
		return true
	}
	return false
}
