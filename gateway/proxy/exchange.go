// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"net"
	"net/http"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/access"
	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream/http1"
)

// Exchange is one request on its way through the filters.
type Exchange struct {
	Form  *request.Form
	Route string // its name
	W     http.ResponseWriter
	R     *http.Request // for its context; all else is in Form
	Now   time.Time     // when it came, or when it need not wait any more
	// Principal is who asks, as the last access policy says that knows somebody. nil:
	// nobody was asked for.
	Principal *auth.Principal

	form     request.Form // what Form points to
	paced    paced        // what body points to
	body     *paced       // nil: none
	held     []held       // until it is over
	answer   *answer
	tunnel   net.Conn      // what the connection has become; nil: HTTP
	idle     time.Duration // of a tunnel
	place    place         // among those under way
	asked    auth.Request
	verdicts []access.Verdict  // of the policies that let it in, in their order
	few      [2]access.Verdict // the first of them

	out    http1.Request
	copied http.Header // of it, without what is set for one backend; nil: there are no mirrors
	said   [4]string   // values of the header lines that say who asks, and of its name
}

// held is a request's place among those under way.
type held struct {
	gauge *ratelimit.Gauge
	key   ratelimit.Key
}

// release gives up what is held. It is deferred, so that nothing is kept of a
// request that fails in whatever way.
func (x *Exchange) release() {
	for _, h := range x.held {
		h.gauge.Leave(h.key)
	}
	x.held = nil
	x.place.leave()
	x.place = place{}
}

// Decision is what a filter says. The zero value refuses, so that a filter that
// forgets to decide lets nobody in.
type Decision struct {
	next   bool
	Status int               // of the refusal, 0 means 403
	Reason string            // a word for log, metric and client, which says nothing of how it was found
	Policy string            // by name: what refused
	Rule   string            // of the policy
	Header func(http.Header) // adds to the header lines of the refusal; nil: nothing
}

// Next lets a request pass to the next filter.
func Next() Decision { return Decision{next: true} }

// Refuse ends an exchange.
func Refuse(status int, reason string) Decision { return Decision{Status: status, Reason: reason} }

// Filter judges exchanges. It is shared by all requests of a snapshot, and any
// number of goroutines may use it at once.
type Filter interface {
	Judge(x *Exchange) Decision
}
