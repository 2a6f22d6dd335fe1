// SPDX-License-Identifier: Apache-2.0

package flows

import "time"

// far is how far from all others a time is that a wrong clock made: 1970, or the year
// that is set by hand. Recordings of the end of one year and of the next are not.
const far = 400 * 24 * time.Hour

// era is times of which each is within far of another one. A recording is one era,
// and what wrong clocks say are others; 1970 to 2200 hold 210 at most.
type era struct {
	first, last int64
	flows       uint64
	into        uint8 // the era of which this one became a part; itself before that
}

// eras keeps them apart while flows arrive. The zero value is ready.
type eras struct {
	list []era
	now  uint8 // of the last flow
}

// add counts flows of a time and returns its era.
func (e *eras) add(at int64, n uint64) uint8 {
	if len(e.list) == 0 || !e.list[e.now].near(at) {
		e.now = e.find(at)
	}
	g := &e.list[e.now]
	g.flows += n
	if at >= g.first && at <= g.last {
		return e.now
	}
	g.first, g.last = min(g.first, at), max(g.last, at)
	for i := range e.list { // which may have closed the distance to others
		if o := &e.list[i]; int(o.into) == i && i != int(e.now) && (o.near(g.first) || o.near(g.last)) {
			g.first, g.last, g.flows = min(g.first, o.first), max(g.last, o.last), g.flows+o.flows
			o.into = e.now
		}
	}
	return e.now
}

func (g *era) near(at int64) bool { return at >= g.first-int64(far) && at <= g.last+int64(far) }

// find returns the era of a time, which may be a new one.
func (e *eras) find(at int64) uint8 {
	for i := range e.list {
		if g := &e.list[i]; int(g.into) == i && g.near(at) {
			return uint8(i)
		}
	}
	i := uint8(len(e.list)) //nolint:gosec // 210 at most
	e.list = append(e.list, era{at, at, 0, i})
	return i
}

// root returns the era of which one is a part now.
func (e *eras) root(i uint8) uint8 {
	for e.list[i].into != i {
		i = e.list[i].into
	}
	return i
}

// main returns the era that is the recording: the one with most flows, the last of
// several.
func (e *eras) main() (main uint8) {
	for i := range e.list {
		if int(e.list[i].into) == i && (e.list[main].into != main || e.list[i].beats(&e.list[main])) {
			main = uint8(i)
		}
	}
	return main
}

func (g *era) beats(o *era) bool { return g.flows > o.flows || g.flows == o.flows && g.last > o.last }

// times is when something was seen, in nanoseconds since 1970: within one era, that
// with most flows when it was seen in several. The zero value is never.
type times struct {
	first, last int64
	era         uint8
}

// extend adds a time; 0 is none.
func (t *times) extend(at int64, in uint8, e *eras) {
	switch {
	case at == 0:
		return
	case t.first == 0:
		*t = times{at, at, in}
		return
	}
	if mine, other := e.root(t.era), e.root(in); mine != other {
		if e.list[other].beats(&e.list[mine]) {
			*t = times{at, at, in}
		}
		return
	}
	t.first, t.last = min(t.first, at), max(t.last, at)
}

// within returns the times if they are of an era.
func (t *times) within(main uint8, e *eras) (first, last time.Time) {
	if t.first == 0 || e.root(t.era) != main {
		return time.Time{}, time.Time{}
	}
	return timeOf(t.first), timeOf(t.last)
}
