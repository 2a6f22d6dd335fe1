// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"fmt"
	"time"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// DefaultMaxEdges bounds the different connections of one collection. One weighs
// some 620 bytes where it has an address of its own (TestAnEdgeIsSmall), less
// between workloads.
const DefaultMaxEdges = 1_000_000

// Options say what flows are compared with, and what becomes of them.
type Options struct {
	Inventory   *inventory.Inventory
	Universe    *generator.Universe // generator.Observe(Inventory)
	Environment generator.Environment

	// Where names the recording in the evidence: "flows.json.gz", "relay hubble:4245".
	Where string

	// Wishes makes edges of connections that were refused, too. Without it they
	// are counted: what a policy refused today may be what it is there for.
	Wishes bool

	// Keep is how long an edge counts after it was last seen, and then it expires; 0
	// for ever.
	Keep time.Duration

	// External is how many addresses outside of the cluster a workload may have
	// connections with, on one port and in one direction, before these become one
	// connection with everything outside: wider than what was seen, and shorter. 0
	// for any number.
	External int

	// Now is when the flows are read: what expired by then is no edge, and one that is later by more than ten minutes was
	// seen by a clock that is wrong, and its time does not count. Zero for no bound.
	Now time.Time

	MaxEdges int           // 0 for DefaultMaxEdges
	Gap      time.Duration // the shortest silence that is a gap; 0 for DefaultGap
}

// Collector turns flows into edges. Its memory grows with the number of
// different connections, workloads and namespaces, not with that of flows. It is
// for one goroutine.
type Collector struct {
	o         Options
	directory *directory
	clock     clock

	peers    map[generator.Peer]uint32
	list     []generator.Peer
	edges    map[edgeKey]uint32
	tallies  []tally
	summary  Summary
	lost     uint64
	notes    notes
	spaces   map[string]uint64
	seen     map[generator.WorkloadID]*Seen
	problems map[edgeKey]bool
	full     error
}

// edgeKey is an edge in 16 bytes.
type edgeKey struct {
	from, to uint32
	protocol generator.Protocol // 0 for the ports of a group
	refused  bool
	port     uint16
}

// tally is what was seen of an edge.
type tally struct {
	key  edgeKey
	seen times
	sure generator.Confidence

	// Both ends of a connection may report it, the source its leaving and the
	// destination its arriving. The greater of the two is how often it was seen.
	unplaced, arriving, leaving uint64
}

func (t *tally) flows() uint64 { return t.unplaced + max(t.arriving, t.leaving) }

// Seen is when a workload took part in a flow.
type Seen struct {
	First, Last time.Time // zero when no flow of it has a time
	Flows       uint64

	seen times
}

// NewCollector starts a collection.
func NewCollector(o Options) *Collector {
	if o.Inventory == nil {
		o.Inventory = inventory.New()
	}
	if o.MaxEdges <= 0 {
		o.MaxEdges = DefaultMaxEdges
	}
	if o.Gap <= 0 {
		o.Gap = DefaultGap
	}
	return &Collector{
		o: o, directory: newDirectory(o.Inventory, o.Universe, o.Environment), clock: clock{gap: int64(o.Gap)},
		peers: map[generator.Peer]uint32{}, edges: map[edgeKey]uint32{}, notes: notes{}, spaces: map[string]uint64{},
		seen: map[generator.WorkloadID]*Seen{}, problems: map[edgeKey]bool{},
	}
}

// Lose counts events that a recorder says it lost.
func (c *Collector) Lose(events uint64) { c.lost += events }

// Add takes one flow; nothing of it is kept. The error says that there are more
// different connections than Options allow, and every later call returns it too:
// a part of them would look like all.
func (c *Collector) Add(f *Flow) error {
	if c.full != nil {
		return c.full
	}
	n := max(f.Count, 1)
	c.summary.Flows += n
	at, in := c.when(f, n)
	from, to := c.directory.find(&f.Source), c.directory.destination(f)
	c.take(&from, at, in, n)
	c.take(&to, at, in, n)
	c.space(f.Source.Namespace, &from, n)
	if f.Destination.Namespace != f.Source.Namespace || from.peer.Namespace != to.peer.Namespace {
		c.space(f.Destination.Namespace, &to, n)
	}
	reason, sure := c.weigh(f, &from, &to)
	if reason != 0 {
		c.leave(reason, f, &from, &to, n)
		return nil
	}
	targets, port := c.directory.targets(f, &to)
	for _, target := range targets {
		c.count(c.key(from.peer, target, port, f.Verdict == Dropped), f.Direction, at, in, n, sure)
	}
	return c.full
}

