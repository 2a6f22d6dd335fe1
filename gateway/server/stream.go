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

// find finds the stream that a client is for, nil for none, and what to read on from
// instead of c, of which a name may have been read.
func (now *settings) find(c net.Conn, until time.Time) (net.Conn, *tcp.Target, error) {
	if !now.named {
		return c, now.streams.Find(""), nil
	}
	if err := c.SetReadDeadline(until); err != nil {
		return nil, nil, err
	}
	name, read, err := tcp.ReadHello(c)
	if err != nil {
		return nil, nil, err
	}
	return &tcp.Replayed{Conn: c, Before: read}, now.streams.Find(name), c.SetReadDeadline(time.Time{})
}

// join opens a connection to where a client goes. Nothing is asked of a backend before
// the client's handshake, if one is made here, is made.
func (l *listener) join(from net.Conn, to *tcp.Target, now *settings, until time.Time) (s *joined, reason string, err error) {
	if to == nil {
		return nil, "no-route", nil
	}
	if ends := now.ends[to.Stream()]; ends != nil {
		if from, err = ends.handshake(from, until); err != nil {
			return nil, "handshake", err
		}
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
