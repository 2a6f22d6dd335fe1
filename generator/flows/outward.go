// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"fmt"
	"time"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// corner is a workload with what it has with addresses outside of the cluster:
// on a port, in a direction, seen or refused.
type corner struct {
	with   generator.Peer
	port   generator.Port
	opens  bool
	reason string
}

// outward makes one edge of those of a corner that has more than so many single
// addresses. Each edge has one piece of evidence.
func outward(edges []generator.Edge, outside [2]generator.Block, most int) []generator.Edge {
	single := func(p generator.Peer) bool {
		return p.Kind == generator.CIDRPeer && p.Prefix.IsSingleIP() && (outside[0].Holds(p.Prefix.Addr()) || outside[1].Holds(p.Prefix.Addr()))
	}
	of := func(e *generator.Edge) (corner, bool) {
		switch {
		case single(e.To):
			return corner{e.From, e.Port, true, e.Because[0].What}, true
		case single(e.From):
			return corner{e.To, e.Port, false, e.Because[0].What}, true
		}
		return corner{}, false
	}
	count := map[corner]int{}
	for i := range edges {
		if c, is := of(&edges[i]); is {
			count[c]++
		}
	}
	out := edges[:0]
	at := map[corner]int{}
	for _, e := range edges {
		c, is := of(&e)
		if !is || count[c] <= most {
			out = append(out, e)
			continue
		}
		i, known := at[c]
		if !known {
			at[c] = len(out)
			if c.opens {
				e.To = generator.Peer{Kind: generator.ExternalPeer}
			} else {
				e.From = generator.Peer{Kind: generator.ExternalPeer}
			}
			e.Because[0].What = fmt.Sprintf("%s with %d addresses", c.reason, count[c])
			out = append(out, e)
			continue
		}
		join(&out[i].Because[0], &e.Because[0])
	}
	return out
}

// join counts evidence with another of the same kind.
func join(to, more *generator.Evidence) {
	to.Flows += min(more.Flows, ^to.Flows)
	to.Confidence = min(to.Confidence, more.Confidence)
	if to.First.IsZero() || !more.First.IsZero() && more.First.Before(to.First) {
		to.First = more.First
	}
	if more.Last.After(to.Last) {
		to.Last = more.Last
	}
	switch {
	case to.Expires.IsZero() || more.Expires.IsZero():
		to.Expires = time.Time{} // one that never does
	case more.Expires.After(to.Expires):
		to.Expires = more.Expires
	}
}
