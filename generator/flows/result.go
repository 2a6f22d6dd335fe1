// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// ErrTooMany says that a recording holds more different connections than a
// collection may.
var ErrTooMany = errors.New("too many different connections")

// Reason says why a flow made no edge. The zero value is none.
type Reason uint8

// The reasons.
const (
	Reply         Reason = 1 + iota // the other end opened the connection
	Undecided                       // nothing tells which end opened it
	Unresolved                      // an end that nobody knows
	Refused                         // a policy dropped it, as far as is known
	Error                           // the recorder's own
	Undetermined                    // no verdict was reached yet
	OtherProtocol                   // ICMP and others, which no policy names
	NoPort                          // without the port of the destination
	Loopback                        // of a pod to itself, which no policy stops
	HealthProbe                     // Cilium's, between its agents
	Metadata                        // to a cloud's metadata service
	Outside                         // between two machines, neither a pod
	NoPolicy                        // dropped for another reason than a policy
	reasons                         // their number and one more
)

var reasonWords = [reasons]string{
	Reply: "replies", Undecided: "nothing tells which end opened the connection", Unresolved: "an end is not known", Refused: "dropped",
	Error: "errors", Undetermined: "no verdict", OtherProtocol: "neither TCP, UDP nor SCTP", NoPort: "no port", Loopback: "a pod to itself",
	HealthProbe: "health probes of Cilium", Metadata: "to a metadata service", Outside: "neither end is a pod",
	NoPolicy: "dropped, but by no policy",
}

// String returns the reason in a few words.
func (r Reason) String() string {
	if r < reasons && reasonWords[r] != "" {
		return reasonWords[r]
	}
	return "no reason"
}

// Summary counts flows: how many there were, and for each reason how many made
// no edge.
type Summary struct {
	Flows uint64
	Left  [reasons]uint64 // by Reason
}

// Note names one cause for which flows made no edge, and how many.
type Note struct {
	Reason Reason
	What   string // "pod shop/web-1, whose namespace is not known"; nothing for those beyond the number that is named
	Flows  uint64
}

// maxNotes is how many causes are named for each reason; the others are counted.
const maxNotes = 1000

// notes are the causes by reason and words.
type notes map[Reason]map[string]uint64

func (n notes) add(r Reason, what string, flows uint64) {
	of := n[r]
	if of == nil {
		of = map[string]uint64{}
		n[r] = of
	}
	if _, known := of[what]; !known && len(of) >= maxNotes {
		what = ""
	}
	of[what] += flows
}

// Result is what a collection found.
type Result struct {
	// Edges are as the recording has them, ordered: ends may be Services, which
	// generator.Build turns into what they lead to.
	Edges []generator.Edge

	// Old are those that were last seen too long ago to count: Options.Keep before
	// Options.Now. Ordered as Edges.
	Old []generator.Edge

	// Problems are connections that no edge may be made of by learning: to a
	// metadata service.
	Problems []generator.Problem

	Summary Summary
	Notes   []Note // ordered by reason, the most frequent first

	Window     Window
	Namespaces map[string]uint64 // flows of each
	Seen       map[generator.WorkloadID]Seen
}

// Result returns what was found so far. The collection may go on.
func (c *Collector) Result() Result {
	r := Result{
		Summary: c.summary, Notes: c.notes.list(), Window: c.clock.window(c.lost), Namespaces: maps.Clone(c.spaces),
		Seen: make(map[generator.WorkloadID]Seen, len(c.seen)),
	}
	main := c.clock.eras.main()
	for id, s := range c.seen {
		first, last := s.seen.within(main, &c.clock.eras)
		r.Seen[id] = Seen{First: first, Last: last, Flows: s.Flows}
	}
	r.Edges = make([]generator.Edge, 0, len(c.tallies))
	for i := range c.tallies {
		if e := c.edge(&c.tallies[i]); c.old(e) {
			r.Old = append(r.Old, e)
		} else {
			r.Edges = append(r.Edges, e)
		}
	}
	slices.SortFunc(r.Old, compareEdges)
	if c.o.External > 0 {
		r.Edges = outward(r.Edges, c.o.Environment.External(), c.o.External)
	}
	slices.SortFunc(r.Edges, compareEdges)
	for key := range c.problems {
		e := c.edge(&tally{key: key})
		e.Because[0].What = "seen; an edge would hand out the node's credentials"
		r.Problems = append(r.Problems, generator.Problem{Edge: e, What: "reaches a metadata service: only an intent may ask for that"})
	}
	slices.SortFunc(r.Problems, func(a, b generator.Problem) int { return a.Edge.Compare(b.Edge) })
	return r
}

// old reports whether an edge was last seen too long ago. One of an unknown time was
// not.
func (c *Collector) old(e generator.Edge) bool {
	over := e.Expires()
	return !c.o.Now.IsZero() && !over.IsZero() && !over.After(c.o.Now)
}

// compareEdges orders edges, and what was seen before what was refused.
func compareEdges(a, b generator.Edge) int {
	return cmp.Or(a.Compare(b), cmp.Compare(b.Confidence(), a.Confidence()), a.Because[0].Compare(b.Because[0]))
}

func (c *Collector) edge(t *tally) generator.Edge {
	e := generator.Edge{From: c.list[t.key.from-1], To: c.list[t.key.to-1]}
	if t.key.protocol != 0 {
		e.Port = generator.NumberedPort(t.key.protocol, t.key.port)
	}
	why := generator.Evidence{
		Source: generator.Flow, Confidence: t.sure, Where: c.o.Where, What: "seen", Flows: t.flows(),
	}
	why.First, why.Last = t.seen.within(c.clock.eras.main(), &c.clock.eras)
	if t.key.refused {
		why.What = "tried and dropped"
	}
	if c.o.Keep > 0 && !why.Last.IsZero() {
		why.Expires = why.Last.Add(c.o.Keep)
	}
	e.Because = []generator.Evidence{why}
	return e
}

func (n notes) list() []Note {
	var out []Note
	for reason, of := range n {
		for what, flows := range of {
			out = append(out, Note{reason, what, flows})
		}
	}
	slices.SortFunc(out, func(a, b Note) int {
		return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(b.Flows, a.Flows), cmp.Compare(a.What, b.What))
	})
	return out
}

// String returns the note in words.
func (n Note) String() string {
	what := n.What
	if what == "" {
		what = "others"
	}
	flows := "flows"
	if n.Flows == 1 {
		flows = "flow"
	}
	return fmt.Sprintf("%s: %s (%d %s)", n.Reason, what, n.Flows, flows)
}

// Sum returns how many flows made no edge.
func (s *Summary) Sum() uint64 {
	var sum uint64
	for _, n := range s.Left {
		sum += min(n, math.MaxUint64-sum)
	}
	return sum
}

// Covers reports whether the recording says something of a workload: it was seen
// for at least a time, of the length of the window when it is shorter.
func (r *Result) Covers(id generator.WorkloadID, least time.Duration) bool {
	s, seen := r.Seen[id]
	return seen && s.Last.Sub(s.First) >= min(least, r.Window.Length())
}
