// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream/http1"
)

// mirror gets copies of requests: n of each of.
type mirror struct {
	pool  *upstream.Pool
	n, of int
}

// Bounds of copies. They are a service to who tries something out, and must not cost
// the requests themselves anything.
const (
	maxCopies  = 256 // being made or under way, of the process; the others are dropped
	copiedBody = 64 << 10
	copyTime   = 30 * time.Second
)

func mirrorOf(m config.Mirror, pool *upstream.Pool) mirror {
	out := mirror{pool: pool, of: cmp.Or(m.Denominator, 100)}
	if out.n = out.of; m.Numerator != nil {
		out.n = *m.Numerator
	}
	return out
}

// copies are those of one request. The zero value is none.
type copies struct {
	to      []*upstream.Pool
	request http1.Request
	body    *copied // nil: none
}

// copied keeps what is read of a body.
type copied struct {
	io.ReadCloser
	bytes bytes.Buffer
	long  bool        // it is not kept
	ended atomic.Bool // all of it was read, and nothing changes any more
}

// Read implements io.Reader.
func (c *copied) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if c.long = c.long || c.bytes.Len()+n > copiedBody; c.long {
		c.bytes = bytes.Buffer{}
	} else {
		c.bytes.Write(p[:n])
	}
	if err == io.EOF {
		c.ended.Store(true)
	}
	return n, err
}

// mirrored draws who gets copies of a request that is about to be sent. Each has its place
// from now on, since a body is kept for it.
func (p *Proxy) mirrored(x *Exchange, t *target) (c copies) {
	if len(t.mirrors) == 0 || x.Form.WebSocket {
		return copies{}
	}
	for i := range t.mirrors {
		m := &t.mirrors[i]
		switch {
		case rand.IntN(m.of) >= m.n: //nolint:gosec // not a secret
		case p.copying.Add(1) > maxCopies:
			p.copying.Add(-1)
			p.dropped(m.pool)
		default:
			c.to = append(c.to, m.pool)
		}
	}
	if len(c.to) == 0 {
		return copies{}
	}
	c.request = http1.Request{Method: x.out.Method, Path: x.out.Path, Query: x.out.Query, Host: x.out.Host, Header: x.copied}
	if x.out.Body != nil {
		c.body = &copied{ReadCloser: x.out.Body}
		x.out.Body = c.body
	}
	return c
}

// send sends the copies, after the request itself was sent, if all of the body is there.
func (c *copies) send(p *Proxy) {
	var body []byte
	if c.body != nil {
		if !c.body.ended.Load() {
			return
		}
		body = c.body.bytes.Bytes()
	}
	if c.body != nil && c.body.long {
		return // see finish
	}
	to := c.to
	c.to = nil
	for _, pool := range to {
		r := c.request
		r.Header = r.Header.Clone()
		if c.body != nil {
			r.Body, r.Length = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		}
		go p.copy(pool, &r)
	}
}

// finish sends the copies whose body has come since, and drops the others.
func (c *copies) finish(p *Proxy) {
	c.send(p)
	for _, pool := range c.to {
		p.copying.Add(-1)
		p.dropped(pool)
	}
}

// copy sends a copy and reads what is answered, of which nobody learns.
func (p *Proxy) copy(to *upstream.Pool, r *http1.Request) {
	defer p.copying.Add(-1)
	ctx, cancel := context.WithTimeout(p.ending, copyTime)
	defer cancel()
	outcome := "sent"
	if res, err := to.Send(ctx, r, noRetry); err != nil {
		outcome = "failed"
	} else {
		buffer := buffers.get()
		_ = res.CopyTo(io.Discard, *buffer, nil) // so that the connection can be used again
		buffers.put(buffer)
		res.Close()
	}
	if p.telemetry != nil {
		p.telemetry.Mirrored(to.Name(), outcome)
	}
}

var noRetry = upstream.NewRetry(&config.Retry{})

func (p *Proxy) dropped(pool *upstream.Pool) {
	if p.telemetry != nil {
		p.telemetry.Mirrored(pool.Name(), "dropped")
	}
}