// ahead is how far the clocks of nodes may be ahead of the one that reads.
const ahead = 10 * time.Minute

// when returns the time of a flow and its era; 0 for a flow without a time that
// counts.
func (c *Collector) when(f *Flow, n uint64) (at int64, in uint8) {
	at, timed := f.at()
	switch {
	case !timed:
		c.clock.timeless += n
		return 0, 0
	case !c.o.Now.IsZero() && f.Time.After(c.o.Now.Add(ahead)):
		c.clock.ahead += n
		return 0, 0
	}
	return at, c.clock.add(at, n)
}

// weigh says why a flow makes no edge; 0 for one that does.
func (c *Collector) weigh(f *Flow, from, to *end) (Reason, generator.Confidence) {
	switch {
	case f.Verdict == NoVerdict:
		return Undetermined, 0
	case f.Verdict == Failed:
		return Error, 0
	case f.Verdict == Discarded:
		return NoPolicy, 0
	case f.Protocol == 0:
		return OtherProtocol, 0
	case from.kind == aProbe || to.kind == aProbe:
		return HealthProbe, 0
	case f.loops():
		return Loopback, 0
	case from.kind == notKnown || to.kind == notKnown:
		return Unresolved, 0
	}
	judged, sure := c.directory.judge(f, from, to)
	switch {
	case judged == reply:
		return Reply, 0
	case f.DestinationPort == 0:
		return NoPort, 0
	case judged == undecided:
		return Undecided, 0
	case to.kind == aMetadata:
		return Metadata, 0
	case !hasPods(from) && !hasPods(to):
		return Outside, 0
	case f.Verdict == Dropped && !c.o.Wishes:
		return Refused, 0
	case f.Verdict == Dropped:
		sure = generator.Guessed // that somebody wished for it is no proof that it is wanted
	}
	return 0, min(sure, from.sure, to.sure)
}

// hasPods counts a Service too, which may lead to pods.
func hasPods(e *end) bool { return e.service != nil || e.peer.HasPods() }

// loops reports whether a pod talks to itself, which no policy stops.
func (f *Flow) loops() bool {
	s, d := &f.Source, &f.Destination
	if s.Pod != "" && d.Pod != "" {
		return s.Pod == d.Pod && s.Namespace == d.Namespace
	}
	return s.Address.IsValid() && s.Address == d.Address && s.Reserved == 0 && d.Reserved == 0
}

// leave counts a flow that makes no edge, and names what a person can do
// something about.
func (c *Collector) leave(reason Reason, f *Flow, from, to *end, n uint64) {
	c.summary.Left[reason] += n
	switch reason { //nolint:exhaustive // the others need no name
	case NoPolicy:
		c.notes.add(reason, f.DropReason, n)
	case OtherProtocol:
		name := f.Other
		if name == "" {
			name = "no protocol"
		}
		c.notes.add(reason, name, n)
	case Unresolved:
		for _, e := range []*end{from, to} {
			if e.kind == notKnown {
				c.notes.add(reason, e.what, n)
			}
		}
	case Undecided:
		c.notes.add(reason, fmt.Sprintf("%s port %d and %s port %d over %s", from.peer, f.SourcePort, to.peer, f.DestinationPort, f.Protocol), n)
	case Metadata:
		if key := c.keyWithin(from.peer, to.peer, generator.NumberedPort(f.Protocol, f.DestinationPort)); key != (edgeKey{}) {
			c.problems[key] = true
		}
		c.notes.add(reason, from.peer.String()+" to "+to.peer.Prefix.Addr().String(), n)
	}
}
