// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
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
	ended    chan struct{} // closed when the socket is, after end
	now      func()        // ends it at once; valid after end
}

// end lets the clients that there are finish. Until then the address is taken.
func (s *Server) end(p *packets) {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	p.now = cancel
	s.leftover[p.asked] = p
	s.ending.Go(func() {
		defer cancel()
		p.listener.End(ctx)
		close(p.ended)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.leftover[p.asked] == p {
			delete(s.leftover, p.asked)
		}
	})
}

// take has an address given up by a listener that was taken out: what is wanted there
// again cannot wait for the last client of before.
func (s *Server) take(address netip.AddrPort) {
	if p := s.leftover[address]; p != nil {
		p.now()
		<-p.ended
	}
}

// bindPackets opens the sockets of UDP that there are not yet.
func (s *Server) bindPackets(snap *config.Snapshot) (map[string]*net.UDPConn, error) {
	opened := map[string]*net.UDPConn{}
	for i := range snap.Listeners {
		l := &snap.Listeners[i]
		if now := s.packets[l.Name]; l.Protocol != config.UDP || now != nil && now.asked == l.Address {
			continue
		}
		s.take(l.Address)
		socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(l.Address))
		if err != nil {
			return opened, UnboundError{l.Name: err}
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
			now = &packets{asked: l.Address, ended: make(chan struct{}), listener: udp.New(socket, set, func(reason string) { s.telemetry.Turned(l.Name, reason) })}
			go now.listener.Serve()
			s.log.Info("listening", "listener", l.Name, "address", socket.LocalAddr().String(), "protocol", l.Protocol)
		} else {
			now.listener.Set(set)
		}
		next[l.Name] = now
	}
	for name, p := range s.packets {
		if next[name] != p {
			s.end(p)
		}
	}
	s.packets = next
}
