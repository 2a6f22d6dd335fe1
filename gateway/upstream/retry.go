// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream/http1"
)

// Retry says which requests are tried again. It does not change.
type Retry struct {
	attempts int
	connect  bool // without a connection
	reset    bool // without a byte of an answer
	late     bool // without one in time
	statuses [600]bool
	any      bool // methods
	budget   int64
	backoff  time.Duration
}

// DefaultRetry tries twice more when there was no connection.
var DefaultRetry = NewRetry(&config.Retry{Attempts: 2})

// NewRetry makes a Retry.
func NewRetry(c *config.Retry) *Retry {
	r := &Retry{attempts: c.Attempts, any: c.Methods == "Any", budget: int64(c.Budget), backoff: min(c.Backoff.Or(25*time.Millisecond), longest), connect: len(c.On) == 0}
	if r.budget == 0 {
		r.budget = 20
	}
	for _, on := range c.On {
		switch on {
		case "connect-failure":
			r.connect = true
		case "reset-before-answer":
			r.reset = true
		case "attempt-timeout":
			r.late = true
		default:
			if status, err := strconv.Atoi(on); err == nil && status >= 0 && status < len(r.statuses) {
				r.statuses[status] = true
			}
		}
	}
	return r
}

// fits tells whether what became of a request is a reason to send it again, and whether
// that does no harm.
func (r *Retry) fits(q *http1.Request, res *http1.Response, err error) bool {
	harmless := q.Replayable() && (r.any || q.Idempotent())
	if err == nil {
		return harmless && res.Status < len(r.statuses) && r.statuses[res.Status]
	}
	e, ours := errors.AsType[*http1.Error](err)
	switch {
	case !ours:
		return false
	case e.Stage == http1.Connecting:
		return r.connect // nothing was sent, and nothing was read of the body
	case e.Stage == http1.Sending || e.Stage == http1.Waiting:
		if timedOut(err) {
			return r.late && harmless
		}
		return r.reset && harmless
	}
	return false
}

// spare is how many requests of a backend may always be tries: the first ones of a
// backend with few requests are more than its budget.
const spare = 3

// longest is the longest pause.
const longest = 10 * time.Second

// retry waits until a request may be sent again, and tells whether it may. The caller
// gives p.retries one back then, when the attempt has ended.
func (p *Pool) retry(ctx context.Context, r *Retry, attempt int) bool {
	if n := p.retries.Add(1); n > spare && n*100 > r.budget*p.gate.active.Load() {
		p.retries.Add(-1)
		return false
	}
	pause := max(min(r.backoff<<(attempt-1), longest), 1)
	pause += rand.N(pause/2 + 1) //nolint:gosec // not a secret
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		p.retries.Add(-1)
		return false
	}
}

func timedOut(err error) bool {
	t, is := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return is && t.Timeout()
}
