// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// bind opens the sockets that there are not yet.
func (s *Server) bind(ctx context.Context, snap *config.Snapshot) (map[string]net.Listener, error) {
	opened := map[string]net.Listener{}
	for i := range snap.Listeners {
		l := &snap.Listeners[i]
		if now := s.open[l.Name]; l.Protocol == config.UDP || now != nil && now.asked == l.Address {
			continue
		}
		socket, err := s.listen(ctx, l.Address)
		if err != nil {
			return opened, fmt.Errorf("listener %s: %w", l.Name, err)
		}
		opened[l.Name] = socket
	}
	return opened, nil
}

// listen opens a socket. One of a listener that is of another name now, or elsewhere, is
// taken over with who waits at it: an address can be listened on only once.
func (s *Server) listen(ctx context.Context, address netip.AddrPort) (net.Listener, error) {
	for _, now := range s.open {
		socket, is := now.socket.(*net.TCPListener)
		if now.asked != address || address.Port() == 0 || !is {
			continue
		}
		file, err := socket.File()
		if err != nil {
			return nil, err
		}
		defer file.Close() //nolint:errcheck // it is a second name of the socket
		return net.FileListener(file)
	}
	return (&net.ListenConfig{KeepAlive: 30 * time.Second}).Listen(ctx, "tcp", address.String())
}
