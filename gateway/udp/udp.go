// SPDX-License-Identifier: Apache-2.0

// Package udp sends the datagrams of clients to backends and theirs back. A client
// is an address with a port, and stays with one backend for as long as something is
// said.
package udp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/internal/network"
	"github.com/gatehouse-sh/gatehouse/gateway/tcp"
)

// Settings are what new clients get.
type Settings struct {
	Routes     *tcp.Routes
	Idle       time.Duration // after which a client that nobody speaks with is forgotten
	Sessions   int           // at most
	PerAddress int           // at most
}

// Listener is one socket. Its methods may be called by any number of goroutines.
type Listener struct {
	socket *net.UDPConn
	now    atomic.Pointer[Settings]
	turned func(reason string)

	mu        sync.Mutex
	ended     bool
	sessions  map[netip.AddrPort]*session
	byAddress map[netip.Addr]int
	open      sync.WaitGroup
}

// session is one client.
type session struct {
	backend net.Conn
	last    atomic.Int64
}

// maxDatagram is the largest there is.
const maxDatagram = 64 << 10

// New serves a socket. turned is told why the datagrams of a new client are
// dropped, in a word of ours.
func New(socket *net.UDPConn, s *Settings, turned func(string)) *Listener {
	l := &Listener{socket: socket, turned: turned, sessions: map[netip.AddrPort]*session{}, byAddress: map[netip.Addr]int{}}
	l.now.Store(s)
	return l
}

// Set changes what new clients get. Those that there are stay with their backends.
func (l *Listener) Set(s *Settings) { l.now.Store(s) }

// Addr is where it listens.
func (l *Listener) Addr() net.Addr { return l.socket.LocalAddr() }

// Serve returns when the socket is closed.
func (l *Listener) Serve() {
	buffer := make([]byte, maxDatagram)
	for {
		n, from, err := l.socket.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // of one client: what was sent to it did not arrive
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if s := l.of(from); s != nil {
			s.last.Store(time.Now().UnixNano())
			_, _ = s.backend.Write(buffer[:n]) // datagrams may be lost
		}
	}
}

// of finds the session of a client, or begins one; nil if it may not.
func (l *Listener) of(from netip.AddrPort) *session {
	now, key := l.now.Load(), network.Of(from.Addr())
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.sessions[from]; s != nil {
		return s
	}
	switch {
	case l.ended:
		return nil
	case len(l.sessions) >= now.Sessions:
		l.turned("too-many")
		return nil
	case l.byAddress[key] >= now.PerAddress:
		l.turned("too-many-of-address")
		return nil
	}
	to := now.Routes.Find("")
	if to == nil {
		l.turned("no-route")
		return nil
	}
	c, err := to.Dial(context.Background(), "udp") // of UDP it does not wait for anybody
	if err != nil {
		l.turned("backend")
		return nil
	}
	s := &session{backend: c}
	s.last.Store(time.Now().UnixNano())
	l.sessions[from] = s
	l.byAddress[key]++
	l.open.Go(func() {
		l.answer(from, s, now.Idle)
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.sessions, from)
		if l.byAddress[key]--; l.byAddress[key] <= 0 {
			delete(l.byAddress, key)
		}
	})
	return s
}

// answer sends a client what its backend says, until nobody says anything.
func (l *Listener) answer(to netip.AddrPort, s *session, idle time.Duration) {
	defer s.backend.Close() //nolint:errcheck // nothing is held back
	buffer := make([]byte, maxDatagram)
	for {
		due := time.Unix(0, s.last.Load()).Add(idle)
		if s.backend.SetReadDeadline(due) != nil {
			return
		}
		n, err := s.backend.Read(buffer)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Since(time.Unix(0, s.last.Load())) < idle:
			continue // the client has said something
		case err != nil:
			return // also that there is nobody: the next datagram goes to another address
		}
		s.last.Store(time.Now().UnixNano())
		if _, err := l.socket.WriteToUDPAddrPort(buffer[:n], to); errors.Is(err, net.ErrClosed) {
			return
		}
	}
}

// End takes no new clients, and closes the socket when those that there are have
// been forgotten or ctx ends.
func (l *Listener) End(ctx context.Context) {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil && l.Sessions() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	_ = l.socket.Close() // Serve ends by it
	l.mu.Lock()
	for _, s := range l.sessions {
		_ = s.backend.Close() // and answer by this
	}
	l.mu.Unlock()
	l.open.Wait()
}

// Sessions is how many clients there are.
func (l *Listener) Sessions() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.sessions)
}
