// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/admin"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// side is a socket for those who run the gateway.
type side struct {
	asked  netip.AddrPort
	socket net.Listener
	http   *http.Server
}

// Bounds of what a reader of metrics or profiles may take.
const (
	sideHeader = 5 * time.Second
	sideIdle   = time.Minute
	sideWrite  = 30 * time.Second // of metrics; profiles may take minutes
)

// sides are the addresses that a snapshot has for those who run the gateway.
func sides(snap *config.Snapshot) map[string]netip.AddrPort {
	out := map[string]netip.AddrPort{}
	for name, a := range map[string]netip.AddrPort{"metrics": snap.Telemetry.Metrics, "admin": snap.Telemetry.Admin} {
		if a.IsValid() {
			out[name] = a
		}
	}
	return out
}

// bindSides opens the sockets that there are not yet.
func (s *Server) bindSides(ctx context.Context, snap *config.Snapshot) (map[string]net.Listener, error) {
	opened := map[string]net.Listener{}
	for name, address := range sides(snap) {
		if now := s.sides[name]; now != nil && now.asked == address {
			continue
		}
		socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address.String())
		if err != nil {
			return opened, fmt.Errorf("telemetry.%s: %w", name, err)
		}
		opened[name] = socket
	}
	return opened, nil
}

// replaceSides makes them those of a snapshot.
func (s *Server) replaceSides(snap *config.Snapshot, opened map[string]net.Listener) {
	asked := sides(snap)
	for name, now := range s.sides {
		if asked[name] != now.asked {
			_ = now.http.Close() // whoever asked asks again
			delete(s.sides, name)
		}
	}
	for name, socket := range opened {
		handler := admin.Local(s.effective.Load)
		var write time.Duration
		if name == "metrics" { // of which few are told at once: nobody may hold a place
			handler, write = admin.Public(s.telemetry.Handler(), s.ready), sideWrite
		}
		now := &side{asked: asked[name], socket: socket, http: &http.Server{Handler: handler, ReadHeaderTimeout: sideHeader, IdleTimeout: sideIdle, WriteTimeout: write}}
		s.sides[name] = now
		s.log.Info("listening", "for", name, "address", socket.Addr().String())
		go func() {
			if err := now.http.Serve(socket); err != nil && !errors.Is(err, http.ErrServerClosed) {
				s.log.Error(err, "serve", "for", name)
			}
		}()
	}
}

// ready tells why no requests should be sent here, if so.
func (s *Server) ready() error {
	if s.effective.Load() == nil {
		return errors.New("no configuration was applied yet")
	}
	if s.leaving.Load() {
		return errors.New("it is ending")
	}
	return nil
}
