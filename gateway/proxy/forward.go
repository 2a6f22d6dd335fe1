// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/request"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream/http1"
)

// forward sends a request to a backend and its response to the client.
func (p *Proxy) forward(x *Exchange, t *target, prefix string) {
	ctx := x.R.Context()
	if t.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t.timeout)
		defer cancel()
	}
	to := t.shares.Pick()
	if to.pool == nil {
		x.unfinished()
		refuse(x.W, to.status, "no-backend")
		return
	}
	x.outgoing(t, to, prefix)
	copies := p.mirrored(x, t)
	defer copies.finish(p)
	record := &x.answer.record
	record.Backend = to.pool.Name()
	span, began := x.answer.span.Backend(record.Backend, x.out.Header), time.Now()
	res, err := to.pool.Send(ctx, &x.out, t.retry)
	record.Upstream = time.Since(began)
	copies.send(p)
	if err != nil {
		status, reason := faultOf(ctx, x, err)
		span.End("", 0, reason)
		x.unfinished()
		if status == http.StatusGatewayTimeout && x.call() {
			x.overdue(reason)
			return
		}
		refuse(x.W, status, reason)
		return
	}
	span.End("", res.Status, "")
	defer res.Close()
	x.body.unbound()
	if res.Status == http.StatusSwitchingProtocols {
		p.tunnel(x, res)
		return
	}
	respond(x, t, to, res)
}

// outgoing makes the request that the backend gets: the form, and who asks.
func (x *Exchange) outgoing(t *target, to *share, prefix string) {
	f := x.Form
	path, host := f.Path, f.Authority()
	forwarded := &x.said
	forwarded[0], forwarded[1], forwarded[2] = x.client(), f.Scheme, host
	if r := t.rewrite; r != nil {
		host = cmp.Or(r.Host, host)
		switch {
		case r.Path != "":
			path = r.Path
		case r.Prefix != "":
			path = replaced(path, prefix, r.Prefix)
		}
	}
	h := f.Header
	_, expects := h["Expect"]
	delete(h, "Expect")
	if f.Trailers {
		h["Te"] = trailers
	}
	h["X-Forwarded-For"] = forwarded[0:1:1]
	h["X-Forwarded-Proto"] = forwarded[1:2:2]
	h["X-Forwarded-Host"] = forwarded[2:3:3]
	x.strip(h)
	t.request.apply(h)
	if len(t.mirrors) > 0 {
		x.copied = h.Clone()
		x.tell(x.copied)
	}
	to.request.apply(h)
	x.tell(h) // after the route's changes, which are not to write over it
	x.out = http1.Request{
		Method: f.Method, Path: path, Query: f.Query, Host: host, Header: h,
		Upgrade: f.WebSocket, Expect: expects && x.body != nil, Informed: x, HeadTimeout: t.attempt,
	}
	if x.body != nil {
		x.out.Body, x.out.Length, x.out.Trailer = x.body, x.R.ContentLength, x.R.Trailer
		if to.pool.HTTP2() && x.call() {
			x.body.unbound() // a call may begin in silence; it holds a stream, of which a client has few, and no connection to the backend
		}
	}
}

var trailers = []string{"trailers"}

// unfinished has the connection end if the client has not sent all of its request:
// where the next one begins is not known, and net/http, which would read on before it
// answers, takes nothing of a body that is still being sent to the backend.
func (x *Exchange) unfinished() {
	if x.body != nil && x.R.ProtoMajor == 1 && !x.body.ended.Load() {
		x.W.Header()["Connection"] = closing
	}
}

// client is who asks, as text: of an address of IPv4 that which net/http has made of it.
func (x *Exchange) client() string {
	if c := x.Form.Client; c.Is4() && c == x.answer.record.Client && x.R.RemoteAddr[0] != '[' {
		text, _, _ := strings.Cut(x.R.RemoteAddr, ":")
		return text
	}
	return x.Form.Client.String()
}

