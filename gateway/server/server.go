// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-sh/gatehouse/gateway/certs"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/proxy"
	"github.com/gatehouse-sh/gatehouse/gateway/tcp"
	"github.com/gatehouse-sh/gatehouse/gateway/telemetry"
)

// Server serves snapshots. Its methods may be called by any number of goroutines.
type Server struct {
	log       logr.Logger
	proxy     *proxy.Proxy
	telemetry *telemetry.Set
	effective atomic.Pointer[config.Snapshot]
	leaving   atomic.Bool

	mu      sync.Mutex
	open    map[string]*listener
	sides   map[string]*side
	store   *certs.Store
	packets map[string]*packets
	// leftover are sockets of UDP that were taken out and still have clients, by address.
	leftover map[netip.AddrPort]*packets
	streams  tcp.Backends
	tickets  certs.Tickets
	made     *certs.Choice // the self-signed one, if one was needed
	closed   bool
	begins   *time.Timer    // of the first certificate that has not begun; nil: there was none
	ending   sync.WaitGroup // listeners that are no more, and finish what they have
}

// New makes a Server that listens nowhere yet. The lines of decisions that are for
// stdout are written to an io.Writer.
func New(log logr.Logger, stdout io.Writer) *Server {
	t := telemetry.NewSet(stdout, log)
	p := proxy.New(t)
	p.Log = log
	return &Server{log: log, proxy: p, telemetry: t, open: map[string]*listener{}, sides: map[string]*side{}, packets: map[string]*packets{}, leftover: map[netip.AddrPort]*packets{}}
}

// drain is how long a listener that was taken out of the configuration may finish
// what it has.
const drain = 30 * time.Second

// Apply serves a snapshot from now on. If it cannot, for an address that is taken
// or a certificate that is none, the one before stays, whole.
func (s *Server) Apply(ctx context.Context, snap *config.Snapshot) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(ctx, snap)
}

// put makes a snapshot the one in force.
func (s *Server) put(ctx context.Context, snap *config.Snapshot) error {
	if err := s.apply(ctx, snap); err != nil {
		return err
	}
	s.effective.Store(snap)
	s.telemetry.Applied(time.Now(), snap)
	s.await(ctx, snap)
	return nil
}

// await puts a snapshot in force once more when a certificate of it begins that had not.
func (s *Server) await(ctx context.Context, snap *config.Snapshot) {
	if s.begins != nil {
		s.begins.Stop()
	}
	at := s.store.Begins()
	if at.IsZero() {
		return
	}
	ctx = context.WithoutCancel(ctx)
	s.begins = time.AfterFunc(time.Until(at), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.closed || s.effective.Load() != snap {
			return
		}
		if err := s.put(ctx, snap); err != nil {
			s.log.Error(err, "a certificate has begun, and is not used")
		}
	})
}

func (s *Server) apply(ctx context.Context, snap *config.Snapshot) error {
	if s.closed {
		return errors.New("the server is closed")
	}
	if err := snap.FaultsSince(s.effective.Load()); err != nil {
		return err
	}
	store, warnings, err := certs.Load(snap.Certificates, s.store, time.Now())
	if err != nil {
		return err
	}
	settings, terms := make([]*settings, len(snap.Listeners)), map[string]any{}
	for i := range snap.Listeners {
		name := snap.Listeners[i].Name
		if settings[i], err = s.settings(snap, &snap.Listeners[i], store); err != nil {
			return fmt.Errorf("listener %s: %w", name, err)
		}
		if tls := settings[i].secure; tls != nil {
			terms[name] = tls
		}
	}
	opened, err := s.bind(ctx, snap)
	var beside map[string]net.Listener
	var packets map[string]*net.UDPConn
	if err == nil {
		packets, err = s.bindPackets(snap)
	}
	if err == nil {
		beside, err = s.bindSides(ctx, snap)
	}
	tell, leave := func() {}, func() {}
	if err == nil {
		tell, leave, err = s.telemetry.Prepare(ctx, &snap.Telemetry)
	}
	if err == nil {
		if err = s.proxy.Apply(snap, store, terms); err != nil { //nolint:contextcheck // what is opened outlives the call
			leave()
		}
	}
	if err != nil {
		abandon(opened)
		abandon(beside)
		abandon(packets)
		return err
	}
	tell()
	for _, w := range warnings {
		s.log.Info("certificate not used", "reason", w)
	}
	store.Each(s.telemetry.Certificate)
	s.store = store
	s.replace(snap, settings, opened)         //nolint:contextcheck // connections outlive the call
	s.replacePackets(snap, settings, packets) //nolint:contextcheck // and clients of UDP
	s.replaceSides(snap, beside)
	s.streams.Keep(snap.Backends)
	return nil
}

