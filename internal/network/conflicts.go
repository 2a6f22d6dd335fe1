// SPDX-License-Identifier: Apache-2.0

package network

import (
	"time"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// silence is how long a workload must have been seen at work before what it was not
// seen to do says something: what happens once a day has happened by then.
const silence = 24 * time.Hour

// conflicts compares a plan with what was seen. The traffic opens nothing, so that
// what was seen and not declared is not in the plan.
func (c *Cluster) conflicts(namespace string, m *generator.Model) []generator.Conflict {
	seen := within(c.traffic.Seen, namespace)
	if len(seen) == 0 {
		return nil
	}
	both, _ := generator.Build(generator.Input{
		Inventory: c.inv, Universe: c.universe, Environment: c.env, Guards: m.Guards, Edges: append(seen, m.Edges...), Now: c.now,
	})
	span := map[generator.WorkloadID][2]time.Time{}
	for i := range seen {
		for _, w := range seen[i].Because {
			for _, end := range []generator.Peer{seen[i].From, seen[i].To} {
				if end.Kind == generator.WorkloadPeer {
					span[end.ID()] = extended(span[end.ID()], w.First, w.Last)
				}
			}
		}
	}
	return both.Conflicts(func(id generator.WorkloadID) bool {
		s, looked := span[id]
		return looked && s[1].Sub(s[0]) >= silence
	})
}

// extended is a span of time with another in it.
func extended(s [2]time.Time, first, last time.Time) [2]time.Time {
	if s[0].IsZero() || first.Before(s[0]) {
		s[0] = first
	}
	if last.After(s[1]) {
		s[1] = last
	}
	return s
}
