// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/front"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/network"
	"github.com/gatehouse-sh/gatehouse/gateway/proxy"
	"github.com/gatehouse-sh/gatehouse/gateway/tcp"
	"github.com/gatehouse-sh/gatehouse/gateway/telemetry"
)

// listener is one socket.
type listener struct {
	name    string
	asked   netip.AddrPort // as configured: port 0 is another one once it is open
	socket  net.Listener
	handler http.Handler
	log     logr.Logger
	tell    *telemetry.Set
	now     atomic.Pointer[settings]
	counts  *counts

	admitting atomic.Int64 // connections that are handed to nobody yet
	streams   tcp.Open
	ending    atomic.Bool // answers are the last ones of their connections

	mu      sync.Mutex
	serving *serving
	old     []*serving // with other settings: connections keep those that they began with
}

// serving is a net/http server and the connections that are for it.
type serving struct {
	http  *http.Server
	made  httpSettings
	conns *handed
	open  atomic.Int64 // connections
}

func newServing(h httpSettings, handler http.Handler, address net.Addr, log logr.Logger) *serving {
	s := &serving{http: newHTTP(h, handler, log), made: h, conns: newHanded(address)}
	s.http.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if known := clientOf(c); known != nil {
			return known.known.In(ctx)
		}
		return ctx
	}
	s.http.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			s.open.Add(1)
		case http.StateClosed, http.StateHijacked:
			s.open.Add(-1)
		case http.StateActive, http.StateIdle:
		}
	}
	return s
}

func newListener(name string, asked netip.AddrPort, socket net.Listener, s *settings, handler http.Handler, log logr.Logger, tell *telemetry.Set) *listener {
	l := &listener{name: name, asked: asked, socket: socket, handler: handler, log: log, tell: tell, counts: newCounts(func(change int) { tell.Connection(name, change) })}
	l.set(s)
	return l
}

// set changes what new connections get.
func (l *listener) set(s *settings) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now.Store(s)
	before := l.serving
	if before != nil && before.made == s.http {
		return
	}
	l.serving = newServing(s.http, l.handler, l.socket.Addr(), l.log)
	go l.serving.run(l.log)
	l.old = slices.DeleteFunc(l.old, func(o *serving) bool { return o.open.Load() == 0 })
	if before != nil {
		_ = before.conns.Close() // a closed channel
		l.old = append(l.old, before)
	}
}

func (s *serving) run(log logr.Logger) {
	if err := s.http.Serve(s.conns); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		log.Error(err, "serve")
	}
}

// end lets requests finish; idle connections are closed, and clients of HTTP/2 are
// told to open another one.
func (s *serving) end(ctx context.Context) {
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close() // they had their time
	}
}

// accept takes connections until the socket is closed.
func (l *listener) accept() {
	const least, most = 5 * time.Millisecond, time.Second
	pause := least
	for {
		c, err := l.socket.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			l.log.Error(err, "accept", "listener", l.name) // out of descriptors: others will be closed
			<-time.After(pause)
			pause = min(2*pause, most)
			continue
		}
		pause = least
		now := l.now.Load()
		counted := l.counts.take(c, now.total)
		if counted == nil {
			l.tell.Turned(l.name, "too-many")
			_ = c.Close() // one too many
			continue
		}
		l.admitting.Add(1)
		go l.take(counted, now)
	}
}

// take admits a client, and passes on what it says if that is all that is to be done.
func (l *listener) take(c *client, now *settings) {
	defer l.rescue(c)
	admit := func() *joined {
		defer l.admitting.Add(-1)
		return l.admit(c, now)
	}
	if streams := admit(); streams != nil {
		defer l.streams.Remove(streams.client)
		tcp.Relay(streams.client, streams.backend, now.idle)
	}
}

// rescue ends a connection that failed by a fault of ours, which is no reason to end
// those of others. It is deferred.
func (l *listener) rescue(c *client) {
	if v := recover(); v != nil {
		_ = c.Close() // nobody knows what it was told
		l.turn("fault", fmt.Errorf("panic: %v", v))
		l.log.Error(fmt.Errorf("panic: %v", v), "a fault of the gateway", "listener", l.name, "stack", string(debug.Stack()))
	}
}

// admit finds out who a client is and hands the connection over, or returns what it is
// to be joined with.
func (l *listener) admit(c *client, now *settings) *joined {
	if reason, err := l.introduce(c, now); reason != "" {
		l.turn(reason, err)
		_ = c.Close() // there is nobody to tell
		return nil
	}
	plain, until := net.Conn(c), time.Now().Add(now.headerTimeout)
	if now.streams != nil {
		from, to, err := now.find(c, until)
		if err != nil {
			_ = c.Close() // nothing could be said that it would understand
			l.turn("hello", err)
			return nil
		}
		if now.secure == nil || to != nil && to.Stream() != "" {
			s, reason, err := l.join(from, to, now, until)
			if reason != "" {
				_ = c.Close() // as before
				l.turn(reason, err)
			}
			return s
		}
		plain = from
	}
	l.serve(c, plain, now, until)
	return nil
}