// Inform implements http1.Informer: it passes a response on that comes before the
// response, without what is the connection's.
func (x *Exchange) Inform(code int, header http.Header) error {
	if code == http.StatusContinue || x.R.ProtoMajor == 1 && x.R.ProtoMinor == 0 {
		return nil // net/http says the first, and old clients know of none
	}
	h := x.W.Header()
	before := h.Clone()
	for name, values := range header {
		if !request.OfConnection(name) {
			h[name] = values
		}
	}
	x.W.WriteHeader(code)
	clear(h)
	maps.Copy(h, before)
	return nil
}

// faultOf says what a client is told of a request that got no response in the time that
// ctx gives it.
func faultOf(ctx context.Context, x *Exchange, err error) (status int, reason string) {
	if status, reason := x.body.fault(); reason != "" {
		return status, reason
	}
	switch {
	case errors.Is(err, upstream.ErrNoEndpoints):
		return http.StatusServiceUnavailable, "no-endpoints"
	case errors.Is(err, upstream.ErrTLS):
		return http.StatusBadGateway, "backend-tls"
	case errors.Is(err, upstream.ErrUnhealthy):
		return http.StatusServiceUnavailable, "no-healthy-endpoints"
	case errors.Is(err, upstream.ErrOverloaded):
		return http.StatusServiceUnavailable, "backend-overloaded"
	case x.R.Context().Err() != nil:
		return 499, "client-gone" // nobody reads it; nginx's number
	case errors.Is(err, http1.ErrRequest):
		return http.StatusBadRequest, string(request.BadPath)
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil:
		return http.StatusGatewayTimeout, "timeout"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded): // the latter of a connection that did not come about (package net)
		return http.StatusGatewayTimeout, "backend-timeout"
	}
	if x.call() && x.expired(time.Now()) {
		return http.StatusGatewayTimeout, "call-timeout" // backends end such streams without an answer
	}
	if _, refused := errors.AsType[*http1.FaultError](err); refused {
		return http.StatusBadGateway, "bad-response"
	}
	return http.StatusBadGateway, "backend-unreachable"
}

// respond sends a response to the client.
func respond(x *Exchange, t *target, from *share, res *http1.Response) {
	h := x.W.Header()
	drop(res.Header)
	if h[hstsName] != nil {
		delete(res.Header, hstsName) // the listener says it, once (RFC 6797, section 7.1)
	}
	if t.cors != nil {
		t.cors.replace(res.Header)
	}
	maps.Copy(h, res.Header)
	t.response.apply(h)
	from.response.apply(h)
	if _, has := h["Content-Type"]; !has {
		h["Content-Type"] = nil // or else net/http would guess one
	}
	for name := range res.Trailer {
		h.Add("Trailer", name)
	}
	x.unfinished()
	x.W.WriteHeader(res.Status)
	if err := copyBody(x.W, res); err != nil {
		x.answer.record.Reason = "cut-off"
		if x.answer.slow {
			x.answer.record.Reason = "client-too-slow"
		}
		abort(x.W) // the client must see that it has not got all
		return
	}
	for name, values := range res.Trailer {
		if !request.OfConnection(name) {
			h[http.TrailerPrefix+name] = values
		}
	}
}

// drop deletes what is the connection's of a response.
func drop(h http.Header) {
	for _, value := range h["Connection"] {
		for token := range strings.SplitSeq(value, ",") {
			h.Del(strings.TrimSpace(token))
		}
	}
	for name := range h {
		if request.OfConnection(name) && name != "Content-Length" {
			delete(h, name)
		}
	}
}

// copyBody sends each piece as it comes if nobody knows how many there will be:
// somebody may wait for it.
func copyBody(w http.ResponseWriter, res *http1.Response) error {
	buffer := buffers.get()
	defer buffers.put(buffer)
	var flush func() error
	if res.Length < 0 {
		flush = http.NewResponseController(w).Flush
	}
	return res.CopyTo(w, *buffer, flush)
}
