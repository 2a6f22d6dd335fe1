// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// UnboundError is why listeners cannot listen, by name. Nothing was applied then.
type UnboundError map[string]error

// Error implements error.
func (u UnboundError) Error() string {
	all := make([]string, 0, len(u))
	for _, name := range slices.Sorted(maps.Keys(u)) {
		all = append(all, fmt.Sprintf("listener %s: %v", name, u[name]))
	}
	return strings.Join(all, "\n")
}

// bind opens the sockets that there are not yet, and says of all that cannot be opened.
func (s *Server) bind(ctx context.Context, snap *config.Snapshot) (map[string]net.Listener, error) {
	opened, faults := map[string]net.Listener{}, UnboundError{}
	for i := range snap.Listeners {
		l := &snap.Listeners[i]
		if now := s.open[l.Name]; l.Protocol == config.UDP || now != nil && now.asked == l.Address {
			continue
		}
		socket, err := s.listen(ctx, l.Address)
		if err != nil {
			faults[l.Name] = err
			continue
		}
		opened[l.Name] = socket
	}
	if len(faults) > 0 {
		return opened, faults
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