// serve makes the handshake, if there is one, and hands a connection of requests over.
// What was read of it already is read again from what it is now.
func (l *listener) serve(c *client, plain net.Conn, now *settings, until time.Time) {
	http2 := now.plainHTTP2
	c.known.Ending = l.ending.Load
	c.known.Judge = func(host string, when time.Time, terms any) proxy.Decision {
		return judge(c.identity, host, when, terms)
	}
	c.known.Cut = func() {
		l.turn(string(front.ResetFlood), nil)
		_ = c.Close() // it asks and goes away, again and again
	}
	if now.secure != nil {
		t, err := now.secure.handshake(plain, until)
		if err != nil {
			_ = c.Close() // it said why
			l.turn("handshake", err)
			return
		}
		c.identity = now.secure.identify(t)
		c.known.TLS = &c.identity.state
		plain, http2 = t, c.identity.state.NegotiatedProtocol == "h2"
	}
	plain = front.NewConn(plain, now.head, http2, func(f front.Fault) { l.malformed(c, f) })
	for to := l.current(); ; {
		if to.conns.hand(plain) {
			return
		}
		next := l.current()
		if next == to {
			_ = plain.Close() // the listener is ending
			return
		}
		to = next // the settings changed meanwhile
	}
}

// malformed tells of bytes that are no request, and were refused. A request whose body
// is malformed has a line of its own.
func (l *listener) malformed(c *client, f front.Fault) {
	if f.Flood() {
		l.turn(string(f), nil) // it was not answered
		return
	}
	r := &telemetry.Record{Time: time.Now(), Listener: l.name, Status: f.Status(), Reason: string(f)}
	r.Client = addressOf(c)
	l.tell.Record(r, nil, nil)
}

// turn tells of a connection that comes to nothing. The reason is a word of ours.
func (l *listener) turn(reason string, err error) {
	l.tell.Turned(l.name, reason)
	if log := l.log.V(1); log.Enabled() {
		log.Info("connection refused", "listener", l.name, "reason", reason, "fault", fmt.Sprint(err))
	}
}

// introduce reads who a proxy speaks for, and counts the client by its address.
func (l *listener) introduce(c *client, now *settings) (reason string, err error) {
	if network.Contain(now.proxied, addressOf(c.Conn)) {
		p, err := proxied(c.Conn, now.headerTimeout)
		if err != nil {
			return "proxy-header", err
		}
		c.Conn = p
	}
	if !l.counts.from(c, now.perAddress) {
		return "too-many-of-address", nil
	}
	return "", nil
}

// judge tells whether a request may come over a connection that is older than what is
// configured now. Where TLS is spoken by now, or is no more, it may not: nothing that a
// handshake would have asked was asked of it, and the backend would be told another scheme.
func judge(i *identity, host string, when time.Time, terms any) proxy.Decision {
	now, _ := terms.(*secure) // nil: no TLS
	switch {
	case (now == nil) != (i == nil):
		return proxy.Refuse(http.StatusMisdirectedRequest, "misdirected")
	case i == nil:
		return proxy.Next()
	}
	return i.judge(host, when, now)
}

func (l *listener) current() *serving {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.serving
}

// settle is how long connections that nobody uses are waited for when a listener
// ends. A client that asks meanwhile is told that it is the last time, and comes to
// no harm; one that begins to ask at the moment of an end does.
const settle = 5 * time.Second

// end tells the clients that there are to go elsewhere, and those that still come;
// then it takes no more connections and lets requests under way finish.
func (l *listener) end(ctx context.Context) {
	l.ending.Store(true)
	most := settle
	if until, has := ctx.Deadline(); has {
		most = min(most, time.Until(until)/4)
	}
	quiet, cancel := context.WithTimeout(ctx, most)
	l.wait(quiet, func() bool { return l.admitting.Load() == 0 && l.connections() == 0 })
	cancel()
	_ = l.socket.Close() // accept ends by it
	l.wait(ctx, func() bool { return l.admitting.Load() == 0 })
	var ending sync.WaitGroup
	for _, s := range l.all() {
		ending.Go(func() { s.end(ctx) })
	}
	ending.Go(func() { l.streams.End(ctx) })
	ending.Wait()
}

// wait returns when it is so, or when ctx ends.
func (l *listener) wait(ctx context.Context, so func() bool) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (l *listener) all() []*serving {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(slices.Clone(l.old), l.serving)
}

func (l *listener) connections() (n int64) {
	for _, s := range l.all() {
		n += s.open.Load()
	}
	return n
}
