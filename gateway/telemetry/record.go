// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"net/netip"
	"time"
)

// Record is what is told of one request once it is answered.
type Record struct {
	Time     time.Time // when its head had been read
	ID       string    // by which it is found at the backend, too
	Trace    string    // 32 hexadecimal digits, "" if it is in none
	Gateway  string    // as the configuration calls it
	Listener string
	Protocol string // HTTP/1.1
	// What was asked, in its one form; "" for what has none.
	Scheme, Method, Host, Path string
	Query                      string
	Header                     []string // name and value in turn: those that the configuration names
	Client                     netip.Addr
	Principal                  string // keyed hash, "" for nobody
	By                         string // the authenticator that vouches for it
	Route, Backend             string
	Policy, Rule               string // that decided last
	Shadow                     string // POLICY/LIMIT that would have refused it
	Reason                     string // a word; "" for what was answered by a backend or a route
	Status                     int
	Received, Sent             int64 // bytes of bodies, or through a tunnel
	Total                      time.Duration
	// Upstream is the time that the backend took from the sending of the request to
	// the head of its response; of Total, the rest is the gateway's and the client's.
	Upstream time.Duration
}
