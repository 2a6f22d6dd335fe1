// SPDX-License-Identifier: Apache-2.0

package networkplan

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/flows"
	"github.com/gatehouse-sh/gatehouse/generator/flows/relay"
	"github.com/gatehouse-sh/gatehouse/internal/controller"
	"github.com/gatehouse-sh/gatehouse/internal/network"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// The bounds of what is known of the traffic.
const (
	// turn is how often what was seen is published: how long a drop of wanted traffic
	// goes on before its plan is withdrawn.
	turn = 5 * time.Second

	// maxSeen is how many different connections are known, of each sort: some 20 MB.
	// The one that was seen longest ago goes first.
	maxSeen = 20_000

	// kept is how long a connection is known after it was seen last.
	kept = 7 * 24 * time.Hour

	// reconnect follows when the relay could not be read for several tries.
	reconnect = 30 * time.Second
)

// Traffic follows the flows of a Hubble Relay. One replica runs it. What it knows
// is lost with the process.
type Traffic struct {
	Relay     relay.Options
	Network   network.Options
	Inventory func() *inventory.Inventory
	Ready     func() bool // the inventory is complete
	Changed   func()      // called after each publication

	published atomic.Pointer[network.Traffic]

	mu    sync.Mutex
	since [sorts]*flows.Collector // the last turn; nil before the first
	fresh bool

	known [sorts]map[connection]generator.Evidence

	observer generator.Observer // of turn
}

// The sorts of what is seen: what came about, and from wasRefused on what was dropped, by
// the direction in which it was. No node of Cilium sees one end's drop at the other.
const (
	cameAbout  = 0
	wasRefused = 1
	sorts      = wasRefused + int(flows.Egress) + 1
)

// connection is an edge without its reasons.
type connection struct {
	from, to generator.Peer
	port     generator.Port
}

// Load returns what was seen up to the last turn.
func (t *Traffic) Load() network.Traffic {
	if p := t.published.Load(); p != nil {
		return *p
	}
	return network.Traffic{}
}

// NeedLeaderElection returns true: only the one who plans needs it.
func (*Traffic) NeedLeaderElection() bool { return true }

// Start follows until ctx ends. A relay that cannot be reached is tried again: no
// plan waits for it.
func (t *Traffic) Start(ctx context.Context) error {
	log := logr.FromContextOrDiscard(ctx)
	for !t.Ready() {
		if !controller.Wait(ctx, gather) {
			return nil
		}
	}
	for i := range t.known {
		t.known[i] = map[connection]generator.Evidence{}
	}
	// What the process does besides must not end with a cluster that cannot be read.
	for err := t.turn(time.Now()); err != nil; err = t.turn(time.Now()) {
		log.Error(err, "flows cannot be understood yet", "again", reconnect.String())
		if !controller.Wait(ctx, reconnect) {
			return nil
		}
	}
	var turning sync.WaitGroup
	turning.Go(func() {
		for controller.Wait(ctx, turn) {
			if err := t.turn(time.Now()); err != nil {
				log.Error(err, "flows are not understood")
			}
		}
	})
	defer turning.Wait()
	for {
		r, err := relay.NewReader(t.Relay)
		if err != nil {
			return fmt.Errorf("follow flows: %w", err)
		}
		err = r.Each(ctx, t.add)
		if ctx.Err() != nil {
			return nil
		}
		log.Error(err, "the flows end: plans are applied without them", "relay", t.Relay.Address, "flows", r.Stats.Flows, "again", reconnect.String())
		t.Relay.Since = time.Now().Add(-reconnect)
		if !controller.Wait(ctx, reconnect) {
			return nil
		}
	}
}

// add takes one flow.
func (t *Traffic) add(f *flows.Flow) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fresh = true
	// NetworkPolicies know addresses, not names.
	f.Names = f.Names[:0]
	sort := cameAbout
	if f.Verdict == flows.Dropped {
		// Who wished for the connection is judged as for one that came about.
		f.Verdict = flows.Forwarded
		sort = wasRefused + int(f.Direction)
	}
	_ = t.since[sort].Add(f) // too many different ones before the turn: the rest of them is left out
	return nil
}

// turn takes what the collectors hold, starts new ones with the workloads as they
// are now, and publishes.
func (t *Traffic) turn(now time.Time) error {
	inv := t.Inventory()
	universe, env, err := network.Survey(inv, t.Network, &t.observer)
	if err != nil {
		return err
	}
	o := flows.Options{Inventory: inv, Universe: universe, Environment: env, Where: "relay " + t.Relay.Address, MaxEdges: maxSeen}
	var since [sorts]*flows.Collector
	for i := range since {
		since[i] = flows.NewCollector(o)
	}
	t.mu.Lock()
	since, t.since = t.since, since
	fresh := t.fresh
	t.fresh = false
	t.mu.Unlock()
	if !fresh {
		return nil
	}
	for i, c := range since {
		result := c.Result()
		remember(t.known[i], result.Edges, now)
	}
	out := network.Traffic{
		Seen: edges(t.known[cameAbout]), Refused: edges(t.known[wasRefused]),
		RefusedEntering: edges(t.known[wasRefused+int(flows.Ingress)]), RefusedLeaving: edges(t.known[wasRefused+int(flows.Egress)]),
	}
	t.published.Store(&out)
	t.Changed()
	return nil
}

// remember adds what was seen to what is known, within the bounds.
func remember(known map[connection]generator.Evidence, list []generator.Edge, now time.Time) {
	for i := range list {
		e := &list[i]
		key := connection{e.From, e.To, e.Port}
		for _, w := range e.Because {
			if w.Last.IsZero() || w.Last.After(now) { // nobody said when, or the clock of a node is ahead
				w.First, w.Last = now, now
			}
			if before, is := known[key]; is {
				w.Flows += before.Flows
				w.First = before.First
				w.Confidence = max(w.Confidence, before.Confidence)
				if before.Last.After(w.Last) {
					w.Last = before.Last
				}
			}
			known[key] = w
		}
	}
	maps.DeleteFunc(known, func(_ connection, w generator.Evidence) bool { return now.Sub(w.Last) > kept })
	if len(known) <= maxSeen {
		return
	}
	order := slices.SortedFunc(maps.Keys(known), func(a, b connection) int { return known[a].Last.Compare(known[b].Last) })
	for _, key := range order[:len(order)-maxSeen] {
		delete(known, key)
	}
}

// edges returns what is known, ordered.
func edges(known map[connection]generator.Evidence) []generator.Edge {
	out := make([]generator.Edge, 0, len(known))
	for key, w := range known {
		out = append(out, generator.Edge{From: key.from, To: key.to, Port: key.port, Because: []generator.Evidence{w}})
	}
	slices.SortFunc(out, generator.Edge.Compare)
	return out
}
