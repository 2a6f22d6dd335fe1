// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"net"
	"net/netip"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// serve makes one Gateway what it is to be.
func (l *Local) serve(ctx context.Context, s *Served, g *local) {
	if s.Keep && g.server != nil {
		g.state.Live, g.state.Settled, g.state.Reason, g.state.Message = nil, false, "", ""
		return
	}
	if fault := l.place(s, g); fault != nil { //nolint:contextcheck // what ends outlives the call
		g.state = *fault
		return
	}
	if s.Keep { // nothing was served before, and the address stays its own
		g.state = l.reached(g)
		return
	}
	g.state = l.reached(g)
	if s.Snapshot == nil {
		l.stop(g) //nolint:contextcheck // it outlives the call
		g.state.Settled = true
		return
	}
	if err := l.apply(ctx, s, g); err != nil {
		g.state.Reason, g.state.Message = reasonOf(err), err.Error()
		g.state.Unbound = ports(s.Snapshot, g.unbound)
		return
	}
	g.state.Live, g.state.Settled, g.state.Unbound = s.Snapshot, true, ports(s.Snapshot, g.unbound)
}

// place gives a Gateway its address. One that cannot have what it asks for has none.
func (l *Local) place(s *Served, g *local) *State {
	if l.options.Pool.Empty() {
		for _, a := range s.Asked {
			if a != "" {
				l.stop(g)
				return &State{Reason: gatewayv1.GatewayReasonAddressNotUsable, Message: "Gateways have all addresses of the machine here, and none of their own"}
			}
		}
		return nil
	}
	own := *s
	if g.address.IsValid() {
		own.Held = []string{g.address.String()}
	}
	a, fault := l.options.Pool.assign(&own, l.taken)
	if a != g.address {
		l.leave(g)
	}
	if fault == nil {
		g.address, l.taken[a] = a, s.Gateway
	}
	return fault
}

// maxAddresses are as many as a Gateway's status has room for (GatewayStatus.Addresses).
const maxAddresses = 16

// reached is where a Gateway is reached, and nothing else of its state.
func (l *Local) reached(g *local) State {
	if told := l.options.Told; !told.Empty() && !g.address.IsValid() {
		return State{Addresses: told.addresses, Hostnames: told.hostnames}
	}
	return State{Addresses: l.addresses(g)}
}

// addresses are those at which a Gateway listens.
func (l *Local) addresses(g *local) []netip.Addr {
	if g.address.IsValid() {
		return []netip.Addr{g.address}
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		l.options.Log.Error(err, "read the addresses of the machine")
	}
	var out []netip.Addr
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().IsGlobalUnicast() && len(out) < maxAddresses {
			out = append(out, p.Addr())
		}
	}
	if len(out) == 0 {
		out = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	return out
}

// stop ends what a Gateway serves. Its address stays its own.
func (l *Local) stop(g *local) {
	s, address := g.server, g.address
	g.server, g.served, g.refused, g.fault, g.retry, g.unbound = nil, nil, nil, nil, time.Time{}, nil
	if s == nil {
		l.release(address)
		return
	}
	l.ending.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), l.options.Drain)
		defer cancel()
		s.Close(ctx)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.release(address)
		l.change() // somebody may wait for the address
	})
}

// leave ends what a Gateway serves, and gives its address back once it has ended.
func (l *Local) leave(g *local) {
	address := g.address
	ending := &local{address: address, server: g.server}
	g.address, g.server, g.served, g.refused, g.fault, g.retry, g.unbound = netip.Addr{}, nil, nil, nil, nil, time.Time{}, nil
	l.stop(ending)
}

// release gives an address back, unless a Gateway has it.
func (l *Local) release(address netip.Addr) {
	for _, g := range l.gateways {
		if g.address == address {
			return
		}
	}
	delete(l.taken, address)
}