// abandon closes sockets by which nobody was served.
func abandon[S io.Closer](opened map[string]S) {
	for _, socket := range opened {
		_ = socket.Close() // it has nothing to lose
	}
}

// replace makes the listeners those of a snapshot.
func (s *Server) replace(snap *config.Snapshot, settings []*settings, opened map[string]net.Listener) {
	next := make(map[string]*listener, len(snap.Listeners))
	for i := range snap.Listeners {
		l := &snap.Listeners[i]
		if l.Protocol == config.UDP {
			continue
		}
		now := s.open[l.Name]
		if socket := opened[l.Name]; socket != nil {
			now = newListener(l.Name, l.Address, socket, settings[i], s.proxy.Handler(l.Name), s.log, s.telemetry)
			go now.accept()
			s.log.Info("listening", "listener", l.Name, "address", socket.Addr().String(), "protocol", l.Protocol)
		} else {
			now.set(settings[i])
		}
		next[l.Name] = now
	}
	for name, l := range s.open {
		if next[name] != l {
			for _, by := range next {
				if by.asked == l.asked && by.asked.Port() != 0 {
					_ = l.socket.Close() // it was taken over: nobody is to come in by what was said before
				}
			}
			s.ending.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), drain)
				defer cancel()
				l.end(ctx)
			})
		}
	}
	s.open = next
}

// Refused says that a configuration could not be read or applied, and that the one
// before it stays.
func (s *Server) Refused(err error) {
	s.telemetry.Refused()
	s.log.Error(err, "configuration refused, the last good one stays")
}

// Metrics are the numbers of this server, and of the process.
func (s *Server) Metrics() prometheus.Gatherer { return s.telemetry }

// Addresses returns where each listener listens, and "metrics" and "admin" if they
// are listened for.
func (s *Server) Addresses() map[string]netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]netip.AddrPort, len(s.open))
	add := func(name string, address net.Addr) {
		if a, err := netip.ParseAddrPort(address.String()); err == nil {
			out[name] = a
		}
	}
	for name, l := range s.sides {
		add(name, l.socket.Addr())
	}
	for name, l := range s.open {
		add(name, l.socket.Addr())
	}
	for name, l := range s.packets {
		add(name, l.listener.Addr())
	}
	return out
}

// Close takes no more connections, lets requests under way finish until ctx ends,
// and closes what is left.
func (s *Server) Close(ctx context.Context) {
	s.leaving.Store(true)
	s.proxy.Drain()
	s.mu.Lock()
	s.closed = true
	open, packets := s.open, s.packets
	s.open, s.packets = nil, nil
	s.mu.Unlock()
	for _, p := range packets {
		s.ending.Go(func() { p.listener.End(ctx) })
	}
	for _, l := range open {
		s.ending.Go(func() { l.end(ctx) })
	}
	s.ending.Wait()
	s.proxy.Close(ctx)
	s.telemetry.Close(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, side := range s.sides {
		_ = side.http.Close() // to the end, it said that this one is ending
	}
}
