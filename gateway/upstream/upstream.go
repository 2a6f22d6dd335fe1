// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/certs"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream/http1"
)

// Why nothing was sent.
var (
	ErrNoEndpoints = errors.New("the backend has no endpoints")
	ErrUnhealthy   = errors.New("no endpoint of the backend is healthy")
)

// Bounds of connections to backends.
const (
	dialTimeout     = 5 * time.Second
	idleConnections = 512              // of one address
	idleTimeout     = 60 * time.Second // less than the 75 s after which nginx closes
	maxResponseHead = 256 << 10
)

// Client is who speaks HTTP/1.1 to backends.
type Client uint8

// Own, package http1, is what the gateway uses. Standard is net/http's, for comparison.
const (
	Own Client = iota
	Standard
)

// Set is all backends. Its methods may be called by any number of goroutines.
type Set struct {
	client Client
	mu     sync.Mutex
	pool   map[key]*Pool
}

// key is what a connection depends on.
type key struct {
	name, protocol string
	tls            [sha256.Size]byte // of all that is said of TLS; zero: none
}

// NewSet makes an empty set.
func NewSet(c Client) *Set { return &Set{client: c, pool: map[key]*Pool{}} }

// Update is Prepare, and keeps what it returns.
func (s *Set) Update(list []config.Backend, store *certs.Store) (map[string]*Pool, error) {
	byName, keep, err := s.Prepare(list, store)
	if err == nil {
		keep()
	}
	return byName, err
}

// Prepare returns the backends of a snapshot by name, and keep, which makes the set and
// its pools those; until then nothing has changed, and no request may be sent to a pool
// that is new. Between both calls there is no other one. Pools of backends that stay are
// the same ones. What is under way to others ends by itself: with other words about TLS,
// requests go over new connections. The certificates that are shown to backends are from
// store, which may be nil if there are none.
func (s *Set) Prepare(list []config.Backend, store *certs.Store) (byName map[string]*Pool, keep func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, byName := make(map[key]*Pool, len(list)), make(map[string]*Pool, len(list))
	made := make([]*Pool, len(list))
	for i := range list {
		b := &list[i]
		k, secure := key{name: b.Name, protocol: b.Protocol}, (*tls.Config)(nil)
		if b.TLS != nil {
			var err error
			if secure, k.tls, err = store.Backend(b); err != nil {
				return nil, nil, err
			}
		}
		if made[i] = s.pool[k]; made[i] == nil {
			made[i] = newPool(b.Name, b.Protocol, secure, s.client)
		}
		next[k], byName[b.Name] = made[i], made[i]
	}
	return byName, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for i := range list {
			made[i].update(&list[i])
		}
		for k, p := range s.pool {
			if next[k] == nil {
				p.close()
			}
		}
		s.pool = next
	}, nil
}

// Close closes the connections that nobody uses.
func (s *Set) Close() { _, _ = s.Update(nil, nil) } // without backends there is no error

// sender sends to one address.
type sender interface {
	Do(ctx context.Context, r *http1.Request) (*http1.Response, error)
	Close() // idle connections; requests under way end by themselves
}

// Pool is one backend.
type Pool struct {
	name      string
	dialer    *dialer
	transport *http.Transport // nil: package http1
	settings  atomic.Pointer[settings]
	endpoints atomic.Pointer[[]*endpoint]
	gate      gate
	retries   atomic.Int64 // under way
	turn      atomic.Uint64
	checker   *checker // nil: none; of Set.mu
}

func newPool(name, protocol string, secure *tls.Config, c Client) *Pool {
	p := &Pool{name: name}
	p.dialer = &dialer{timeout: func() time.Duration { return p.settings.Load().connect }, secure: secure}
	switch {
	case protocol == "h2c":
		p.transport = newTransport(p.dialer)
		p.transport.Protocols.SetUnencryptedHTTP2(true)
	case protocol == "h2":
		p.transport = newTransport(p.dialer)
		p.transport.Protocols.SetHTTP2(true)
	case c == Standard:
		p.transport = newTransport(p.dialer)
		p.transport.Protocols.SetHTTP1(true)
	}
	p.update(&config.Backend{})
	return p
}

// newTransport makes the Transport of net/http without a protocol.
func newTransport(d *dialer) *http.Transport {
	return &http.Transport{
		DialContext:            func(ctx context.Context, _, address string) (net.Conn, error) { return d.plain(ctx, address) },
		DialTLSContext:         func(ctx context.Context, _, address string) (net.Conn, error) { return d.byTLS(ctx, address) },
		MaxIdleConnsPerHost:    idleConnections,
		IdleConnTimeout:        idleTimeout,
		DisableCompression:     true, // the client's Accept-Encoding is the backend's to answer
		MaxResponseHeaderBytes: maxResponseHead,
		ExpectContinueTimeout:  time.Second,
		Protocols:              new(http.Protocols),
	}
}

