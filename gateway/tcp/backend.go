// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/certs"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/weight"
)

// ErrNoEndpoints says that a stream has no address to go to.
var ErrNoEndpoints = errors.New("there are no endpoints")

// Bounds of connections to backends.
const (
	dialTimeout = 5 * time.Second
	attempts    = 3 // addresses that are tried for a connection
)

// Backends are the addresses of backends and what is open to them. It outlives
// snapshots. Its methods may be called by any number of goroutines.
type Backends struct {
	mu   sync.Mutex
	open map[netip.AddrPort]*endpoint
}

type endpoint struct {
	address netip.AddrPort
	conns   atomic.Int64
}

// endpoints returns those of addresses, which are the same ones as before.
func (b *Backends) endpoints(list []netip.AddrPort) []*endpoint {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]*endpoint, len(list))
	for i, a := range list {
		if b.open[a] == nil {
			if b.open == nil {
				b.open = map[netip.AddrPort]*endpoint{}
			}
			b.open[a] = &endpoint{address: a}
		}
		out[i] = b.open[a]
	}
	return out
}

// Keep forgets the addresses that no snapshot has any more.
func (b *Backends) Keep(list []config.Backend) {
	now := map[netip.AddrPort]bool{}
	for i := range list {
		for _, a := range list[i].Endpoints {
			now[a] = true
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for a := range b.open {
		if !now[a] {
			delete(b.open, a) // what is open to it ends by itself
		}
	}
}

// Target is where a stream goes: backends by their shares.
type Target struct {
	stream   string
	backends weight.List[share]
}

// share is a backend of a stream.
type share struct {
	endpoints []*endpoint
	tls       *tls.Config // nil: in clear
}

// Stream is its name; "" says that requests are answered, and nothing is passed on.
func (t *Target) Stream() string { return t.stream }

func (b *Backends) target(s *config.Stream, backends map[string]*config.Backend, store *certs.Store) (*Target, error) {
	t := &Target{stream: s.Name}
	for _, w := range s.Backends {
		backend := backends[w.Name]
		if backend == nil {
			continue
		}
		own := share{endpoints: b.endpoints(backend.Endpoints)}
		if backend.TLS != nil {
			var err error
			if own.tls, _, err = store.Backend(backend); err != nil {
				return nil, err
			}
			own.tls.NextProtos = nil // what is spoken in it is for others to know
		}
		t.backends.Add(own, weight.Of(w.Weight))
	}
	return t, nil
}

// pick takes the address of a share that has fewer connections of two chosen at random,
// but none of those that were tried; nil if there is none.
func pick(list, tried []*endpoint) *endpoint {
	var best *endpoint
	for range 2 * (len(tried) + 1) {
		if len(list) == 0 {
			break
		}
		e := list[rand.IntN(len(list))] //nolint:gosec // not a secret
		if !slices.Contains(tried, e) && (best == nil || e.conns.Load() < best.conns.Load()) {
			best = e
		}
	}
	if best != nil {
		return best
	}
	for _, e := range list {
		if !slices.Contains(tried, e) {
			return e
		}
	}
	return nil
}

// Dial opens a connection to one of the addresses, by "tcp" or "udp", and makes the
// handshake of TLS if the backend has it. The address counts as busy until it is closed.
func (t *Target) Dial(ctx context.Context, network string) (net.Conn, error) {
	err := ErrNoEndpoints
	var tried []*endpoint
	for range attempts {
		to := t.backends.Pick()
		e := pick(to.endpoints, tried)
		if e == nil {
			break
		}
		tried = append(tried, e)
		c, failed := to.open(ctx, network, e.address.String())
		if failed == nil {
			e.conns.Add(1)
			return &counted{Conn: c, of: e}, nil
		}
		if err = failed; ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

// open opens one connection.
func (s *share) open(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext(ctx, network, address)
	if err != nil || s.tls == nil {
		return c, err
	}
	secured := tls.Client(c, s.tls)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = c.Close() // it is not who it should be
		return nil, err
	}
	return secured, nil
}

// counted is a connection that its address is busy with.
type counted struct {
	net.Conn
	of   *endpoint
	once sync.Once
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.once.Do(func() { c.of.conns.Add(-1) })
	return c.Conn.Close()
}

// CloseWrite says that nothing more comes.
func (c *counted) CloseWrite() error { return closeWrite(c.Conn) }
