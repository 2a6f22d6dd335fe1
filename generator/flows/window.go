// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"cmp"
	"slices"
	"time"
)

// Span is a time in which flows were seen without a gap.
type Span struct {
	First, Last time.Time
	Flows       uint64
}

// Window is when somebody looked: the spans between the gaps, in order. A clock
// that went wrong by hours makes a span of its own, which covers nothing else.
type Window struct {
	Spans []Span

	// Strays are times more than 400 days from all others, of clocks that went wrong
	// by years. They are no part of the window, and nothing counts as seen then.
	Strays []Span

	Gap  time.Duration // the shortest silence that is a gap
	Lost uint64        // events that recorders say they lost

	Timeless  uint64 // flows without a time that can be one
	Ahead     uint64 // flows later than the moment at which they are read: their times do not count
	Backwards uint64 // jumps of the clock: flows much older than the one before
}

// First is when the first flow was seen; the zero time when none has a time.
func (w *Window) First() time.Time {
	if len(w.Spans) == 0 {
		return time.Time{}
	}
	return w.Spans[0].First
}

// Last is when the last flow was seen.
func (w *Window) Last() time.Time {
	if len(w.Spans) == 0 {
		return time.Time{}
	}
	return w.Spans[len(w.Spans)-1].Last
}

// Length is how long somebody looked: the sum of the spans, without the gaps.
func (w *Window) Length() time.Duration {
	var sum time.Duration
	for _, s := range w.Spans {
		sum += s.Last.Sub(s.First)
	}
	return sum
}

// Gaps are the times between the spans.
func (w *Window) Gaps() []Span {
	var out []Span
	for i := 1; i < len(w.Spans); i++ {
		out = append(out, Span{First: w.Spans[i-1].Last, Last: w.Spans[i].First})
	}
	return out
}

// maxSpans bounds the spans: more of them are joined over longer gaps.
const maxSpans = 10000

// DefaultGap is longer than any silence of a cluster in which probes run: a
// kubelet probes every ten seconds, and Cilium reports an open connection every
// five.
const DefaultGap = 5 * time.Minute

// stretch is a Span in nanoseconds since 1970.
type stretch struct {
	first, last int64
	flows       uint64
}

// clock keeps the spans. Flows arrive roughly in order, so that nearly all of
// them fall into the span of the one before.
type clock struct {
	gap       int64
	spans     []stretch // ordered, apart by more than gap
	current   int
	previous  int64
	timeless  uint64
	ahead     uint64
	backwards uint64
	eras      eras
}

// add counts flows of a time, and returns its era.
func (c *clock) add(at int64, n uint64) uint8 {
	before := c.eras.now
	in := c.eras.add(at, n)
	if in == before && c.previous-at > c.gap {
		c.backwards++
	}
	c.previous = at
	if c.current < len(c.spans) {
		if s := &c.spans[c.current]; at >= s.first && at <= s.last {
			s.flows += n
			return in
		}
	}
	c.place(stretch{at, at, n})
	return in
}

// place joins a span with those that are near, or makes it one of its own.
func (c *clock) place(n stretch) {
	from, _ := slices.BinarySearchFunc(c.spans, n.first-c.gap, func(s stretch, at int64) int { return cmp.Compare(s.last, at) })
	to := from
	for to < len(c.spans) && c.spans[to].first-c.gap <= n.last {
		s := c.spans[to]
		n = stretch{min(n.first, s.first), max(n.last, s.last), n.flows + s.flows}
		to++
	}
	c.current = from
	if to == from+1 { // the usual case: one span grows
		c.spans[from] = n
		return
	}
	c.spans = slices.Replace(c.spans, from, to, n)
	for len(c.spans) > maxSpans {
		c.widen()
	}
}

// widen doubles the gap and joins what is nearer than that now.
func (c *clock) widen() {
	c.gap *= 2
	out := c.spans[:1]
	for _, s := range c.spans[1:] {
		if last := &out[len(out)-1]; s.first-last.last <= c.gap {
			last.last = max(last.last, s.last)
			last.flows += s.flows
			continue
		}
		out = append(out, s)
	}
	c.spans, c.current = out, len(out)
}

func (c *clock) window(lost uint64) Window {
	w := Window{Gap: time.Duration(c.gap), Lost: lost, Timeless: c.timeless, Ahead: c.ahead, Backwards: c.backwards}
	main := c.eras.main()
	for _, s := range c.spans {
		span := Span{First: timeOf(s.first), Last: timeOf(s.last), Flows: s.flows}
		if m := &c.eras.list[main]; s.first < m.first || s.first > m.last {
			w.Strays = append(w.Strays, span)
			continue
		}
		w.Spans = append(w.Spans, span)
	}
	return w
}

// timeOf is the zero time for 0.
func timeOf(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.Unix(0, at).UTC()
}