func (p *Pool) newEndpoint(address string) *endpoint {
	e := &endpoint{address: address}
	e.release = func() { e.requests.Add(-1); p.gate.leave() }
	switch d := p.dialer; {
	case p.transport == nil:
		e.sender = http1.NewClient(func(ctx context.Context) (net.Conn, error) { return d.dial(ctx, address) }, idleConnections, idleTimeout)
	case d.secure != nil:
		e.sender = &standard{p.transport, "https", address}
	default:
		e.sender = &standard{p.transport, "http", address}
	}
	return e
}

// HTTP2 tells whether the backend is spoken to by HTTP/2.
func (p *Pool) HTTP2() bool { return p.transport != nil && !p.transport.Protocols.HTTP1() }

// Name is the name of the backend.
func (p *Pool) Name() string { return p.name }

func (p *Pool) update(b *config.Backend) {
	p.settings.Store(settingsOf(b))
	old := map[string]*endpoint{}
	if list := p.endpoints.Load(); list != nil {
		for _, e := range *list {
			old[e.address] = e
		}
	}
	next := make([]*endpoint, 0, len(b.Endpoints))
	for _, a := range b.Endpoints {
		address := a.String()
		e := old[address]
		if e == nil {
			e = p.newEndpoint(address)
		}
		delete(old, address)
		next = append(next, e)
	}
	p.endpoints.Store(&next)
	if b.Outlier == nil {
		for _, e := range next {
			e.until.Store(0)
			e.probing.Store(false)
		}
	}
	p.gate.admit()
	p.check(b.Health)
	for _, e := range old {
		e.sender.Close()
	}
}

func (p *Pool) close() {
	p.update(&config.Backend{})
	if p.transport != nil {
		p.transport.CloseIdleConnections()
	}
}

// Send sends a request to one of the addresses, and again as retry says, within the
// shorter of its HeadTimeout and that of the backend each time. The response
// must be closed, and the address counts as busy until then. The request is the
// caller's again afterwards.
func (p *Pool) Send(ctx context.Context, r *http1.Request, retry *Retry) (*http1.Response, error) {
	defer r.Release()
	if err := r.Prepare(); err != nil {
		return nil, &http1.Error{Stage: http1.Asking, Unsent: true, Err: err}
	}
	s := p.settings.Load()
	if s.response > 0 && (r.HeadTimeout == 0 || r.HeadTimeout > s.response) {
		r.HeadTimeout = s.response
	}
	var tried []*endpoint
	for attempt := 0; ; attempt++ {
		e, res, err := p.try(ctx, s, r, tried)
		if attempt > 0 {
			p.retries.Add(-1)
		}
		if attempt >= retry.attempts || e == nil || ctx.Err() != nil || !retry.fits(r, res, err) || !p.retry(ctx, retry, attempt+1) {
			return res, err
		}
		if res != nil {
			res.Close()
		}
		if tried == nil {
			tried = make([]*endpoint, 0, retry.attempts)
		}
		tried = append(tried, e)
	}
}

// try sends a request once. It returns no endpoint if there was none.
func (p *Pool) try(ctx context.Context, s *settings, r *http1.Request, tried []*endpoint) (*endpoint, *http1.Response, error) {
	e, err := p.enter(ctx, s, tried)
	if err != nil {
		return nil, nil, err
	}
	res, err := e.sender.Do(ctx, r)
	p.tell(s, e, resultOf(ctx, r, res, err))
	if err != nil {
		e.release()
		return e, nil, refusal(err)
	}
	res.OnClose(e.release)
	return e, res, nil
}

// resultOf tells whether an endpoint did what was asked of it. When the time of a request
// ends whose body was sent as it came, the client may have been who was slow.
func resultOf(ctx context.Context, r *http1.Request, res *http1.Response, err error) result {
	if err != nil {
		e, ours := errors.AsType[*http1.Error](err)
		switch {
		case ours && e.Stage == http1.Asking, errors.Is(ctx.Err(), context.Canceled),
			ctx.Err() != nil && !r.Replayable() && !(ours && e.Stage == http1.Connecting):
			return neither
		}
		return failure
	}
	switch res.Status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return failure
	}
	return success
}
