// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/telemetry"
)

// answer is a response on its way, and what will be told of it.
type answer struct {
	http.ResponseWriter
	conn   *Connection // nil: nothing is known of it
	record telemetry.Record
	span   *telemetry.Span
	rate   int64 // bytes a second at which it must be read, 0: any
	timer  *http.ResponseController
	slow   bool // it was not
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.record.Status == 0 && status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		a.record.Status = status
		a.conn.last(a.Header())
	}
	a.ResponseWriter.WriteHeader(status)
}

// unpaced is how much of a response net/http keeps before it writes anything (server.go,
// bufferBeforeChunkingSize; of HTTP/2 it is more), and kept how much may be left to write
// when a handler has returned (h2_bundle.go, handlerChunkWriteSize).
const (
	unpaced = 2 << 10
	kept    = 4 << 10
)

// Write implements http.ResponseWriter. Beyond the first bytes, a client must take
// what there is at a rate: one that does not read would keep its connection, and the
// backend's, for ever.
func (a *answer) Write(p []byte) (n int, err error) {
	if a.record.Sent+int64(len(p)) <= unpaced {
		n, err = a.ResponseWriter.Write(p)
	} else {
		err = a.timed(len(p), func() error { n, err = a.ResponseWriter.Write(p); return err })
	}
	a.record.Sent += int64(n)
	return n, err
}

// FlushError is for http.ResponseController.
func (a *answer) FlushError() error {
	return a.timed(kept, http.NewResponseController(a.ResponseWriter).Flush)
}

// last gives what net/http writes when the handler has returned a time: a client that
// pipelines requests and does not read, and one that leaves the window of a stream shut,
// would have it wait for ever. It may read what is left of a body before, for as long as
// serve lets it.
func (a *answer) last() {
	due := a.due(int(min(a.record.Sent, kept))).Add(grace)
	_ = http.NewResponseController(a.ResponseWriter).SetWriteDeadline(due) // of a connection that may be gone
}

// due is the time by which so many bytes must be written.
func (a *answer) due(bytes int) time.Time {
	return time.Now().Add(grace + time.Duration(float64(bytes)/float64(cmp.Or(a.rate, defaultRate))*float64(time.Second)))
}

// timed writes so many bytes. The time ends with the writing: nothing may be there
// to be written for long.
func (a *answer) timed(bytes int, write func() error) error {
	if a.rate == 0 {
		return write()
	}
	if a.timer == nil {
		a.timer = http.NewResponseController(a.ResponseWriter)
	}
	if err := a.timer.SetWriteDeadline(a.due(bytes)); err != nil {
		return err
	}
	if err := write(); err != nil {
		a.slow = errors.Is(err, os.ErrDeadlineExceeded)
		return err
	}
	return a.timer.SetWriteDeadline(time.Time{})
}

// idHeader is how a request is called on its whole way.
const idHeader = "X-Request-Id"

// Sizes of names.
const (
	idLength  = 32 // hexadecimal digits
	idsAtOnce = 32
)

// ids are names that nobody has yet. The system is asked for many at once.
type ids struct{ text string }

var names = sync.Pool{New: func() any { return &ids{} }}

// newID is 128 random bits.
func newID() string {
	n, is := names.Get().(*ids)
	if !is {
		n = &ids{}
	}
	if n.text == "" {
		var b [idsAtOnce * idLength / 2]byte
		_, _ = rand.Read(b[:]) // it never fails (crypto/rand)
		n.text = hex.EncodeToString(b[:])
	}
	id := n.text[:idLength]
	n.text = n.text[idLength:]
	names.Put(n)
	return id
}

// maxID bounds the name that a trusted proxy gives a request.
const maxID = 128

// begin names a request, for the backend, the client and whoever reads of it.
func (p *Proxy) begin(x *Exchange) {
	a, h := x.answer, x.Form.Header
	if given := h[idHeader]; x.Form.Trusted && len(given) == 1 && wellFormed(given[0]) {
		a.record.ID = given[0]
	} else {
		a.record.ID = newID()
		x.said[3] = a.record.ID
		h[idHeader] = x.said[3:4:4]
	}
	a.Header()[idHeader] = h[idHeader]
	if p.telemetry != nil {
		a.span = p.telemetry.Begin(x.Form)
		a.record.Trace = a.span.Trace()
	}
}

func wellFormed(id string) bool {
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return id != "" && len(id) <= maxID
}

// told ends a record and tells of it. It is deferred: a response that had to be cut
// off is told of as well.
func (p *Proxy) told(x *Exchange) {
	a := x.answer
	r := &a.record
	r.Total = time.Since(r.Time)
	if x.R.ProtoMajor == 2 && x.R.Context().Err() != nil {
		a.conn.giveUp()
	}
	if x.body != nil {
		r.Received += x.body.read.Load()
	}
	a.span.End(r.Route, r.Status, r.Reason)
	if p.telemetry != nil {
		p.telemetry.Record(r, x.Form, x.Principal)
	}
}
