// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/tcp"
	"github.com/gatehouse-sh/gatehouse/gateway/udp"
)

// joined are a client and its backend.
type joined struct{ client, backend net.Conn }

// join finds where a client goes, and opens a connection to there.
func (l *listener) join(c *client, now *settings) (s *joined, reason string, err error) {
	from := net.Conn(c)
	name := ""
	if now.named {
		if err := c.SetReadDeadline(time.Now().Add(now.headerTimeout)); err != nil {
			return nil, "client-gone", err
		}
		asked, read, err := tcp.ReadHello(c)
		if err != nil {
			return nil, "hello", err
		}
		name, from = asked, &tcp.Replayed{Conn: c, Before: read}
	}
	to := now.streams.Find(name)
	if to == nil {
		return nil, "no-route", nil
	}
	backend, err := to.Dial(context.Background(), "tcp")
	if err != nil {
		return nil, "backend", err
	}
	if !l.streams.Add(from) {
		_ = backend.Close() // nothing was said
		return nil, "ending", nil
	}
	return &joined{client: from, backend: backend}, "", nil
}

// packets is a socket of UDP.
type packets struct {
	asked    netip.AddrPort
	listener *udp.Listener
}

// bindPackets opens the sockets of UDP that there are not yet.
func (s *Server) bindPackets(snap *config.Snapshot) (map[string]*net.UDPConn, error) {
	opened := map[string]*net.UDPConn{}
	for i := range snap.Listeners {
		l := &snap.Listeners[i]
		if now := s.packets[l.Name]; l.Protocol != config.UDP || now != nil && now.asked == l.Address {
			continue
		}
		socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(l.Address))
		if err != nil {
			return opened, fmt.Errorf("listener %s: %w", l.Name, err)
		}
		opened[l.Name] = socket
	}
	return opened, nil
}

// replacePackets makes the listeners of UDP those of a snapshot.
func (s *Server) replacePackets(snap *config.Snapshot, settings []*settings, opened map[string]*net.UDPConn) {
	next := map[string]*packets{}
	for i := range snap.Listeners {
		l := &snap.Listeners[i]
		if l.Protocol != config.UDP {
			continue
		}
		set := &udp.Settings{Routes: settings[i].streams, Idle: settings[i].idle, Sessions: settings[i].total, PerAddress: settings[i].perAddress}
		now := s.packets[l.Name]
		if socket := opened[l.Name]; socket != nil {
			now = &packets{asked: l.Address, listener: udp.New(socket, set, func(reason string) { s.telemetry.Turned(l.Name, reason) })}
			go now.listener.Serve()
			s.log.Info("listening", "listener", l.Name, "address", socket.LocalAddr().String(), "protocol", l.Protocol)
		} else {
			now.listener.Set(set)
		}
		next[l.Name] = now
	}
	for name, p := range s.packets {
		if next[name] != p {
			s.ending.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), drain)
				defer cancel()
				p.listener.End(ctx)
			})
		}
	}
	s.packets = next
}
