// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"sync"

	dto "github.com/prometheus/client_model/go"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// Split is a Plane of two: Gateways whose class wants them shared, and what no Gateway has
// asked for, are served by this process, and all others by others, which one of several
// processes makes and hands over to (Lead).
type Split struct {
	shared *Local

	mu    sync.RWMutex
	own   *Remote // nil while another process leads
	isOwn map[translate.Name]bool
	left  []translate.Name
}

// NewSplit makes a Plane that serves nothing yet. What is shared is not to be used otherwise
// any more.
func NewSplit(shared *Local) *Split {
	return &Split{shared: shared, isOwn: map[translate.Name]bool{}}
}

// Changed implements Plane.
func (s *Split) Changed() <-chan struct{} { return s.shared.changed }

// Lead has other processes made by a Remote that has served nothing yet, and handed what they
// serve. It is for the one that holds the Lease. The Remote is not to be used otherwise any
// more, but for Run, Server and what concerns its authority.
func (s *Split) Lead(own *Remote) {
	own.changed = s.shared.changed
	s.mu.Lock()
	s.own = own
	s.mu.Unlock()
	signal(s.shared.changed)
}

// Rest is for the one that does not hold the Lease any more: what is shared is served as before.
func (s *Split) Rest() {
	s.mu.Lock()
	s.own = nil
	s.mu.Unlock()
}

// Leftover is Remote.Leftover.
func (s *Split) Leftover(gateways []translate.Name) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = gateways
}

// Serve implements Plane.
func (s *Split) Serve(ctx context.Context, all []Served) {
	s.mu.Lock()
	left := append([]translate.Name(nil), s.left...)
	var shared, own []Served
	isOwn := map[translate.Name]bool{}
	for i := range all {
		switch one := &all[i]; {
		case s.owns(one):
			isOwn[one.Gateway] = true
			own = append(own, *one)
		default:
			isOwn[one.Gateway] = false
			shared = append(shared, *one)
			if one.Service != nil {
				left = append(left, one.Gateway) // it had its own
			}
		}
	}
	s.isOwn = isOwn
	others := s.own
	s.mu.Unlock()
	if others != nil {
		others.Leftover(left)
		others.Serve(ctx, own)
	}
	s.shared.Serve(ctx, shared)
}

// owns tells whether a Gateway is to be served by others. Nobody knows it of one whose
// parameters are unknown, which stays where it was: of one that was served before this
// process began, its Service says so, or an address that it has without one.
func (s *Split) owns(one *Served) bool {
	was, known := s.isOwn[one.Gateway]
	switch {
	case one.Object == nil:
		return false
	case one.Unknown && known:
		return was
	case one.Unknown:
		return one.Service != nil || len(one.Held) == 0
	}
	return s.makes(one.Parameters)
}

// makes implements maker.
func (s *Split) makes(p *v1alpha1.GatewayParameters) bool {
	return p == nil || p.Spec.Deployment != v1alpha1.GatewayShared
}

// State implements Plane.
func (s *Split) State(gateway translate.Name) State {
	s.mu.RLock()
	is, own := s.isOwn[gateway], s.own
	s.mu.RUnlock()
	switch {
	case !is:
		return s.shared.State(gateway)
	case own == nil:
		return State{} // the one that leads knows
	}
	return own.State(gateway)
}

// Gather implements prometheus.Gatherer, of what is served here.
func (s *Split) Gather() ([]*dto.MetricFamily, error) { return s.shared.Gather() }

// Close is Local.Close.
func (s *Split) Close() { s.shared.Close() }
