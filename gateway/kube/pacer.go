// SPDX-License-Identifier: Apache-2.0

package kube

import "time"

// pacer says how long nothing is translated after a translation, so that a cluster that
// changes without end takes half of a processor, and one that changes now and then does
// not wait. Work makes a debt, of the time that it took, which idleness pays; up to
// credit it is let stand. The zero value owes nothing.
type pacer struct {
	debt  time.Duration
	ended time.Time // the last work
}

const (
	// leastRest lets the objects of one `kubectl apply` be translated together.
	leastRest = 5 * time.Millisecond
	mostRest  = time.Second
	// credit is work that may be done at once: some changes of a cluster with 1,000 routes, or
	// one of a cluster with 5,000.
	credit = 150 * time.Millisecond
)

// rest is how long to wait after work that began and ended then.
func (p *pacer) rest(began, ended time.Time) time.Duration {
	if idle := began.Sub(p.ended); idle > 0 {
		p.debt = max(0, p.debt-idle)
	}
	p.debt = min(p.debt+ended.Sub(began), credit+mostRest)
	p.ended = ended
	return max(p.debt-credit, leastRest)
}

// spare tells whether work may be done now that might be for nothing.
func (p *pacer) spare(now time.Time) bool { return p.debt-now.Sub(p.ended) < credit/2 }
