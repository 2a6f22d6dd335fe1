// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"fmt"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// take notes that a workload was seen.
func (c *Collector) take(e *end, at int64, in uint8, n uint64) {
	if e.peer.Kind != generator.WorkloadPeer {
		return
	}
	id := e.peer.ID()
	s := c.seen[id]
	if s == nil {
		s = &Seen{}
		c.seen[id] = s
	}
	s.Flows += n
	s.seen.extend(at, in, &c.clock.eras)
}

// maxSpaces bounds the names of namespaces that are counted; a cluster has less.
const maxSpaces = 100_000

// space counts a flow of a namespace.
func (c *Collector) space(name string, e *end, n uint64) {
	if e.peer.Namespace != "" {
		name = e.peer.Namespace
	}
	if name == "" {
		return
	}
	if _, known := c.spaces[name]; known || len(c.spaces) < maxSpaces {
		c.spaces[name] += n
	}
}

// keyWithin is key for what need not be kept when there is much of it.
func (c *Collector) keyWithin(from, to generator.Peer, p generator.Port) edgeKey {
	if len(c.problems) >= maxNotes {
		return edgeKey{}
	}
	return c.key(from, to, p, false)
}

func (c *Collector) key(from, to generator.Peer, p generator.Port, refused bool) edgeKey {
	return edgeKey{from: c.number(from), to: c.number(to), protocol: p.Protocol, port: p.First, refused: refused}
}

// number gives every peer a number from 1.
func (c *Collector) number(p generator.Peer) uint32 {
	n, known := c.peers[p]
	if !known {
		c.list = append(c.list, p)
		n = uint32(len(c.list)) //nolint:gosec // two for each edge, which are bounded
		c.peers[p] = n
	}
	return n
}

func (c *Collector) count(key edgeKey, d Direction, at int64, in uint8, n uint64, sure generator.Confidence) {
	i, known := c.edges[key]
	if !known {
		if len(c.tallies) >= c.o.MaxEdges {
			c.full = fmt.Errorf("%w: more than %d; record fewer namespaces or less time, or leave out what is reached from the internet", ErrTooMany, c.o.MaxEdges)
			return
		}
		i = uint32(len(c.tallies)) //nolint:gosec // bounded by MaxEdges
		c.tallies = append(c.tallies, tally{key: key})
		c.edges[key] = i
	}
	t := &c.tallies[i]
	t.sure = max(t.sure, sure)
	t.seen.extend(at, in, &c.clock.eras)
	switch d {
	case Ingress:
		t.arriving += n
	case Egress:
		t.leaving += n
	case NoDirection:
		t.unplaced += n
	}
}
