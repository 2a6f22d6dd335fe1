// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"cmp"
	"context"
	"io"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/server"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// Local is a Plane in this process: each Gateway has a server.Server.
type Local struct {
	options LocalOptions
	changed chan struct{}
	ending  sync.WaitGroup

	mu       sync.Mutex
	gateways map[translate.Name]*local
	taken    map[netip.Addr]translate.Name // also by those that are ending
	again    *time.Timer
	closed   bool
}

// LocalOptions say where Gateways are served.
type LocalOptions struct {
	Pool Pool
	// Told are told in statuses where the Pool is empty, in the place of the machine's.
	Told Told
	// PortOffset is added to the port of each listener, for processes that may not listen
	// below 1024.
	PortOffset uint16
	// Reserved is where this process listens for TCP itself, now or later, such as for
	// metrics. No listener has these.
	Reserved []netip.AddrPort
	// Drain is how long requests under way may take when a Gateway ends.
	Drain  time.Duration
	Log    logr.Logger
	Stdout io.Writer // for the lines of decisions
}

// local is one Gateway.
type local struct {
	address netip.Addr // the zero value: none yet, or that of the whole machine
	server  *server.Server
	served  *config.Snapshot // what server has, as it was wanted
	refused *config.Snapshot // what it has refused
	fault   error            // and why
	retry   time.Time        // when that is tried again
	wait    time.Duration
	unbound map[string]error // listeners of served that do not listen, by name
	state   State
}

// Times between two tries of a configuration that was refused: an address may be another
// process's that is ending.
const (
	leastRetry = 500 * time.Millisecond
	mostRetry  = 30 * time.Second
)

// NewLocal makes a Plane that serves nothing yet.
func NewLocal(o LocalOptions) *Local {
	return &Local{options: o, changed: make(chan struct{}, 1), gateways: map[translate.Name]*local{}, taken: map[netip.Addr]translate.Name{}}
}

// Changed implements Plane.
func (l *Local) Changed() <-chan struct{} { return l.changed }

func (l *Local) change() {
	select {
	case l.changed <- struct{}{}:
	default: // nobody has looked since
	}
}

// State implements Plane.
func (l *Local) State(gateway translate.Name) State {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.gateways[gateway]; g != nil {
		return g.state
	}
	return State{}
}

// Serve implements Plane. The snapshots are in force when it returns, or refused.
func (l *Local) Serve(ctx context.Context, all []Served) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	wanted := map[translate.Name]bool{}
	for i := range all {
		wanted[all[i].Gateway] = true
	}
	for name, g := range l.gateways {
		if !wanted[name] {
			delete(l.gateways, name)
			l.leave(g) //nolint:contextcheck // it outlives the call
		}
	}
	// Who asks for an address, or has one, comes before who takes any; then the older one.
	order := slices.SortedFunc(slices.Values(all), func(a, b Served) int {
		return cmp.Or(first(l.settled(&a), l.settled(&b)), first(len(a.Held) > 0, len(b.Held) > 0), first(len(a.Asked) > 0, len(b.Asked) > 0),
			a.Created.Compare(b.Created), compare(a.Gateway, b.Gateway))
	})
	next := time.Time{}
	for i := range order {
		s := &order[i]
		g := l.gateways[s.Gateway]
		if g == nil {
			g = &local{}
			l.gateways[s.Gateway] = g
		}
		l.serve(ctx, s, g)
		if !g.retry.IsZero() && (next.IsZero() || g.retry.Before(next)) {
			next = g.retry
		}
	}
	if l.again != nil {
		l.again.Stop()
	}
	if !next.IsZero() {
		l.again = time.AfterFunc(time.Until(next), l.change)
	}
}

// settled tells whether a Gateway has an address already.
func (l *Local) settled(s *Served) bool {
	g := l.gateways[s.Gateway]
	return g != nil && g.address.IsValid()
}

// first orders what is so before what is not.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// Close ends all, and returns when requests under way have had their time.
func (l *Local) Close() {
	l.mu.Lock()
	l.closed = true
	if l.again != nil {
		l.again.Stop()
	}
	for name, g := range l.gateways {
		delete(l.gateways, name)
		l.leave(g)
	}
	l.mu.Unlock()
	l.ending.Wait()
}
