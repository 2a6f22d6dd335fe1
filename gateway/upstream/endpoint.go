// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"sync"
	"sync/atomic"
	"time"
)

// endpoint is one address, what is under way to it, and how it is. It outlives
// configurations that name it.
type endpoint struct {
	address  string
	sender   sender
	requests atomic.Int64
	release  func() // counts a request out

	unhealthy atomic.Bool  // by what it was asked
	until     atomic.Int64 // it is ejected, in Unix nanoseconds; 0: it is not
	probing   atomic.Bool  // one request finds out whether it is well again
	failures  atomic.Int32 // in a row
	ejections atomic.Int32 // in a row

	mu   sync.Mutex // of what follows
	good int        // answers in a row to what it was asked
	bad  int
}

// well tells whether an endpoint may be taken.
func (e *endpoint) well(now int64) bool {
	if e.unhealthy.Load() {
		return false
	}
	until := e.until.Load()
	return until == 0 || now >= until && !e.probing.Load()
}

// claim takes an endpoint for a request. Of one that was ejected only one may.
func (e *endpoint) claim() bool {
	return e.until.Load() == 0 || e.probing.CompareAndSwap(false, true)
}

// result says what became of a request.
type result uint8

const (
	neither result = iota // the client went, or its request could not be read
	success
	failure
)

// tell counts the result of a request, and ejects an endpoint that fails.
func (p *Pool) tell(s *settings, e *endpoint, r result) {
	if s.outlier == nil {
		return
	}
	ejected := e.until.Load() != 0
	switch r {
	case neither:
		e.probing.Store(false)
	case success:
		if e.failures.Load() != 0 {
			e.failures.Store(0)
		}
		if ejected && e.probing.Load() {
			e.ejections.Store(0)
			e.until.Store(0)
			e.probing.Store(false)
		}
	case failure:
		if n := e.failures.Add(1); ejected && !e.probing.Load() || !ejected && (n < s.outlier.failures || !p.mayEject(s)) {
			return
		}
		n := min(e.ejections.Add(1), 10)
		e.until.Store(time.Now().Add(time.Duration(n) * s.outlier.ejection).UnixNano())
		e.probing.Store(false)
		e.failures.Store(0)
	}
}

// mayEject tells whether one endpoint more may be out.
func (p *Pool) mayEject(s *settings) bool {
	list, out := *p.endpoints.Load(), 1
	for _, e := range list {
		if e.until.Load() != 0 {
			out++
		}
	}
	return out*100 <= s.outlier.maxEjected*len(list)
}
