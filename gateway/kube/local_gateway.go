// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/server"
)

// serve makes one Gateway what it is to be.
func (l *Local) serve(ctx context.Context, s *Served, g *local) {
	if s.Keep {
		g.state.Live, g.state.Settled, g.state.Reason, g.state.Message = nil, false, "", ""
		return
	}
	if fault := l.place(s, g); fault != nil { //nolint:contextcheck // what ends outlives the call
		g.state = *fault
		return
	}
	g.state = State{Addresses: l.addresses(g)}
	if s.Snapshot == nil {
		l.stop(g) //nolint:contextcheck // it outlives the call
		g.state.Settled = true
		return
	}
	if err := l.apply(ctx, s, g); err != nil {
		g.state.Reason, g.state.Message = gatewayv1.GatewayReasonInvalid, err.Error()
		return
	}
	g.state.Live, g.state.Settled = s.Snapshot, true
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

// apply puts a snapshot in force, unless it is.
func (l *Local) apply(ctx context.Context, s *Served, g *local) error {
	if g.served != nil && reflect.DeepEqual(g.served, s.Snapshot) {
		g.served, g.refused, g.retry = s.Snapshot, nil, time.Time{}
		return nil
	}
	now := time.Now()
	switch same := g.refused != nil && reflect.DeepEqual(g.refused, s.Snapshot); {
	case !same:
		g.wait = leastRetry
	case now.Before(g.retry):
		return g.fault
	}
	if g.server == nil {
		g.server = server.New(l.options.Log.WithValues("gateway", s.Gateway.String()), l.options.Stdout)
	}
	placed, err := l.located(s.Snapshot, g)
	if err == nil {
		err = g.server.Apply(ctx, placed)
	}
	if err != nil {
		g.server.Refused(err)
		g.refused, g.fault, g.retry, g.wait = s.Snapshot, err, now.Add(g.wait), min(2*g.wait, mostRetry)
		return err
	}
	g.served, g.refused, g.fault, g.retry = s.Snapshot, nil, nil, time.Time{}
	return nil
}

// located is a snapshot whose listeners are where a Gateway is.
func (l *Local) located(s *config.Snapshot, g *local) (*config.Snapshot, error) {
	out := *s
	out.Listeners = slices.Clone(s.Listeners)
	for i := range out.Listeners {
		at := &out.Listeners[i].Address
		port := uint32(at.Port()) + uint32(l.options.PortOffset)
		if port > 1<<16-1 {
			return nil, fmt.Errorf("listener %s: port %d would be %d", out.Listeners[i].Name, at.Port(), port)
		}
		host := netip.IPv6Unspecified()
		if g.address.IsValid() {
			host = g.address
		}
		*at = netip.AddrPortFrom(host, uint16(port))
	}
	return &out, nil
}

// maxAddresses are as many as a Gateway's status has room for (GatewayStatus.Addresses).
const maxAddresses = 16

// addresses are where a Gateway is reached.
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
	g.server, g.served, g.refused, g.fault, g.retry = nil, nil, nil, nil, time.Time{}
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
	g.address, g.server, g.served, g.refused, g.fault, g.retry = netip.Addr{}, nil, nil, nil, nil, time.Time{}
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
