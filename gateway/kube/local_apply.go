// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"syscall"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/server"
)

// apply puts a snapshot in force, unless it is. Listeners whose port cannot be had are
// left out, and tried again; without any other nothing is served.
func (l *Local) apply(ctx context.Context, s *Served, g *local) error {
	now := time.Now()
	if g.served != nil && reflect.DeepEqual(g.served, s.Snapshot) {
		g.served, g.refused = s.Snapshot, nil
		if g.retry.IsZero() || now.Before(g.retry) {
			return nil
		}
	}
	again := g.served == s.Snapshot // only for listeners that could not be had
	switch same := again || g.refused != nil && reflect.DeepEqual(g.refused, s.Snapshot); {
	case !same:
		g.wait = leastRetry
	case now.Before(g.retry):
		return g.fault
	}
	if g.server == nil {
		g.server = server.New(l.options.Log.WithValues("gateway", s.Gateway.String()), l.options.Stdout)
	}
	before := g.unbound
	unbound, wait, err := l.put(ctx, s.Snapshot, g, again)
	l.tell(s, before, unbound)
	if err == nil {
		g.served, g.refused, g.fault, g.retry, g.unbound = s.Snapshot, nil, nil, time.Time{}, unbound
		if wait {
			g.retry, g.wait = now.Add(g.wait), min(2*g.wait, mostRetry)
		}
		return nil
	}
	if len(unbound) < len(s.Snapshot.Listeners) {
		g.server.Refused(err)
	} else {
		l.stop(g) //nolint:contextcheck // it outlives the call
		g.unbound = unbound
	}
	g.refused, g.fault, g.retry, g.wait = s.Snapshot, err, now.Add(g.wait), min(2*g.wait, mostRetry)
	return err
}

// put has a server serve what it can of a snapshot, and returns which listeners it cannot
// have, and whether that may change by itself. The error is about the whole. With again,
// what is served already is not applied once more.
func (l *Local) put(ctx context.Context, s *config.Snapshot, g *local, again bool) (unbound map[string]error, wait bool, err error) {
	placed, unbound := l.located(s, g)
	left := make(map[string]bool, len(unbound))
	for {
		for name := range unbound {
			left[name] = true
		}
		if len(left) == len(s.Listeners) {
			return unbound, wait, joined(unbound)
		}
		if again && wait && maps.EqualFunc(unbound, g.unbound, func(error, error) bool { return true }) {
			return unbound, wait, nil
		}
		own := placed
		if len(left) > 0 {
			own = placed.Without(left)
		}
		var faults server.UnboundError
		if err := g.server.Apply(ctx, own); !errors.As(err, &faults) {
			return unbound, wait, err
		}
		wait = true
		maps.Copy(unbound, faults)
	}
}

// joined is why no listener can be had.
func joined(unbound map[string]error) error {
	errs := make([]error, 0, len(unbound))
	for _, name := range slices.Sorted(maps.Keys(unbound)) {
		errs = append(errs, fmt.Errorf("listener %s: %w", name, unbound[name]))
	}
	return errors.Join(errs...)
}

// tell logs which listeners are not served that were not named before.
func (l *Local) tell(s *Served, before, now map[string]error) {
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if before[name] == nil {
			l.options.Log.Error(now[name], "listener is not served", "gateway", s.Gateway.String(), "listener", name)
		}
	}
}

// located is a snapshot whose listeners are where a Gateway is, and those that have no
// port there.
func (l *Local) located(s *config.Snapshot, g *local) (*config.Snapshot, map[string]error) {
	out, unbound := *s, map[string]error{}
	out.Listeners = slices.Clone(s.Listeners)
	for i := range out.Listeners {
		at := &out.Listeners[i].Address
		port := uint32(at.Port()) + uint32(l.options.PortOffset)
		if port > 1<<16-1 {
			unbound[out.Listeners[i].Name] = fmt.Errorf("port %d would be %d", at.Port(), port)
			continue
		}
		host := netip.IPv6Unspecified()
		if g.address.IsValid() {
			host = g.address
		}
		*at = netip.AddrPortFrom(host, uint16(port))
		if out.Listeners[i].Protocol != config.UDP && l.reserved(*at) {
			unbound[out.Listeners[i].Name] = fmt.Errorf("port %d is where this process listens itself", port)
		}
	}
	return &out, unbound
}

// reserved tells whether an address is one of Options.Reserved.
func (l *Local) reserved(at netip.AddrPort) bool {
	return slices.ContainsFunc(l.options.Reserved, func(r netip.AddrPort) bool {
		return r.Port() == at.Port() && (r.Addr().IsUnspecified() || at.Addr().IsUnspecified() || r.Addr() == at.Addr())
	})
}

// ports are where listeners are that do not listen.
func ports(s *config.Snapshot, unbound map[string]error) map[Port]string {
	out := make(map[Port]string, len(unbound))
	for i := range s.Listeners {
		if err := unbound[s.Listeners[i].Name]; err != nil {
			out[Port{s.Listeners[i].Address.Port(), s.Listeners[i].Protocol == config.UDP}] = err.Error()
		}
	}
	return out
}

// reasonOf is what a Gateway says of a fault for which nothing of it is as wanted.
func reasonOf(err error) gatewayv1.GatewayConditionReason {
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		return gatewayv1.GatewayReasonAddressNotUsable
	}
	return gatewayv1.GatewayReasonInvalid
}
